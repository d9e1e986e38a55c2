// One store in several processes: what one changed, the very next verify of every other sees; a child goes on with the
// store object that it inherited, unless the store is not shared. Argument: a scratch folder.
#include <cerrno>
#include <csignal>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.hpp"

namespace ts = tokenstore;
using ts::errc;

namespace {

std::error_code code;

/// A forked process, and a line to it. Nobody waits for more than a minute.
class process {
public:
    /// Runs `body` in a child with the child's end of the line.
    template <class Body> explicit process(Body body) {
        int ends[2];
        CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
        std::fflush(nullptr);
        id_ = fork();
        CHECK(id_ >= 0);
        alarm(60);
        if (id_ == 0) {
            close(ends[0]);
            body(ends[1]);
            std::fflush(nullptr);
            _exit(0);
        }
        close(ends[1]);
        line_ = ends[0];
    }
    process(const process &) = delete;
    process &operator=(const process &) = delete;
    ~process() {
        int status = -1;
        close(line_);
        CHECK(waitpid(id_, &status, 0) == id_ && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    int line() const { return line_; }

private:
    pid_t id_;
    int line_;
};

void say(int line, std::string_view text) {
    CHECK(send(line, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

std::string hear(int line) {
    std::array<char, 512> text;
    ssize_t came = -1;
    alarm(60);
    do {
        came = recv(line, text.data(), text.size(), 0);
    } while (came < 0 && errno == EINTR);
    CHECK(came > 0);
    return std::string(text.data(), static_cast<std::size_t>(came));
}

/// Judges each value that comes, revokes it, and makes another one, until it hears "end".
void serve(const ts::store &store, int line) {
    const ts::type_id server = store.find_type("server").value();
    for (std::string value; (value = hear(line)) != "end";) {
        CHECK(store.verify(value, ts::query::any_type()).status() == errc::ok);
        say(line, "accepted");
        CHECK(hear(line) == "revoked");
        const ts::query at_once = ts::query::any_type().no_wait();
        const ts::verdict stale = store.verify(value, at_once);
        CHECK(stale.status() == errc::stale && stale.code() == errc::stale && !stale && !stale.is_trouble());
        CHECK(!stale.has_identity() && stale.id() == ts::token_id());
        for (const ts::verdict &one : store.verify_many({value, value}, at_once)) CHECK(one.status() == errc::stale);
        CHECK(store.verify(value, ts::query::any_type()).status() == errc::revoked);
        CHECK(store.verify(value, at_once).status() == errc::revoked);
        const ts::created made = store.create(ts::new_token(server, "child"));
        say(line, made.value.reveal());
        CHECK(hear(line) == "accepted");
        CHECK(store.revoke_value(made.value.reveal()).changed);
        say(line, "revoked");
    }
}

/// The other end of that.
void play(const ts::store &store, int line, int rounds) {
    const ts::type_id server = store.find_type("server").value();
    for (int n = 0; n < rounds; ++n) {
        const ts::created made = store.create(ts::new_token(server, "parent"));
        say(line, made.value.reveal());
        CHECK(hear(line) == "accepted");
        CHECK(store.revoke(made.id).changed);
        say(line, "revoked");
        const std::string other = hear(line);
        CHECK(store.verify(other, ts::query::of_type(server)));
        CHECK(store.get(store.verify(other, ts::query::any_type()).id()).owner == "child");
        say(line, "accepted");
        CHECK(hear(line) == "revoked");
        CHECK(store.verify(other, ts::query::of_type(server)).status() == errc::revoked);
    }
    say(line, "end");
}

/// A child's destructor closes what the child opened, and nothing of its parent's.
void children_go_on_with_a_shared_store(const std::string &path) {
    ts::store store = ts::store::create(path, ts::options().shared());
    const ts::type_id server = store.declare(ts::policy("server", "srv"));
    const ts::created kept = store.create(ts::new_token(server, "acme"));
    for (int n = 0; n < 3; ++n) {
        const process unused([&](int) { const ts::store own = std::move(store); });
        const process closing([&](int) {
            store.close();
            CODE_IS(errc::closed, store.close(code));
            CHECK(store.verify(kept.value.reveal(), ts::query::any_type()).status() == errc::closed);
        });
        const process serving([&](int line) {
            const ts::store own = std::move(store);
            serve(own, line);
        });
        play(store, serving.line(), 20);
    }
    CHECK(store.verify(kept.value.reveal(), ts::query::of_type(server)));
    THROWS(errc::locked, ts::store::open(path));
}

void workers_open_it_by_themselves(const std::string &path) {
    const ts::options shared = ts::options().shared();
    const process worker([&](int line) {
        CHECK(hear(line) == "it is there");
        const ts::store own = ts::store::open(path, shared);
        say(line, "open");
        serve(own, line);
    });
    const ts::store store = ts::store::open(path, shared);
    say(worker.line(), "it is there");
    CHECK(hear(worker.line()) == "open");
    CODE_IS(errc::locked, ts::store::open(path, {}, code));
    play(store, worker.line(), 20);
}

void a_store_that_is_not_shared_is_its_process_s(const std::string &path) {
    ts::store store = ts::store::open(path);
    const ts::created made = store.create(ts::new_token(store.find_type("server").value(), "acme"));
    const process child([&](int) {
        THROWS(errc::locked, ts::store::open(path, ts::options().shared()));
        CHECK(store.verify(made.value.reveal(), ts::query::any_type()).status() == errc::forked);
        CHECK(store.verify(made.value.reveal(), ts::query::any_type()).is_trouble());
        THROWS(errc::forked, store.revoke(made.id));
        CODE_IS(errc::forked, store.flush(code));
        const ts::store own = std::move(store);
    });
    CHECK(store.verify(made.value.reveal(), ts::query::any_type()));
    THROWS(errc::locked, ts::store::open(path, ts::options().shared()));
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        return 2;
    }
    const std::string path = std::string(argv[1]) + "/processes.store";
    children_go_on_with_a_shared_store(path);
    workers_open_it_by_themselves(path);
    a_store_that_is_not_shared_is_its_process_s(path);
    std::printf("C++ processes: %d checks passed in the first\n", checks.load());
    return 0;
}
