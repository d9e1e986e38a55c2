#define _DEFAULT_SOURCE
#include "processes.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_LINES = 64 };

/* The lines to all processes that this one forked. */
static int lines[MOST_LINES];
static int line_count = 0;

void takes_another_minute(void) { alarm(60); }

process start(void (*body)(int line, void *with), void *with) {
    process process;
    int ends[2];
    CHECK(line_count < MOST_LINES && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    fflush(NULL);
    process.id = fork();
    CHECK(process.id >= 0);
    if (process.id == 0) {
        takes_another_minute();
        CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
        close(ends[0]);
        for (int n = 0; n < line_count; n++) close(lines[n]);
        line_count = 0;
        body(ends[1], with);
        fflush(NULL);
        _exit(0);
    }
    takes_another_minute();
    close(ends[1]);
    process.line = lines[line_count++] = ends[0];
    return process;
}

void say(int line, const void *message, size_t len) {
    CHECK(send(line, message, len, MSG_NOSIGNAL) == (ssize_t)len);
}

void hear(int line, void *message, size_t len) {
    ssize_t came;
    takes_another_minute();
    do came = recv(line, message, len, MSG_TRUNC);
    while (came < 0 && errno == EINTR);
    CHECK(came == (ssize_t)len);
}

/* Waits for a process to be gone; how it ended. */
static int gone(process *process) {
    int status = -1, n = 0;
    close(process->line);
    while (n < line_count && lines[n] != process->line) n++;
    CHECK(n < line_count);
    lines[n] = lines[--line_count];
    takes_another_minute();
    CHECK(waitpid(process->id, &status, 0) == process->id);
    return status;
}

void ends_well(process *process) {
    int status = gone(process);
    if (!WIFEXITED(status)) fprintf(stderr, "a process ended by signal %d\n", WTERMSIG(status));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void is_killed(process *process) {
    CHECK(kill(process->id, SIGKILL) == 0);
    int status = gone(process);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

void is_stopped(const process *process) {
    int status = -1;
    CHECK(kill(process->id, SIGSTOP) == 0);
    CHECK(waitpid(process->id, &status, WUNTRACED) == process->id && WIFSTOPPED(status));
}

void goes_on(const process *process) { CHECK(kill(process->id, SIGCONT) == 0); }

static int64_t now_ns(void) {
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

watch started(void) {
    watch watch = {now_ns()};
    return watch;
}

int64_t ms_since(watch watch) { return (now_ns() - watch.begun_ns) / 1000000; }

void sleep_us(unsigned us) {
    struct timespec time = {us / 1000000, (long)(us % 1000000) * 1000};
    while (nanosleep(&time, &time) != 0) continue;
}

tokenstore_options shared_options(void) {
    tokenstore_options options = {0};
    options.struct_size = sizeof options;
    options.flags = TOKENSTORE_SHARED;
    return options;
}

tokenstore_store *make_shared(const char *path) {
    tokenstore_options options = shared_options();
    tokenstore_store *store;
    IS(tokenstore_create(path, &options, &store, NULL), TOKENSTORE_OK);
    return store;
}

tokenstore_store *open_shared(const char *path) {
    tokenstore_options options = shared_options();
    tokenstore_store *store;
    IS(tokenstore_open(path, &options, &store, NULL), TOKENSTORE_OK);
    return store;
}

void *shared_memory(size_t len) {
    void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}
