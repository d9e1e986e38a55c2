#define _POSIX_C_SOURCE 200809L
#include "child.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Every allocation of the process, whoever makes it: the names stand in front of the C library's. */
static atomic_size_t allocations;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    *out = aligned_alloc(alignment, size);
    return *out ? 0 : 12; /* ENOMEM */
}

void give_up(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void *contents(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) give_up(path, "cannot be read");
    long size = ftell(file);
    void *bytes = malloc((size_t)size);
    rewind(file);
    if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size) give_up(path, "cannot be read");
    fclose(file);
    *len = (size_t)size;
    return bytes;
}

/* This thread's time on the processor: while another program has it, no time passes. */
static uint64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static loop *loop_of(const contender *contender, const char *name) {
    if (strcmp(name, "single") == 0) return contender->single;
    if (strcmp(name, "project") == 0) return contender->project;
    if (strcmp(name, "batch") == 0) return contender->batch;
    give_up(name, "is no loop");
    return NULL;
}

int child(int argc, char **argv, const contender *contender) {
    if (argc != 4) give_up(argv[0], "STORE VALUES NUMBERS");
    size_t bytes = 0, numbers = 0;
    values all;
    all.bytes = contents(argv[2], &bytes);
    all.numbers = contents(argv[3], &numbers);
    all.count = numbers / sizeof(uint64_t);
    all.width = bytes / all.count;

    uint32_t type = 0;
    size_t before = atomic_load(&allocations);
    void *store = contender->open(argv[1], &type);
    /* Opening allocates: a count that does not see it sees nothing. */
    if (atomic_load(&allocations) == before) give_up("allocations", "are not counted");
    printf("ready\n");
    fflush(stdout);

    char name[16];
    size_t first = 0, count = 0, times = 0;
    while (scanf("%15s %zu %zu %zu", name, &first, &count, &times) == 4) {
        loop *run = loop_of(contender, name);
        values asked = all;
        if (first > all.count || count > all.count - first) give_up("values", "not so many");
        asked.bytes += first * all.width;
        asked.numbers += first;
        asked.count = count;
        size_t right = 0, allocated = atomic_load(&allocations);
        uint64_t start = cpu_ns();
        for (size_t time = 0; time < times; time++) right += run(store, type, asked);
        uint64_t took = cpu_ns() - start;
        allocated = atomic_load(&allocations) - allocated;
        printf("%llu %zu %zu\n", (unsigned long long)took, right, allocated);
        fflush(stdout);
    }
    contender->close(store);
    return 0;
}
