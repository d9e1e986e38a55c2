// Eight threads on one store that make, revoke and judge tokens: a token that was made is accepted by whoever knows of
// it, and from when its revocation returned nobody's next verify accepts it. And eight that spend one use, and refresh
// one value, at the same time. Argument: a scratch folder.
#include <atomic>
#include <thread>

#include "check.hpp"

namespace ts = tokenstore;
using ts::errc;

namespace {

constexpr std::size_t makers = 2, revokers = 2, judges = 4;
constexpr std::size_t each = 150, all = makers * each;

/// How far a token has come. It is said after the call returned that brought it there.
enum class state { absent, live, revoked };

/// A token that all threads know.
struct slot {
    std::atomic<state> known{state::absent};
    ts::created token;
};

class service {
public:
    explicit service(const std::string &path)
        : store_(ts::store::create(path)), server_(store_.declare(ts::policy("server", "srv"))) {}

    void run() {
        std::vector<std::thread> threads;
        for (std::size_t n = 0; n < makers; ++n) threads.emplace_back([this, n] { make(n); });
        for (std::size_t n = 0; n < revokers; ++n) threads.emplace_back([this, n] { revoke(n); });
        for (std::size_t n = 0; n < judges; ++n) threads.emplace_back([this, n] { judge(n); });
        for (std::thread &thread : threads) thread.join();
        const ts::store_stats stats = store_.stats();
        CHECK(stats.tokens == all && stats.sequence == 1 + 2 * all);
    }

private:
    void make(std::size_t which) {
        for (std::size_t n = which; n < all; n += makers) {
            slot &slot = slots_[n];
            slot.token = store_.create(ts::new_token(server_, "owner-" + std::to_string(n % 7)).app_word(n));
            CHECK(look(n) == errc::ok); // nobody else knows of it
            slot.known = state::live;
        }
        look_at_all();
    }

    void revoke(std::size_t which) {
        for (std::size_t n = which; n < all; n += revokers) {
            slot &slot = slots_[n];
            // Not before the judges are at work.
            while (slot.known != state::live || accepted_ == 0) std::this_thread::yield();
            CHECK(store_.revoke(ts::target(slot.token.id).by("revoker")).changed);
            slot.known = state::revoked;
            ++revoked_;
            CHECK(look(n) == errc::revoked);
        }
        look_at_all();
    }

    void judge(std::size_t which) {
        for (std::size_t turn = which; revoked_ < all; ++turn) {
            const std::size_t n = turn * 31 % all; // 31 and `all` have no common divisor: each has its turn
            const state before = slots_[n].known;
            if (before == state::absent) continue;
            const errc answer = turn % 8 == 0 ? look_at_pair(n) : look(n);
            CHECK(answer == errc::revoked || (answer == errc::ok && before == state::live));
            accepted_ += answer == errc::ok ? 1 : 0;
        }
        look_at_all();
    }

    /// What a verify answers, which is always about the right token.
    errc look(std::size_t n) const {
        const slot &slot = slots_[n];
        const ts::verdict verdict = store_.verify(slot.token.value.reveal(), ts::query::of_type(server_));
        CHECK(verdict.id() == slot.token.id && verdict.app_word() == n);
        return verdict.status();
    }

    /// The same in a batch: one clock for all, and a revocation may come between two of its values, but never go.
    errc look_at_pair(std::size_t n) const {
        const std::string_view value = slots_[n].token.value.reveal();
        const std::vector<ts::verdict> verdicts = store_.verify_many({value, value}, ts::query::any_type());
        for (const ts::verdict &verdict : verdicts) {
            CHECK(verdict.id() == slots_[n].token.id && verdict.app_word() == n);
        }
        CHECK(verdicts[0].status() == errc::ok || verdicts[1].status() == verdicts[0].status());
        return verdicts[1].status();
    }

    /// Once everything is revoked, every thread sees it.
    void look_at_all() const {
        while (revoked_ < all) std::this_thread::yield();
        for (std::size_t n = 0; n < all; ++n) CHECK(look(n) == errc::revoked);
    }

    const ts::store store_;
    const ts::type_id server_;
    std::array<slot, all> slots_;
    std::atomic<std::size_t> revoked_{0}, accepted_{0};
};

/// Of all who spend a last use, or refresh a value, at the same time exactly one wins; of the refreshes the others get
/// the same pair.
class race {
public:
    void run() {
        for (std::size_t round = 0; round < rounds; ++round) {
            const ts::token_pair first = store_.issue_pair({access_, refresh_, "acme", "client"});
            const ts::created once = store_.create(ts::new_token(coupon_, "acme").app_data("/inbox"));
            std::array<ts::refreshed, runners> refreshed;
            std::array<ts::consumed, runners> consumed;
            std::atomic<std::size_t> ready{0};
            std::vector<std::thread> threads;
            for (std::size_t n = 0; n < runners; ++n) {
                threads.emplace_back([&, n] {
                    ++ready;
                    while (ready < runners) std::this_thread::yield();
                    refreshed[n] = store_.refresh(first.refresh.value.reveal(), "client");
                    consumed[n] = store_.consume(once.value.reveal(), ts::query::of_type(coupon_));
                });
            }
            for (std::thread &thread : threads) thread.join();
            std::size_t rotated = 0, spent = 0;
            for (std::size_t n = 0; n < runners; ++n) {
                CHECK(refreshed[n].rotated() || refreshed[n].replayed());
                CHECK(refreshed[n].pair->access.value.reveal() == refreshed[0].pair->access.value.reveal() &&
                      refreshed[n].pair->refresh.value.reveal() == refreshed[0].pair->refresh.value.reveal());
                CHECK(consumed[n] || consumed[n].verdict.status() == errc::used);
                CHECK(consumed[n].app_data == (consumed[n] ? "/inbox" : ""));
                rotated += refreshed[n].rotated() ? 1 : 0;
                spent += consumed[n] ? 1 : 0;
            }
            CHECK(rotated == 1 && spent == 1);
        }
    }

private:
    static constexpr std::size_t rounds = 50, runners = 8;

    const ts::store store_ = ts::store::in_memory();
    const ts::type_id access_ = store_.declare(ts::policy("access", "acc"));
    const ts::type_id refresh_ = store_.declare(ts::policy("refresh", "ref").families(
        ts::family_policy(std::chrono::hours(1), std::chrono::hours(2), std::chrono::hours(3))));
    const ts::type_id coupon_ = store_.declare(ts::policy("coupon", "cou").uses(1));
};

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        return 2;
    }
    service(std::string(argv[1]) + "/threads.store").run();
    race().run();
    std::printf("C++ threads: %zu threads, %d checks passed\n", makers + revokers + judges, checks.load());
    return 0;
}
