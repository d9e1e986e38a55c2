// A verify allocates nothing: every way to get memory in this process is counted, the library's included.
#include <cerrno>
#include <new>

#include "check.hpp"

namespace {
unsigned long allocations = 0;
}

// The C library's own, behind the names that all else uses.
extern "C" {
void *__libc_malloc(std::size_t);
void *__libc_calloc(std::size_t, std::size_t);
void *__libc_realloc(void *, std::size_t);
void *__libc_memalign(std::size_t, std::size_t);

void *malloc(std::size_t bytes) {
    ++allocations;
    return __libc_malloc(bytes);
}
void *calloc(std::size_t count, std::size_t bytes) {
    ++allocations;
    return __libc_calloc(count, bytes);
}
void *realloc(void *memory, std::size_t bytes) {
    ++allocations;
    return __libc_realloc(memory, bytes);
}
void *aligned_alloc(std::size_t alignment, std::size_t bytes) {
    ++allocations;
    return __libc_memalign(alignment, bytes);
}
int posix_memalign(void **memory, std::size_t alignment, std::size_t bytes) {
    ++allocations;
    *memory = __libc_memalign(alignment, bytes);
    return *memory == nullptr ? ENOMEM : 0;
}
}

void *operator new(std::size_t bytes) {
    ++allocations;
    void *memory = __libc_malloc(bytes);
    return memory != nullptr ? memory : throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

int main(int argc, char **argv) {
    if (argc != 2) {
        return 2;
    }
    namespace ts = tokenstore;
    const ts::store store = ts::store::create(std::string(argv[1]) + "/allocations.store");
    const ts::type_id server = store.declare(ts::policy("server", "srv").accepts_external());
    unsigned long before = allocations;
    const ts::created made = store.create(ts::new_token(server, "acme").projects({"A-1"}).binding("b"));
    CHECK(allocations > before); // the counter counts, and in the library, too
    const ts::type_id ticket = store.declare(
        ts::policy("ticket", "tkt").uses(1).default_lifetime(std::chrono::seconds(900)).in_memory());
    const ts::type_id refresh = store.declare(ts::policy("refresh", "ref").families(
        ts::family_policy(std::chrono::hours(1), std::chrono::hours(2), std::chrono::hours(3))));
    const ts::created link = store.create(ts::new_token(ticket, "acme"));
    const ts::token_pair pair = store.issue_pair(ts::new_pair(server, refresh, "acme", "client").bind_access());
    const std::string header = "Bearer " + std::string(made.value.reveal());
    const std::string side_by_side = std::string(made.value.reveal()) + std::string(made.value.reveal());
    std::array<ts::verdict, 2> verdicts;

    before = allocations;
    unsigned long allowed = 0, refused = 0, wrong = 0;
    for (int n = 0; n < 1000; ++n) {
        const ts::query query = ts::query::of_type(server).project("A-1").binding("b");
        const std::string_view value = made.value.reveal();
        allowed += store.verify(value, query) ? 1 : 0;
        allowed += store.verify(header, ts::query(query).header()) ? 1 : 0;
        allowed +=
            store.verify_many(side_by_side, value.size(), nullptr, query, verdicts.data(), 2) == ts::errc::ok ? 1 : 0;
        refused += store.verify(value.substr(1), query) ? 0 : 1;
        refused += store.verify(value, ts::query::any_type().project("A-1")) ? 0 : 1;
        refused += store.verify(value, ts::query::any_type().binding("b").project("B-2")) ? 0 : 1;
        allowed += store.verify(pair.access.value.reveal(), ts::query::any_type().binding("client")) ? 1 : 0;
        refused += store.verify(link.value.reveal(), ts::query::of_type(ticket)).status() == ts::errc::must_consume;
        refused += store.verify(pair.refresh.value.reveal(), ts::query::any_type().binding("client")).status() ==
                   ts::errc::must_refresh;
        wrong += store.verify(value, ts::query::any_type().project("")).status() == ts::errc::invalid_argument ? 1 : 0;
        wrong += store.verify(value, ts::query::of_type(ts::type_id{})).is_trouble() ? 1 : 0;
        wrong += store.verify_many(side_by_side, value.size(), nullptr, ts::query::any_type().binding(""),
                                   verdicts.data(), 2) == ts::errc::invalid_argument
                     ? 1
                     : 0;
    }
    const unsigned long during = allocations - before;
    CHECK(allowed == 4000 && refused == 5000 && wrong == 3000);
    CHECK(during == 0);
    std::printf("C++ verify: 12000 calls, %lu allocations\n", during);
    return 0;
}
