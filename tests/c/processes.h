/* Processes that take turns: each is forked with a line to the one that forked it. Nobody waits for ever: whoever waits
 * for more than a minute ends, and with a process end those that it forked. */
#ifndef PROCESSES_H
#define PROCESSES_H

#include "checks.h"

#include <sys/types.h>

typedef struct process {
    pid_t id;
    /* Where the process that forked it hears and says something. */
    int line;
} process;

/* Forks a process that runs `body` with its own line and ends well when that returns. Of the lines to the other
 * processes it has none. */
process start(void (*body)(int line, void *with), void *with);
/* Messages come whole and in order. */
void say(int line, const void *message, size_t len);
void hear(int line, void *message, size_t len);
/* Whoever neither forks nor hears anything says by this that it is at work. */
void takes_another_minute(void);
/* Lets a process go, which must end well. */
void ends_well(process *process);
/* Ends a process in the middle of whatever it does. */
void is_killed(process *process);
/* Halts a process in the middle of whatever it does, and lets it go on. */
void is_stopped(const process *process);
void goes_on(const process *process);

/* How long something took, in ms. */
typedef struct watch {
    int64_t begun_ns;
} watch;
watch started(void);
int64_t ms_since(watch watch);
void sleep_us(unsigned us);

/* Options of a store that several processes have open. */
tokenstore_options shared_options(void);
/* A store made or opened so. */
tokenstore_store *make_shared(const char *path);
tokenstore_store *open_shared(const char *path);
/* Memory that every process has in common that is forked from now on, full of zeros. */
void *shared_memory(size_t len);

#endif
