// A service of several processes: what one revokes, the very next verify of every other refuses. Argument: a folder for
// its store.
#include "tokenstore.hpp"

#include <iostream>
#include <sys/wait.h>
#include <unistd.h>

namespace ts = tokenstore;

class service {
public:
    /// Opened before the workers are forked, each of which goes on with an opening of its own from its first call on.
    explicit service(const std::string &path)
        : store_(ts::store::create(path, ts::options().shared())), key_(store_.declare(ts::policy("key", "key"))) {}

    ts::created issue(std::string_view owner) const { return store_.create(ts::new_token(key_, owner)); }

    void revoke(ts::token_id id) const { store_.revoke(id); }

    int answer(std::string_view value) const { return status_of(store_.verify(value, ts::query::of_type(key_))); }

    /// The same for an event loop, which must not wait: nothing if another process changed the store since the last
    /// answer. Then a thread that may wait asks again.
    std::optional<int> answer_at_once(std::string_view value) const {
        const ts::verdict verdict = store_.verify(value, ts::query::of_type(key_).no_wait());
        return verdict.status() == ts::errc::stale ? std::nullopt : std::optional<int>(status_of(verdict));
    }

private:
    static int status_of(const ts::verdict &verdict) { return verdict ? 200 : verdict.is_trouble() ? 503 : 401; }

    ts::store store_;
    ts::type_id key_;
};

/// Does something in a forked worker.
template <class Work> bool in_worker(Work work) {
    const pid_t worker = fork();
    if (worker == 0) {
        _exit(work() ? 0 : 1);
    }
    int status = 1;
    return worker > 0 && waitpid(worker, &status, 0) == worker && status == 0;
}

int main(int argc, char **argv) try {
    const service service(std::string(argc > 1 ? argv[1] : ".") + "/workers.store");
    const ts::created token = service.issue("acme");
    const std::string_view value = token.value.reveal();
    std::cout << "here: " << service.answer(value) << std::endl;
    const bool done = in_worker([&] {
        std::cout << "in a worker: " << service.answer(value) << std::endl;
        service.revoke(token.id);
        std::cout << "revoked there: " << service.answer(value) << std::endl;
        return true;
    });
    if (!done) {
        return 1;
    }
    std::cout << "here, at once: " << (service.answer_at_once(value) ? "an answer" : "ask again") << "\n"
              << "here: " << service.answer(value) << "\n"
              << "here, at once: " << service.answer_at_once(value).value_or(0) << "\n";
} catch (const ts::error &error) {
    std::cerr << error.what() << "\n";
    return 1;
}
