/* Memory for the program of tests/hostile.rs: it ends where it is said to end, at a page that nobody may touch. */
#ifndef HOSTILE_MEMORY_H
#define HOSTILE_MEMORY_H

#define _DEFAULT_SOURCE
#include "tokenstore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What outputs hold before a call. */
#define STALE 0xAA

static const char *function_now = "", *row_now = "";

static void stop(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", function_now, row_now, what);
    exit(2);
}
#define SURE(holds) ((holds) ? (void)0 : stop("not so: " #holds))

static struct {
    void *start;
    size_t len;
} blocks[256];
static size_t block_count = 0;

/* So many bytes, all of this value. Behind the last is a page that nobody may touch. */
static void *block(size_t len, size_t align, int fill) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t room = (len + align - 1) / align * align;
    const size_t usable = (room + page - 1) / page * page;
    uint8_t *start = mmap(NULL, usable + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SURE(start != MAP_FAILED && block_count < sizeof blocks / sizeof blocks[0]);
    SURE(mprotect(start + usable, page, PROT_NONE) == 0);
    blocks[block_count].start = start;
    blocks[block_count++].len = usable + page;
    memset(start + (usable - room), fill, len);
    return start + (usable - room);
}

static void free_blocks(void) {
    while (block_count > 0) {
        block_count--;
        SURE(munmap(blocks[block_count].start, blocks[block_count].len) == 0);
    }
}

static void *copy(const void *from, size_t len) {
    return memcpy(block(len, 1, 0), from, len);
}

static int all_are(const void *memory, size_t len, int byte) {
    const uint8_t *bytes = memory;
    for (size_t n = 0; n < len; n++) {
        if (bytes[n] != byte) return 0;
    }
    return 1;
}

/* So many letters. */
static const uint8_t *letters(size_t len) {
    return block(len, 1, 'a');
}

static tokenstore_bytes text(const char *text) {
    tokenstore_bytes bytes;
    bytes.len = strlen(text);
    bytes.data = copy(text, bytes.len);
    return bytes;
}

/* Byte strings that differ, each of so many bytes. */
static const tokenstore_bytes *strings(size_t count, size_t len) {
    tokenstore_bytes *array = block(count * sizeof *array, sizeof(void *), 0);
    uint8_t *bytes = block(count * len, 1, 'a');
    for (size_t n = 0; n < count; n++) {
        char number[8];
        array[n].data = bytes + n * len;
        array[n].len = len;
        snprintf(number, sizeof number, "%05u", (unsigned)n);
        memcpy(bytes + n * len, number, len < 5 ? len : 5);
    }
    return array;
}

/* A struct as a program has it that knows `len` bytes of it and says `struct_size`; what is behind the bytes known here
 * is `tail`, the last byte of it `last`. */
static void *resized(const void *from, size_t known, size_t len, size_t struct_size, int tail, int last) {
    uint8_t *to = block(len < sizeof(size_t) ? sizeof(size_t) : len, sizeof(void *), tail);
    memcpy(to, from, len < known ? len : known);
    if (len > known) to[len - 1] = (uint8_t)last;
    memcpy(to, &struct_size, sizeof struct_size);
    return to;
}

#endif
