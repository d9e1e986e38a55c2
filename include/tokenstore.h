/* tokenstore: issues, verifies and revokes API tokens, keeping only their hashes in one file.
 *
 * Made from the library's source; do not edit it.
 *
 * Calls return a status: 0 is success, 1 to 99 are answers that a caller expects, from 100 on errors. Only
 * TOKENSTORE_OK allows anything. A pointer that is NULL where that is not allowed, or not aligned, a handle of another
 * kind, a flag or a number out of its range, text that is no UTF-8: TOKENSTORE_INVALID_ARGUMENT, and nothing is changed.
 *
 * Outputs are written on success; otherwise pointers are NULL, numbers 0, structs zeros behind their size, and the
 * buffer of a value is wiped, but where a call says more. Every handle may be used by several threads at once, but for
 * being closed; a call on a closed one answers TOKENSTORE_CLOSED.
 *
 * Text is UTF-8, without control characters where it is a name, an actor or a reason. Text and bytes come by pointer
 * and length; a length of 0 is empty whatever the pointer is, and NULL is allowed with 0 alone. What a pointer points to
 * is the caller's: the library keeps nothing of it after the call, and hands out nothing to be freed. A NULL buffer has
 * no room.
 *
 * A struct that begins with struct_size must have it set to its size, and what is not used set to zeros. A larger size,
 * of up to 4,096 bytes, is taken if all that this library does not know is zeros. Times are milliseconds since the Unix
 * epoch. An expiry is in the future and at most 17,592,186,044,414 (in June 2527), a lifetime from 1 ms to 557 years.
 *
 * The last parameter of most calls takes what went wrong, and may be NULL; one that is not aligned counts as NULL. It
 * never holds a token's value or a key.
 */


#ifndef TOKENSTORE_H
#define TOKENSTORE_H

#include <stddef.h>
#include <stdint.h>

#if defined(TOKENSTORE_NO_DEPRECATED)
#define TOKENSTORE_DEPRECATED(note)
#elif defined(__GNUC__)
#define TOKENSTORE_DEPRECATED(note) __attribute__((deprecated(note)))
#else
#define TOKENSTORE_DEPRECATED(note)
#endif

#if defined(__GNUC__)
#define TOKENSTORE_API __attribute__((visibility("default")))
#define TOKENSTORE_MUST_USE __attribute__((warn_unused_result))
#else
#define TOKENSTORE_API
#define TOKENSTORE_MUST_USE
#endif


/**
 * The version of this header: major, minor, patch.
 */
#define TOKENSTORE_VERSION_MAJOR 0

/**
 * See TOKENSTORE_VERSION_MAJOR.
 */
#define TOKENSTORE_VERSION_MINOR 1

/**
 * See TOKENSTORE_VERSION_MAJOR.
 */
#define TOKENSTORE_VERSION_PATCH 0

/**
 * The version as one number: major * 1000000 + minor * 1000 + patch.
 */
#define TOKENSTORE_VERSION_NUMBER 1000

/**
 * The number in the shared library's name. Programs built for one number run with every library of that number.
 */
#define TOKENSTORE_ABI 0

/**
 * How many bytes of text an error holds, the NUL at its end included.
 */
#define TOKENSTORE_ERROR_TEXT_BYTES 248

/**
 * Of options: several processes may have the store open, all of them so. Each verifies from its own memory; what one
 * changed, the very next verify of every other sees, once the change returned. The first call after another process's
 * change reads what changed, about 0.1 ms, and answers TOKENSTORE_BUSY, or what else keeps it from that,
 * rather than from before it. A child process goes on with its own opening, which its first call makes. Types in memory
 * alone are on the disk. Linux, and a file system of this machine, alone; nobody may truncate or overwrite the file while
 * it is open.
 */
#define TOKENSTORE_SHARED 1

/**
 * Of a policy: names need not be unique among an owner's live tokens.
 */
#define TOKENSTORE_TYPE_SHARED_NAMES 1

/**
 * Of a policy: only a query that names the type accepts its tokens.
 */
#define TOKENSTORE_TYPE_BY_NAME_ONLY 2

/**
 * Of a policy: tokens may be made from values of the caller's own.
 */
#define TOKENSTORE_TYPE_EXTERNAL 4

/**
 * Of a policy: its tokens live in memory alone: tickets of some seconds. They have a use count and a default lifetime, no
 * name and no parent, are in no list and no event, and are unknown after a close or a crash. In a shared store they are on
 * the disk, listed and logged as all others, and taken out some minutes after their end.
 */
#define TOKENSTORE_TYPE_VOLATILE 8

/**
 * Of a policy: it is a type of refresh values, and the members from access_lifetime_ms on hold for its families.
 */
#define TOKENSTORE_TYPE_FAMILIES 16

/**
 * Of a policy: a refresh ends the access token before it.
 */
#define TOKENSTORE_ACCESS_ENDS_NOW 0

/**
 * Of a policy: the access token before a refresh works for the grace more, if its own life lasts so long.
 */
#define TOKENSTORE_ACCESS_ENDS_WITH_GRACE 1

/**
 * Of a policy: a refresh leaves the access token before it alone.
 */
#define TOKENSTORE_ACCESS_LIVES_ON 2

/**
 * Of a policy: a used refresh value is never answered again.
 */
#define TOKENSTORE_NO_GRACE 18446744073709551615ull

/**
 * How many bytes a value that the library makes has at most.
 */
#define TOKENSTORE_VALUE_BYTES 64

/**
 * The expiry of a token that never expires.
 */
#define TOKENSTORE_NEVER 9223372036854775807

/**
 * Of a new token and an edit: the grants are all projects, those to come included.
 */
#define TOKENSTORE_ALL_PROJECTS 1

/**
 * Of a new token: expires_ms says when it expires. Without it the type's default holds.
 */
#define TOKENSTORE_EXPIRES_AT 2

/**
 * Of a new token: expires_ms says how long it lives.
 */
#define TOKENSTORE_EXPIRES_IN 4

/**
 * Of a token made: it was made now.
 */
#define TOKENSTORE_CREATED 1

/**
 * Of a token made: it was there, and its value is not known to the store.
 */
#define TOKENSTORE_EXISTING 2

/**
 * Of a query: accept any type but those accepted by name only. Without it `type` says which.
 */
#define TOKENSTORE_ANY_TYPE 1

/**
 * Of a query: the token must reach the project.
 */
#define TOKENSTORE_CHECK_PROJECT 2

/**
 * Of a query: the token must be bound to the binding.
 */
#define TOKENSTORE_CHECK_BINDING 4

/**
 * Of a query: what is verified is a whole Authorization header value, bare or after Bearer or Token and spaces.
 */
#define TOKENSTORE_HEADER 8

/**
 * Of a query: answer TOKENSTORE_STALE instead of waiting. Only a verify in a shared store waits, and only the first one
 * after another process's change, or after a fork.
 */
#define TOKENSTORE_NO_WAIT 16

/**
 * Of a verdict: the token reaches no project at all.
 */
#define TOKENSTORE_HAS_NO_PROJECTS 1

/**
 * Of a verdict: the token reaches all projects, those to come included.
 */
#define TOKENSTORE_HAS_ALL_PROJECTS 2

/**
 * Of a verdict: the value was replaced by a newer one and still works for a while.
 */
#define TOKENSTORE_OLD_VALUE 4

/**
 * Of a target: the token must have this revision.
 */
#define TOKENSTORE_CHECK_REVISION 1

/**
 * Of a target: the token must have this owner.
 */
#define TOKENSTORE_CHECK_OWNER 2

/**
 * Of an edit: the name, which is taken away if it is empty.
 */
#define TOKENSTORE_EDIT_NAME 1

/**
 * Of an edit: the expiry, a time in ms since the Unix epoch, or TOKENSTORE_NEVER.
 */
#define TOKENSTORE_EDIT_EXPIRES_AT 2

/**
 * Of an edit: the expiry, a time from now in ms.
 */
#define TOKENSTORE_EDIT_EXPIRES_IN 4

/**
 * Of an edit: the grants, in place of all that there are.
 */
#define TOKENSTORE_EDIT_GRANTS 8

/**
 * Of an edit: app_data.
 */
#define TOKENSTORE_EDIT_APP_DATA 16

/**
 * Of an edit: app_word.
 */
#define TOKENSTORE_EDIT_APP_WORD 32

/**
 * Of a token read: a presenter must show a binding.
 */
#define TOKENSTORE_IS_BOUND 8

/**
 * Of a token read: it is switched off, in whatever state it is.
 */
#define TOKENSTORE_IS_DISABLED 16

/**
 * Of a token read: it has a use count, and uses_left says something.
 */
#define TOKENSTORE_IS_COUNTED 32

/**
 * Of a token read: its value refreshes.
 */
#define TOKENSTORE_REFRESHES 64

/**
 * Of a filter: only tokens of the type.
 */
#define TOKENSTORE_LIST_TYPE 1

/**
 * Of a filter: the dead ones too, revoked, used and expired.
 */
#define TOKENSTORE_LIST_DEAD 4

/**
 * Of a filter: only tokens that reach the project.
 */
#define TOKENSTORE_LIST_PROJECT 8

/**
 * Of a filter: only tokens that expire before expires_before_ms.
 */
#define TOKENSTORE_LIST_EXPIRES_BEFORE 16

/**
 * Of a filter: only tokens not used at or after unused_since_ms; one never used counts from its creation.
 */
#define TOKENSTORE_LIST_UNUSED_SINCE 32

/**
 * Of a filter: only tokens in one of the states whose bits are set in `states`.
 */
#define TOKENSTORE_LIST_STATES 64

/**
 * How many bytes app_data has at most.
 */
#define TOKENSTORE_APP_DATA_BYTES 4096

/**
 * Of a new pair: whoever presents an access value must show the binding, too.
 */
#define TOKENSTORE_BIND_ACCESS 2

/**
 * Of a pair: it is a family's first.
 */
#define TOKENSTORE_ISSUED 1

/**
 * Of a pair: it is the next of its family.
 */
#define TOKENSTORE_ROTATED 2

/**
 * Of a pair: the refresh value got it before, and gets it again, byte for byte.
 */
#define TOKENSTORE_REPLAYED 3

/**
 * A clock that stands until it is moved: for tests.
 */
typedef struct tokenstore_clock tokenstore_clock;

/**
 * A list of tokens under way. One thread at a time.
 */
typedef struct tokenstore_list tokenstore_list;

/**
 * An open store. `const tokenstore_store *` parameters may be used by several threads at once.
 */
typedef struct tokenstore_store tokenstore_store;

/**
 * What a call answers: 0 is success, 1 to 99 are answers that a caller expects, 100 and up are errors. Only
 * TOKENSTORE_OK allows anything. The numbers stay.
 */
typedef int32_t tokenstore_status;

/**
 * What went wrong: filled in by the last parameter of a call that failed, and left alone by one that did not. The
 * caller owns it. It never holds a token's value or a key.
 */
typedef struct tokenstore_error {
    /**
     * The status that the call returned.
     */
    tokenstore_status status;
    /**
     * The operating system's error number, or 0.
     */
    int32_t os_error;
    /**
     * One line of UTF-8 for people, with a NUL at its end; cut if it is too long.
     */
    uint8_t message[TOKENSTORE_ERROR_TEXT_BYTES];
} tokenstore_error;

/**
 * How to make or open a store. Set struct_size to its size and everything else to zeros, which are the defaults.
 */
typedef struct tokenstore_options {
    /**
     * sizeof(tokenstore_options).
     */
    size_t struct_size;
    /**
     * The store's key of 32 random bytes, or NULL for a store without one.
     */
    const uint8_t *key;
    /**
     * Bytes of memory for the file's pages, from 1 MiB on; 0 is 32 MiB.
     */
    uint64_t cache_bytes;
    /**
     * How precisely last uses are noted, in ms from 1,000 to 86,400,000; 0 is a minute.
     */
    uint64_t use_resolution_ms;
    /**
     * How many events the log keeps; 0 is 65,536.
     */
    uint64_t max_events;
    /**
     * How long a change waits for the place to write, among all threads and processes, and anything in a shared store for
     * another process, in ms; 0 is 5,000.
     */
    uint64_t busy_timeout_ms;
    /**
     * A clock for tests, or NULL for the system's. It may be closed while the store is open.
     */
    const struct tokenstore_clock *clock;
    /**
     * TOKENSTORE_SHARED, or 0.
     */
    uint32_t flags;
    /**
     * Zero.
     */
    uint32_t reserved;
} tokenstore_options;

/**
 * Bytes of the caller's: a project, say. NULL with 0 is empty.
 */
typedef struct tokenstore_bytes {
    /**
     * The first byte.
     */
    const uint8_t *data;
    /**
     * How many there are.
     */
    size_t len;
} tokenstore_bytes;

/**
 * What holds for every token of a type. Zeros are the defaults.
 */
typedef struct tokenstore_policy {
    /**
     * sizeof(tokenstore_policy).
     */
    size_t struct_size;
    /**
     * 1 to 255 bytes of UTF-8 without control characters.
     */
    struct tokenstore_bytes name;
    /**
     * What values begin with, before an underscore: 1 to 16 of a-z, 0-9 and _.
     */
    struct tokenstore_bytes prefix;
    /**
     * How long a token lives whose creation does not say, in ms; 0 is for ever.
     */
    uint64_t default_lifetime_ms;
    /**
     * The longest life of a token, in ms, edits included; 0 is no limit. It needs a default no longer than itself.
     */
    uint64_t max_lifetime_ms;
    /**
     * TOKENSTORE_TYPE_ flags.
     */
    uint32_t flags;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * How often a token can be consumed; 0 is a type that is verified and not consumed.
     */
    uint32_t uses;
    /**
     * With TOKENSTORE_TYPE_FAMILIES: one of TOKENSTORE_ACCESS_.
     */
    uint32_t old_access;
    /**
     * With TOKENSTORE_TYPE_FAMILIES: how long access values live, in ms.
     */
    uint64_t access_lifetime_ms;
    /**
     * The same of refresh values. No member lives longer than its family.
     */
    uint64_t refresh_lifetime_ms;
    /**
     * The same of families.
     */
    uint64_t family_lifetime_ms;
    /**
     * With TOKENSTORE_TYPE_FAMILIES: how long the refresh value before the last refresh gets the same pair again, in ms,
     * up to a day; 0 is 30,000, TOKENSTORE_NO_GRACE none.
     */
    uint64_t grace_ms;
} tokenstore_policy;

/**
 * A token to be made. Zeros are the defaults.
 */
typedef struct tokenstore_new_token {
    /**
     * sizeof(tokenstore_new_token).
     */
    size_t struct_size;
    /**
     * Its type's number.
     */
    uint32_t type;
    /**
     * TOKENSTORE_ALL_PROJECTS, and TOKENSTORE_EXPIRES_AT or TOKENSTORE_EXPIRES_IN.
     */
    uint32_t flags;
    /**
     * Whom it is for: 1 to 255 bytes.
     */
    struct tokenstore_bytes owner;
    /**
     * Its name, 1 to 255 bytes of UTF-8 without control characters; empty is none.
     */
    struct tokenstore_bytes name;
    /**
     * With TOKENSTORE_EXPIRES_AT a time in ms since the Unix epoch, or TOKENSTORE_NEVER; with TOKENSTORE_EXPIRES_IN a
     * time from now in ms.
     */
    int64_t expires_ms;
    /**
     * The projects it reaches, each 1 to 64 bytes, at most 1,000, or TOKENSTORE_LIMIT_REACHED.
     */
    const struct tokenstore_bytes *projects;
    /**
     * How many there are.
     */
    size_t project_count;
    /**
     * What a presenter must also show, 1 to 255 bytes; empty is nothing.
     */
    struct tokenstore_bytes binding;
    /**
     * Up to 4,096 bytes of your own.
     */
    struct tokenstore_bytes app_data;
    /**
     * A number of your own, handed back by every verify.
     */
    uint64_t app_word;
    /**
     * Who makes it, for the events: at most 255 bytes of UTF-8.
     */
    struct tokenstore_bytes by;
    /**
     * The id of the token it hangs on, zeros for none: it expires no later, and dies when that one is revoked or deleted.
     * A chain of tokens is at most four below its first, or TOKENSTORE_LIMIT_REACHED.
     */
    uint8_t parent[16];
} tokenstore_new_token;

/**
 * A token that was made, or found.
 */
typedef struct tokenstore_created {
    /**
     * Its id.
     */
    uint8_t id[16];
    /**
     * Its revision; 0 if it was there.
     */
    uint64_t revision;
    /**
     * TOKENSTORE_CREATED or TOKENSTORE_EXISTING.
     */
    uint32_t outcome;
    /**
     * Zero.
     */
    uint32_t reserved;
} tokenstore_created;

/**
 * What a verify asks for besides the value. Make it once and use it again; nothing in it is changed.
 */
typedef struct tokenstore_query {
    /**
     * sizeof(tokenstore_query).
     */
    size_t struct_size;
    /**
     * The number of the type to accept; 0 with TOKENSTORE_ANY_TYPE.
     */
    uint32_t type;
    /**
     * TOKENSTORE_ANY_TYPE, TOKENSTORE_CHECK_PROJECT, TOKENSTORE_CHECK_BINDING, TOKENSTORE_HEADER, TOKENSTORE_NO_WAIT.
     */
    uint32_t flags;
    /**
     * With TOKENSTORE_CHECK_PROJECT: 1 to 64 bytes. Without it NULL.
     */
    const uint8_t *project;
    /**
     * How many.
     */
    size_t project_len;
    /**
     * With TOKENSTORE_CHECK_BINDING: 1 to 255 bytes. Without it NULL.
     */
    const uint8_t *binding;
    /**
     * How many.
     */
    size_t binding_len;
} tokenstore_query;

/**
 * The answer of a verify. Zeros allow nothing.
 */
typedef struct tokenstore_verdict {
    /**
     * 1 with TOKENSTORE_OK, and 0 with everything else.
     */
    uint32_t allowed;
    /**
     * The answer.
     */
    tokenstore_status status;
    /**
     * Who presented the value. This and all that follows is filled in for TOKENSTORE_OK, from TOKENSTORE_REVOKED to
     * TOKENSTORE_MUST_CONSUME, and for TOKENSTORE_NOT_COUNTED, and zeros otherwise.
     */
    uint8_t id[16];
    /**
     * Its owner, for tokenstore_owner.
     */
    uint64_t owner;
    /**
     * Your number.
     */
    uint64_t app_word;
    /**
     * When it expires, in ms since the Unix epoch, or TOKENSTORE_NEVER.
     */
    int64_t expires_ms;
    /**
     * The store's number of the token's last change.
     */
    uint64_t revision;
    /**
     * Its type's number.
     */
    uint32_t type;
    /**
     * TOKENSTORE_HAS_NO_PROJECTS, TOKENSTORE_HAS_ALL_PROJECTS, TOKENSTORE_OLD_VALUE.
     */
    uint32_t flags;
} tokenstore_verdict;

/**
 * A token to act on, with what must hold of it, and who acts why.
 */
typedef struct tokenstore_target {
    /**
     * sizeof(tokenstore_target).
     */
    size_t struct_size;
    /**
     * Its id.
     */
    uint8_t id[16];
    /**
     * TOKENSTORE_CHECK_ flags.
     */
    uint32_t flags;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * With TOKENSTORE_CHECK_REVISION: the revision it must have.
     */
    uint64_t revision;
    /**
     * With TOKENSTORE_CHECK_OWNER: the owner it must have; another one answers TOKENSTORE_NOT_FOUND.
     */
    struct tokenstore_bytes owner;
    /**
     * Who acts, for the events: at most 255 bytes of UTF-8.
     */
    struct tokenstore_bytes by;
    /**
     * Why, for the events, and with a revocation for the token: at most 255 bytes of UTF-8.
     */
    struct tokenstore_bytes reason;
} tokenstore_target;

/**
 * Changes to a token, made in one step. What `fields` does not name stays as it is, and must be zero here.
 */
typedef struct tokenstore_edit {
    /**
     * sizeof(tokenstore_edit).
     */
    size_t struct_size;
    /**
     * TOKENSTORE_EDIT_ flags: what is changed.
     */
    uint32_t fields;
    /**
     * TOKENSTORE_ALL_PROJECTS or 0.
     */
    uint32_t flags;
    /**
     * The name.
     */
    struct tokenstore_bytes name;
    /**
     * The expiry.
     */
    int64_t expires_ms;
    /**
     * The projects, each 1 to 64 bytes, at most 1,000, or TOKENSTORE_LIMIT_REACHED.
     */
    const struct tokenstore_bytes *projects;
    /**
     * How many there are.
     */
    size_t project_count;
    /**
     * Your bytes.
     */
    struct tokenstore_bytes app_data;
    /**
     * Your number.
     */
    uint64_t app_word;
} tokenstore_edit;

/**
 * What a change did.
 */
typedef struct tokenstore_change {
    /**
     * The token's revision now; 0 if it is gone.
     */
    uint64_t revision;
    /**
     * 1 if anything was changed, 0 if everything was so already.
     */
    uint32_t changed;
    /**
     * Zero.
     */
    uint32_t reserved;
} tokenstore_change;

/**
 * A token as the store keeps it. Its value is not here, nor any hash of it. What it points to lies in the buffer that
 * was given with it.
 */
typedef struct tokenstore_token {
    /**
     * sizeof(tokenstore_token); set it before the call.
     */
    size_t struct_size;
    /**
     * Its id.
     */
    uint8_t id[16];
    /**
     * Its type's number.
     */
    uint32_t type;
    /**
     * What it is now: TOKENSTORE_OK, TOKENSTORE_REVOKED, TOKENSTORE_SUPERSEDED, TOKENSTORE_USED, TOKENSTORE_EXPIRED or
     * TOKENSTORE_DISABLED, the first that fits.
     */
    tokenstore_status state;
    /**
     * TOKENSTORE_HAS_NO_PROJECTS, TOKENSTORE_HAS_ALL_PROJECTS, TOKENSTORE_IS_BOUND, TOKENSTORE_IS_DISABLED,
     * TOKENSTORE_IS_COUNTED, TOKENSTORE_REFRESHES.
     */
    uint32_t flags;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * When it was made, in ms since the Unix epoch.
     */
    int64_t created_ms;
    /**
     * When it expires, or TOKENSTORE_NEVER.
     */
    int64_t expires_ms;
    /**
     * When it was last accepted, to within the store's resolution, or TOKENSTORE_NEVER.
     */
    int64_t last_used_ms;
    /**
     * When it was revoked itself, or TOKENSTORE_NEVER.
     */
    int64_t revoked_ms;
    /**
     * Your number.
     */
    uint64_t app_word;
    /**
     * The store's number of its last change.
     */
    uint64_t revision;
    /**
     * Its owner.
     */
    struct tokenstore_bytes owner;
    /**
     * Its name; empty is none.
     */
    struct tokenstore_bytes name;
    /**
     * Why it was revoked; may be empty.
     */
    struct tokenstore_bytes reason;
    /**
     * Your bytes.
     */
    struct tokenstore_bytes app_data;
    /**
     * The projects that it is granted one by one, ascending.
     */
    const struct tokenstore_bytes *projects;
    /**
     * How many there are.
     */
    size_t project_count;
    /**
     * How often it can still be consumed.
     */
    uint32_t uses_left;
    /**
     * Zero.
     */
    uint32_t reserved_2;
    /**
     * The token it hangs on; zeros for none.
     */
    uint8_t parent[16];
    /**
     * The family it is a member of; zeros for none.
     */
    uint8_t family[16];
    /**
     * Until when the value before its last rotation works, or worked; TOKENSTORE_NEVER if it was not rotated.
     */
    int64_t old_value_until_ms;
    /**
     * When that value was last accepted since the rotation, to within the store's resolution, or TOKENSTORE_NEVER.
     */
    int64_t old_value_used_ms;
} tokenstore_token;

/**
 * Which tokens to list. Zeros are every live token of everybody.
 */
typedef struct tokenstore_filter {
    /**
     * sizeof(tokenstore_filter).
     */
    size_t struct_size;
    /**
     * TOKENSTORE_LIST_ flags, and TOKENSTORE_CHECK_OWNER for only those of the owner.
     */
    uint32_t flags;
    /**
     * With TOKENSTORE_LIST_TYPE: the type. One that is not declared has no tokens; 0 and numbers above 65,535 are
     * TOKENSTORE_NOT_FOUND.
     */
    uint32_t type;
    /**
     * With TOKENSTORE_CHECK_OWNER: the owner.
     */
    struct tokenstore_bytes owner;
    /**
     * What names begin with; empty is any name, and none.
     */
    struct tokenstore_bytes name_prefix;
    /**
     * With TOKENSTORE_LIST_PROJECT: the project.
     */
    struct tokenstore_bytes project;
    /**
     * With TOKENSTORE_LIST_EXPIRES_BEFORE: a time in ms, of the years 0 to 9999.
     */
    int64_t expires_before_ms;
    /**
     * With TOKENSTORE_LIST_UNUSED_SINCE: a time in ms, of the years 0 to 9999.
     */
    int64_t unused_since_ms;
    /**
     * With TOKENSTORE_LIST_STATES: 1 << TOKENSTORE_REVOKED, and so on; 1 << TOKENSTORE_OK for live ones.
     */
    uint32_t states;
    /**
     * How many tokens are read from the file at a time, 1 to 1,000; 0 is 1,000.
     */
    uint32_t page_size;
    /**
     * The id to go on behind; zeros are the beginning.
     */
    uint8_t after[16];
} tokenstore_filter;

/**
 * One change to the store. What it points to lies in the buffer that was given with it.
 */
typedef struct tokenstore_event {
    /**
     * sizeof(tokenstore_event); set it before the call.
     */
    size_t struct_size;
    /**
     * The number of the change. Numbers ascend by one.
     */
    uint64_t sequence;
    /**
     * When, in ms since the Unix epoch.
     */
    int64_t at_ms;
    /**
     * What happened: 1 a type was declared; a token was 2 created, 3 edited, 4 granted a project, 5 taken a project
     * from, 6 granted all, 7 taken all grants from, 8 switched off, 9 switched on, 10 revoked, 11 deleted, 12 consumed,
     * 13 rotated; a family was 14 made, 15 refreshed, 16 answered with the same pair again, noted once for each pair,
     * 17 revoked because a refresh value was used again, 18 revoked; 19 all that an owner had was revoked; 20 dead
     * tokens were taken out.
     */
    uint32_t kind;
    /**
     * The type, if it happened to one.
     */
    uint32_t type;
    /**
     * The token or the family, if it happened to one.
     */
    uint8_t id[16];
    /**
     * Who did it; may be empty.
     */
    struct tokenstore_bytes by;
    /**
     * Why; may be empty.
     */
    struct tokenstore_bytes reason;
    /**
     * With 19: whose. The type is set if it was one type's tokens alone.
     */
    struct tokenstore_bytes owner;
    /**
     * With 17: how many generations the value lay behind the good one. With 20: how many tokens.
     */
    uint64_t count;
    /**
     * With 17: how long ago, in ms, the family was refreshed last: for a value just behind the good one, since when it
     * was used.
     */
    uint64_t age_ms;
} tokenstore_event;

/**
 * Figures of a store.
 */
typedef struct tokenstore_stats {
    /**
     * sizeof(tokenstore_stats); set it before the call.
     */
    size_t struct_size;
    /**
     * How many tokens it holds, dead ones included.
     */
    uint64_t tokens;
    /**
     * How many types are declared.
     */
    uint64_t types;
    /**
     * The number of the last change.
     */
    uint64_t sequence;
    /**
     * The oldest event that is kept.
     */
    uint64_t first_event;
    /**
     * How many bytes of the file's pages are in use.
     */
    uint64_t file_bytes;
    /**
     * How many bytes of memory the index takes.
     */
    uint64_t index_bytes;
} tokenstore_stats;

/**
 * A family to be made, with its first pair. Zeros are the defaults.
 */
typedef struct tokenstore_new_pair {
    /**
     * sizeof(tokenstore_new_pair).
     */
    size_t struct_size;
    /**
     * The number of the type of access values.
     */
    uint32_t access_type;
    /**
     * The number of the type of refresh values, one with TOKENSTORE_TYPE_FAMILIES.
     */
    uint32_t refresh_type;
    /**
     * TOKENSTORE_ALL_PROJECTS, TOKENSTORE_BIND_ACCESS.
     */
    uint32_t flags;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * Whom it is for: 1 to 255 bytes.
     */
    struct tokenstore_bytes owner;
    /**
     * What whoever refreshes must show, 1 to 255 bytes: the client's id, in the form that you always use.
     */
    struct tokenstore_bytes binding;
    /**
     * A name for people, which need not be unique; empty is none.
     */
    struct tokenstore_bytes name;
    /**
     * The projects that access values reach, each 1 to 64 bytes, at most 1,000.
     */
    const struct tokenstore_bytes *projects;
    /**
     * How many there are.
     */
    size_t project_count;
    /**
     * Up to 4,096 bytes of your own.
     */
    struct tokenstore_bytes app_data;
    /**
     * A number of your own, handed back by every verify.
     */
    uint64_t app_word;
    /**
     * Who makes it, for the events: at most 255 bytes of UTF-8.
     */
    struct tokenstore_bytes by;
} tokenstore_new_pair;

/**
 * Values of your own for a pair, such as a JWT; empty ones are made. 16 to 8,192 bytes each, of types with
 * TOKENSTORE_TYPE_EXTERNAL.
 */
typedef struct tokenstore_pair_values {
    /**
     * sizeof(tokenstore_pair_values).
     */
    size_t struct_size;
    /**
     * The access value.
     */
    struct tokenstore_bytes access;
    /**
     * The refresh value.
     */
    struct tokenstore_bytes refresh;
} tokenstore_pair_values;

/**
 * A pair that was made, or handed out again. Set struct_size, the two buffers and their capacities before the call:
 * each has room for TOKENSTORE_VALUE_BYTES at least, and for the value of your own if there is one.
 */
typedef struct tokenstore_pair {
    /**
     * sizeof(tokenstore_pair); set it before the call.
     */
    size_t struct_size;
    /**
     * Where the access value goes; set it before the call.
     */
    uint8_t *access;
    /**
     * How much room there is; set it before the call.
     */
    size_t access_capacity;
    /**
     * Where the refresh value goes; set it before the call.
     */
    uint8_t *refresh;
    /**
     * How much room there is; set it before the call.
     */
    size_t refresh_capacity;
    /**
     * How long the access value is.
     */
    size_t access_len;
    /**
     * How long the refresh value is.
     */
    size_t refresh_len;
    /**
     * The family.
     */
    uint8_t family[16];
    /**
     * The access value's token.
     */
    uint8_t access_id[16];
    /**
     * The refresh value's token.
     */
    uint8_t refresh_id[16];
    /**
     * When the access value expires, in ms since the Unix epoch.
     */
    int64_t access_expires_ms;
    /**
     * When the refresh value expires.
     */
    int64_t refresh_expires_ms;
    /**
     * The store's number of the change that made the pair.
     */
    uint64_t revision;
    /**
     * TOKENSTORE_ISSUED, TOKENSTORE_ROTATED or TOKENSTORE_REPLAYED.
     */
    uint32_t outcome;
    /**
     * Zero.
     */
    uint32_t reserved;
} tokenstore_pair;

/**
 * Done; and of a verify: allowed.
 */
#define TOKENSTORE_OK 0

/**
 * No value of this store looks like this.
 */
#define TOKENSTORE_MALFORMED 1

/**
 * No token has this value.
 */
#define TOKENSTORE_UNKNOWN 2

/**
 * The token is revoked.
 */
#define TOKENSTORE_REVOKED 3

/**
 * The value was replaced by a newer one.
 */
#define TOKENSTORE_SUPERSEDED 4

/**
 * The token's uses ran out.
 */
#define TOKENSTORE_USED 5

/**
 * The token's time ran out.
 */
#define TOKENSTORE_EXPIRED 6

/**
 * The token is switched off.
 */
#define TOKENSTORE_DISABLED 7

/**
 * The token is of another type than the one expected.
 */
#define TOKENSTORE_WRONG_TYPE 8

/**
 * The token is bound and no equal binding was shown, or it is not bound and one was.
 */
#define TOKENSTORE_WRONG_BINDING 9

/**
 * The token does not reach the project.
 */
#define TOKENSTORE_NO_GRANT 10

/**
 * The value refreshes; it never verifies.
 */
#define TOKENSTORE_MUST_REFRESH 11

/**
 * The token has a use count; verify does not spend it.
 */
#define TOKENSTORE_MUST_CONSUME 12

/**
 * Of tokenstore_verify_many: not all are allowed.
 */
#define TOKENSTORE_SOME_REFUSED 13

/**
 * Another process changed the store, or this one is a fork's child, and TOKENSTORE_NO_WAIT was asked for: ask again
 * without it.
 */
#define TOKENSTORE_STALE 14

/**
 * Of a refresh: the value was used before, and its time to be replayed is over. Its family is revoked now.
 */
#define TOKENSTORE_REUSED 15

/**
 * Of a consume: the token has no use count.
 */
#define TOKENSTORE_NOT_COUNTED 16

/**
 * No such token or type, or the token has another owner than the one expected.
 */
#define TOKENSTORE_NOT_FOUND 20

/**
 * A live token of this owner holds the name.
 */
#define TOKENSTORE_NAME_TAKEN 21

/**
 * The store already knows this value.
 */
#define TOKENSTORE_VALUE_EXISTS 22

/**
 * A type of this name has another policy, or its prefix is another type's.
 */
#define TOKENSTORE_TYPE_CONFLICT 23

/**
 * The token's revision is not the expected one.
 */
#define TOKENSTORE_REVISION_CONFLICT 24

/**
 * One project cannot be taken from a token that is granted all.
 */
#define TOKENSTORE_GRANT_IS_ALL 25

/**
 * A documented limit is reached.
 */
#define TOKENSTORE_LIMIT_REACHED 26

/**
 * There is nothing more: the end of a list, or of the events.
 */
#define TOKENSTORE_END 27

/**
 * An argument is out of its documented range.
 */
#define TOKENSTORE_INVALID_ARGUMENT 100

/**
 * A buffer is too small; the length it needs is given. Nothing was changed.
 */
#define TOKENSTORE_BUFFER_TOO_SMALL 101

/**
 * There is a file at this path already.
 */
#define TOKENSTORE_ALREADY_EXISTS 102

/**
 * The operating system reported an error.
 */
#define TOKENSTORE_IO 103

/**
 * The file is no store, or is damaged.
 */
#define TOKENSTORE_CORRUPT 104

/**
 * The file holds an older state than one it acknowledged.
 */
#define TOKENSTORE_ROLLED_BACK 105

/**
 * The key is not this store's; or one was given and none is needed, or the reverse.
 */
#define TOKENSTORE_WRONG_KEY 106

/**
 * The file was written by a newer version, or lies where files cannot be locked.
 */
#define TOKENSTORE_UNSUPPORTED 107

/**
 * The store is open elsewhere, and not both are shared.
 */
#define TOKENSTORE_LOCKED 108

/**
 * The place to write was not free in time, or another process kept a part of the file locked. Nothing was changed.
 */
#define TOKENSTORE_BUSY 109

/**
 * The store was closed.
 */
#define TOKENSTORE_CLOSED 110

/**
 * The store was opened before a fork, is not shared, and belongs to the parent process.
 */
#define TOKENSTORE_FORKED 111

/**
 * A commit failed after it may have reached the disk.
 */
#define TOKENSTORE_COMMIT_UNKNOWN 112

/**
 * An earlier failure ended all changes; reopen the store. After one inside the library, what reads the file answers it,
 * too. Verifying goes on.
 */
#define TOKENSTORE_POISONED 113

/**
 * The library failed inside.
 */
#define TOKENSTORE_PANIC 114

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The library's version as one number, to compare with TOKENSTORE_VERSION_NUMBER.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
uint32_t tokenstore_version_number(void);

/**
 * The library's version as text, such as "0.1.0". The text is the library's own and stays.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
const char *tokenstore_version_text(void);

/**
 * The library's ABI number, to compare with TOKENSTORE_ABI.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
uint32_t tokenstore_abi(void);

/**
 * Overwrites `len` bytes with zeros, so that a compiler does not leave it out. NULL is allowed with any length.
 */
TOKENSTORE_API
void tokenstore_memzero(uint8_t *memory,
                        size_t len);

/**
 * The name of a status, such as "NAME_TAKEN"; "?" for a number that is none. The text is the library's own and stays.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
const char *tokenstore_status_name(tokenstore_status status);

/**
 * Closes a store: last uses and the mark of the clock are written, the file and its locks let go, and the handle is
 * closed whatever is returned: TOKENSTORE_BUSY, say, if the place to write was not free for that in time. NULL does nothing. A second close, and every other call afterwards, answers
 * TOKENSTORE_CLOSED. In a child process of the one that opened the store it lets nothing of the parent's go, and answers
 * TOKENSTORE_FORKED unless the store is shared. The caller sees to it that no other call on the handle is under way.
 */
TOKENSTORE_API
tokenstore_status tokenstore_close(struct tokenstore_store *store,
                                   struct tokenstore_error *error);

/**
 * Makes a new store at `path`, a NUL-terminated file name, and opens it. `options` may be NULL. The file is readable
 * and writable by its owner alone, and is there whole or not at all; it is on the disk when this returns. `*store` is
 * NULL unless TOKENSTORE_OK is returned; close it by tokenstore_close. TOKENSTORE_ALREADY_EXISTS if anything is there.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_create(const char *path,
                                    const struct tokenstore_options *options,
                                    struct tokenstore_store **store,
                                    struct tokenstore_error *error);

/**
 * Opens the store at `path`, a NUL-terminated file name, after checking every page and row of it. `options` may be
 * NULL. It never makes a file. `*store` is NULL unless TOKENSTORE_OK is returned; close it by tokenstore_close.
 * TOKENSTORE_WRONG_KEY, TOKENSTORE_LOCKED if it is open elsewhere and not both are shared, whose text names the file and a
 * process where that is known, TOKENSTORE_BUSY if another process opens it for too long, TOKENSTORE_CORRUPT,
 * TOKENSTORE_ROLLED_BACK, TOKENSTORE_UNSUPPORTED, TOKENSTORE_IO.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_open(const char *path,
                                  const struct tokenstore_options *options,
                                  struct tokenstore_store **store,
                                  struct tokenstore_error *error);

/**
 * Makes a store in memory, for tests: everything works, and nothing stays. `options` may be NULL, and has no key.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_open_in_memory(const struct tokenstore_options *options,
                                            struct tokenstore_store **store,
                                            struct tokenstore_error *error);

/**
 * Writes last uses and the mark of the clock to the disk now, instead of with the next changes or at the close.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_flush(const struct tokenstore_store *store,
                                   struct tokenstore_error *error);

/**
 * Puts the file under another key of 32 bytes, or under none if `key` is NULL. When it returns, the file opens with
 * that key alone.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_change_key(const struct tokenstore_store *store,
                                        const uint8_t *key,
                                        struct tokenstore_error *error);

/**
 * Makes a clock for tests that shows `now_ms`, of the years 0 to 9999. Close it by tokenstore_clock_close.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_clock_new(int64_t now_ms,
                                       struct tokenstore_clock **clock,
                                       struct tokenstore_error *error);

/**
 * Lets `by_ms` milliseconds pass, not beyond the year 9999.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_clock_advance(const struct tokenstore_clock *clock,
                                           uint64_t by_ms);

/**
 * Sets the clock, forward or back, as an operator would, within the years 0 to 9999: no time passes.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_clock_set(const struct tokenstore_clock *clock,
                                       int64_t now_ms);

/**
 * What the clock shows.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_clock_now(const struct tokenstore_clock *clock,
                                       int64_t *now_ms);

/**
 * Lets a clock go. Stores that use it keep it. NULL does nothing; a second close answers TOKENSTORE_CLOSED.
 */
TOKENSTORE_API
tokenstore_status tokenstore_clock_close(struct tokenstore_clock *clock);

/**
 * Declares a type, or finds it if it is declared alike, and writes its number to `*type`. Numbers begin with 1 and stay
 * for the life of the file. TOKENSTORE_TYPE_CONFLICT if the name has another policy or the prefix is another type's.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_type_declare(const struct tokenstore_store *store,
                                          const struct tokenstore_policy *policy,
                                          uint32_t *type,
                                          struct tokenstore_error *error);

/**
 * Writes the number of the type of this name to `*type`; TOKENSTORE_NOT_FOUND and 0 if it is not declared.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_type_find(const struct tokenstore_store *store,
                                       const uint8_t *name,
                                       size_t name_len,
                                       uint32_t *type,
                                       struct tokenstore_error *error);

/**
 * Reads a type's policy. Its name and prefix are laid into `buffer`, of which 280 bytes are always enough; a buffer of
 * `*needed` bytes is enough for this type. With a smaller one TOKENSTORE_BUFFER_TOO_SMALL, and only `*needed` says
 * something. Set the policy's struct_size before.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_type_get(const struct tokenstore_store *store,
                                      uint32_t type,
                                      struct tokenstore_policy *policy,
                                      uint8_t *buffer,
                                      size_t capacity,
                                      size_t *needed,
                                      struct tokenstore_error *error);

/**
 * Makes a token. Its value is written to `value`, a buffer of at least TOKENSTORE_VALUE_BYTES, and nowhere else; it is
 * ASCII, without a NUL behind it, and `*value_len` bytes long. The token is on the disk when this returns. Wipe the
 * buffer by tokenstore_memzero when the value was handed on.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_create(const struct tokenstore_store *store,
                                          const struct tokenstore_new_token *token,
                                          uint8_t *value,
                                          size_t value_capacity,
                                          size_t *value_len,
                                          struct tokenstore_created *created,
                                          struct tokenstore_error *error);

/**
 * Makes a token unless a live one of its type and owner has its name. `created->outcome` says which; the value of one
 * that was there is not known to the store, and `*value_len` is 0 then. TOKENSTORE_NAME_TAKEN if a token of another type
 * holds the name. The token must have a name, and its type unique names.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_create_if_absent(const struct tokenstore_store *store,
                                                    const struct tokenstore_new_token *token,
                                                    uint8_t *value,
                                                    size_t value_capacity,
                                                    size_t *value_len,
                                                    struct tokenstore_created *created,
                                                    struct tokenstore_error *error);

/**
 * Makes a token whose value was made elsewhere: 16 to 8,192 bytes that nobody can guess. TOKENSTORE_VALUE_EXISTS if the
 * store knows the value.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_create_from_value(const struct tokenstore_store *store,
                                                     const struct tokenstore_new_token *token,
                                                     const uint8_t *value,
                                                     size_t value_len,
                                                     struct tokenstore_created *created,
                                                     struct tokenstore_error *error);

/**
 * Makes `count` tokens with few commits. Each is made or refused by itself: `statuses[i]` says which, `created[i]` and
 * the value at `values + i * TOKENSTORE_VALUE_BYTES`, `value_lens[i]` bytes long, belong to `tokens[i]`. All arrays have
 * `count` places, and every token has the same struct_size. Returns TOKENSTORE_OK if all were made, otherwise
 * TOKENSTORE_SOME_REFUSED. With any other answer nothing was made, and every status is TOKENSTORE_SOME_REFUSED.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_create_many(const struct tokenstore_store *store,
                                               const struct tokenstore_new_token *tokens,
                                               size_t count,
                                               uint8_t *values,
                                               size_t *value_lens,
                                               struct tokenstore_created *created,
                                               tokenstore_status *statuses,
                                               struct tokenstore_error *error);

/**
 * Judges a value: reads memory alone, allocates nothing, waits for nobody, but for the first call in a shared store after
 * another process's change, which reads that change. Returns what `verdict->status` says, which is
 * TOKENSTORE_OK only if the value is accepted. The checks are made in this order, and the first that fails is the
 * answer: TOKENSTORE_MALFORMED, TOKENSTORE_UNKNOWN, TOKENSTORE_REVOKED, TOKENSTORE_SUPERSEDED, TOKENSTORE_USED,
 * TOKENSTORE_EXPIRED, TOKENSTORE_DISABLED, TOKENSTORE_WRONG_TYPE, TOKENSTORE_WRONG_BINDING, TOKENSTORE_NO_GRANT,
 * TOKENSTORE_MUST_REFRESH, TOKENSTORE_MUST_CONSUME. From 100 on it is trouble and no refusal: a service answers 503 to
 * it, and not 401. Every byte counts: nothing is trimmed, unless TOKENSTORE_HEADER is asked for.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_verify(const struct tokenstore_store *store,
                                    const uint8_t *value,
                                    size_t value_len,
                                    const struct tokenstore_query *query,
                                    struct tokenstore_verdict *verdict);

/**
 * Judges `count` values by one query and one reading of the clock, at a fraction of the time each. Value `i` lies at
 * `values + i * stride` and is `lens[i]` bytes long, or `stride` bytes if `lens` is NULL. Returns TOKENSTORE_OK if all
 * are allowed, TOKENSTORE_SOME_REFUSED if not, or an error, with which no verdict allows anything. No length may be
 * larger than the stride.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_verify_many(const struct tokenstore_store *store,
                                         const uint8_t *values,
                                         size_t stride,
                                         const size_t *lens,
                                         size_t count,
                                         const struct tokenstore_query *query,
                                         struct tokenstore_verdict *verdicts);

/**
 * Copies the bytes of an owner whom a verdict refers to: at most 255, so that a buffer of 255 is always enough.
 * `*owner_len` is their number. TOKENSTORE_NOT_FOUND if the owner's last token was deleted since the verify, or
 * if another process or another opening made it;
 * TOKENSTORE_BUFFER_TOO_SMALL, with the length that it needs.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_owner(const struct tokenstore_store *store,
                                   uint64_t owner,
                                   uint8_t *buffer,
                                   size_t capacity,
                                   size_t *owner_len,
                                   struct tokenstore_error *error);

/**
 * Changes several things of a token in one step: no verify sees one without the others. `change` may be NULL, here and
 * in all calls below. The checks come in this order, and nothing is changed if one fails: TOKENSTORE_NOT_FOUND, also for
 * another owner than the expected one; TOKENSTORE_REVOKED, TOKENSTORE_USED and TOKENSTORE_EXPIRED for a token that is;
 * TOKENSTORE_REVISION_CONFLICT; TOKENSTORE_NAME_TAKEN.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_edit(const struct tokenstore_store *store,
                                        const struct tokenstore_target *target,
                                        const struct tokenstore_edit *edit,
                                        struct tokenstore_change *change,
                                        struct tokenstore_error *error);

/**
 * Grants a project of 1 to 64 bytes. No change if the token reaches it already. TOKENSTORE_LIMIT_REACHED at 1,000.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_grant(const struct tokenstore_store *store,
                                         const struct tokenstore_target *target,
                                         const uint8_t *project,
                                         size_t project_len,
                                         struct tokenstore_change *change,
                                         struct tokenstore_error *error);

/**
 * Takes a project away. No change if the token does not reach it. TOKENSTORE_GRANT_IS_ALL if it is granted all.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_ungrant(const struct tokenstore_store *store,
                                           const struct tokenstore_target *target,
                                           const uint8_t *project,
                                           size_t project_len,
                                           struct tokenstore_change *change,
                                           struct tokenstore_error *error);

/**
 * Grants all projects, those to come included, in place of the ones granted one by one.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_grant_all(const struct tokenstore_store *store,
                                             const struct tokenstore_target *target,
                                             struct tokenstore_change *change,
                                             struct tokenstore_error *error);

/**
 * Takes all projects away. The token stays, and reaches nothing until it is granted something again.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_revoke_grants(const struct tokenstore_store *store,
                                                 const struct tokenstore_target *target,
                                                 struct tokenstore_change *change,
                                                 struct tokenstore_error *error);

/**
 * Switches a token off, until it is enabled. It keeps its name.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_disable(const struct tokenstore_store *store,
                                           const struct tokenstore_target *target,
                                           struct tokenstore_change *change,
                                           struct tokenstore_error *error);

/**
 * Switches a token on again.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_enable(const struct tokenstore_store *store,
                                          const struct tokenstore_target *target,
                                          struct tokenstore_change *change,
                                          struct tokenstore_error *error);

/**
 * Revokes a token for good. No verify that begins after this returned accepts it, whatever is returned but
 * TOKENSTORE_NOT_FOUND, TOKENSTORE_REVISION_CONFLICT, TOKENSTORE_BUSY, TOKENSTORE_POISONED and a wrong argument; with
 * TOKENSTORE_OK the revocation is on the disk. A second one changes nothing: the first time and reason stay.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_revoke(const struct tokenstore_store *store,
                                          const struct tokenstore_target *target,
                                          struct tokenstore_change *change,
                                          struct tokenstore_error *error);

/**
 * Deletes a token: nothing of it stays but its events, and its value is unknown from then on.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_delete(const struct tokenstore_store *store,
                                          const struct tokenstore_target *target,
                                          struct tokenstore_change *change,
                                          struct tokenstore_error *error);

/**
 * Revokes the token with this value. A value that nobody has is a success that changes nothing (RFC 7009, section 2.2).
 * `by` and `reason` are for the events, and may be NULL with 0.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_value_revoke(const struct tokenstore_store *store,
                                          const uint8_t *value,
                                          size_t value_len,
                                          const uint8_t *by,
                                          size_t by_len,
                                          const uint8_t *reason,
                                          size_t reason_len,
                                          struct tokenstore_change *change,
                                          struct tokenstore_error *error);

/**
 * Takes a project from every live token that was granted it by name, so that a project that comes to have the same id
 * is granted to nobody; `*removed`, which may not be NULL, is from how many. It goes in steps, each a commit; if one
 * fails, calling again goes on. `by` and `reason` are for the events, and may be NULL with 0.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_project_remove(const struct tokenstore_store *store,
                                            const uint8_t *project,
                                            size_t project_len,
                                            const uint8_t *by,
                                            size_t by_len,
                                            const uint8_t *reason,
                                            size_t reason_len,
                                            uint64_t *removed,
                                            struct tokenstore_error *error);

/**
 * Reads the token with this id of 16 bytes. Set `token->struct_size` before. Its strings are laid into `buffer`; one of
 * `*needed` bytes is enough. With a smaller one TOKENSTORE_BUFFER_TOO_SMALL, and only `*needed` says something.
 * TOKENSTORE_NOT_FOUND.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_get(const struct tokenstore_store *store,
                                       const uint8_t *id,
                                       struct tokenstore_token *token,
                                       uint8_t *buffer,
                                       size_t capacity,
                                       size_t *needed,
                                       struct tokenstore_error *error);

/**
 * Begins a list of tokens, ascending by id. `filter` may be NULL. `*list` is NULL unless TOKENSTORE_OK is returned; close
 * it by tokenstore_list_close. It reads page by page and holds nothing in between: each page is what it is when it is
 * read. The handle's 64 bytes are kept for the life of the process, as those of every handle.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_list_open(const struct tokenstore_store *store,
                                       const struct tokenstore_filter *filter,
                                       struct tokenstore_list **list,
                                       struct tokenstore_error *error);

/**
 * Reads the next token of a list, as tokenstore_token_get does. With TOKENSTORE_BUFFER_TOO_SMALL the list stays where it
 * is: call again with a larger buffer. TOKENSTORE_END behind the last, again and again; an error is also the answer of
 * every further call.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_list_next(struct tokenstore_list *list,
                                       struct tokenstore_token *token,
                                       uint8_t *buffer,
                                       size_t capacity,
                                       size_t *needed,
                                       struct tokenstore_error *error);

/**
 * Ends a list. NULL does nothing; a second close answers TOKENSTORE_CLOSED.
 */
TOKENSTORE_API
tokenstore_status tokenstore_list_close(struct tokenstore_list *list);

/**
 * Reads the first event behind the one numbered `after`; 0 is the beginning. Set `event->struct_size` before. Its strings
 * are laid into `buffer`, of which 776 bytes are always enough; with one of fewer than `*needed` bytes
 * TOKENSTORE_BUFFER_TOO_SMALL. TOKENSTORE_END if there is none. A gap behind `after` shows that the log has dropped events.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_event_next(const struct tokenstore_store *store,
                                        uint64_t after,
                                        struct tokenstore_event *event,
                                        uint8_t *buffer,
                                        size_t capacity,
                                        size_t *needed,
                                        struct tokenstore_error *error);

/**
 * Reads the store's figures. Set `stats->struct_size` before.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_get_stats(const struct tokenstore_store *store,
                                       struct tokenstore_stats *stats,
                                       struct tokenstore_error *error);

/**
 * Spends a use of a value, if a verify would admit it: exactly one consume wins each use. Returns what
 * `verdict->status` says: TOKENSTORE_OK if a use was spent, TOKENSTORE_USED to the losers of the last one,
 * TOKENSTORE_NOT_COUNTED for a token without a use count, and otherwise what a verify answers; a refusal spends nothing.
 * The use is on the disk when this returns, unless the type is TOKENSTORE_TYPE_VOLATILE. With an error there is no
 * access; with TOKENSTORE_COMMIT_UNKNOWN the use may be gone. With TOKENSTORE_OK the token's app_data lies in `app_data`,
 * a buffer of TOKENSTORE_APP_DATA_BYTES, or NULL with 0 for no such bytes; `*app_data_len` is how many there are, and
 * `*uses_left` how many uses. `app_data_len` and `uses_left` may be NULL.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_consume(const struct tokenstore_store *store,
                                     const uint8_t *value,
                                     size_t value_len,
                                     const struct tokenstore_query *query,
                                     struct tokenstore_verdict *verdict,
                                     uint8_t *app_data,
                                     size_t app_data_capacity,
                                     size_t *app_data_len,
                                     uint32_t *uses_left,
                                     struct tokenstore_error *error);

/**
 * Makes a family and its first pair: an access value, which verifies, and a refresh value, which gets the next pair.
 * `values` may be NULL. The pair is on the disk when this returns. Wipe the buffers when the values were handed on.
 * TOKENSTORE_NOT_FOUND if a type is not declared, TOKENSTORE_VALUE_EXISTS for a value of your own that the store knows.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_pair_issue(const struct tokenstore_store *store,
                                        const struct tokenstore_new_pair *new_pair,
                                        const struct tokenstore_pair_values *values,
                                        struct tokenstore_pair *pair,
                                        struct tokenstore_error *error);

/**
 * Uses a refresh value for the next pair. `binding` is what the family was made with. `pair->outcome` says
 * TOKENSTORE_ROTATED to exactly one; within the grace every other refresh of the same value is TOKENSTORE_REPLAYED, with
 * the same pair, also after a crash: whoever lost the reply asks again. A value that is used later than that, or two
 * generations back, is TOKENSTORE_REUSED, and its family revoked. What is refused otherwise changes nothing:
 * TOKENSTORE_MALFORMED, TOKENSTORE_UNKNOWN, TOKENSTORE_WRONG_TYPE for what is no refresh value, TOKENSTORE_REVOKED,
 * TOKENSTORE_EXPIRED for a family whose time is over, TOKENSTORE_DISABLED, TOKENSTORE_WRONG_BINDING, TOKENSTORE_EXPIRED for
 * a value whose own time is over, in this order. `values` are your own for the next pair, or NULL; `by` is for the events,
 * and may be NULL with 0. If the values of a pair that is replayed do not fit, TOKENSTORE_BUFFER_TOO_SMALL, and the pair's
 * lengths say what they need.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_pair_refresh(const struct tokenstore_store *store,
                                          const uint8_t *value,
                                          size_t value_len,
                                          const uint8_t *binding,
                                          size_t binding_len,
                                          const struct tokenstore_pair_values *values,
                                          const uint8_t *by,
                                          size_t by_len,
                                          struct tokenstore_pair *pair,
                                          struct tokenstore_error *error);

/**
 * Revokes a family, `target->id` being the family's, whatever its size: when this returned, nothing of it verifies or
 * refreshes. TOKENSTORE_NOT_FOUND.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_family_revoke(const struct tokenstore_store *store,
                                           const struct tokenstore_target *target,
                                           struct tokenstore_change *change,
                                           struct tokenstore_error *error);

/**
 * Revokes all that an owner has so far, or all of the type with this number, 0 being all: tokens, and families that hold
 * or issue that type. However much that is, it takes one change; what is made afterwards is good. `by` and `reason` are for
 * the events, and may be NULL with 0. TOKENSTORE_NOT_FOUND if the type is not declared.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_owner_revoke(const struct tokenstore_store *store,
                                          const uint8_t *owner,
                                          size_t owner_len,
                                          uint32_t type,
                                          const uint8_t *by,
                                          size_t by_len,
                                          const uint8_t *reason,
                                          size_t reason_len,
                                          struct tokenstore_change *change,
                                          struct tokenstore_error *error);

/**
 * Gives a token another value, written to `value` as by tokenstore_token_create; id, name, grants and owner stay, app_data
 * is cleared. The value before works for `grace_ms` more, up to its expiry, with TOKENSTORE_OLD_VALUE in the verdict;
 * then it is TOKENSTORE_SUPERSEDED. One value before is remembered: rotating again ends it at once.
 * TOKENSTORE_INVALID_ARGUMENT for refresh values, tokens with a use count, and a grace of more than 557 years.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_token_rotate(const struct tokenstore_store *store,
                                          const struct tokenstore_target *target,
                                          uint64_t grace_ms,
                                          uint8_t *value,
                                          size_t value_capacity,
                                          size_t *value_len,
                                          struct tokenstore_created *created,
                                          struct tokenstore_error *error);

/**
 * Takes out tokens that are dead since before `dead_before_ms`, of the years 0 to 9999, at most `at_most`, which is 1
 * or more; `*removed`, which may not be
 * NULL, is how many. Nothing that it takes out turns a refusal into TOKENSTORE_OK. Refresh values stay while their family
 * lives, and parents that are not revoked while anything hangs on them.
 */
TOKENSTORE_API
TOKENSTORE_MUST_USE
tokenstore_status tokenstore_prune(const struct tokenstore_store *store,
                                   int64_t dead_before_ms,
                                   uint64_t at_most,
                                   uint64_t *removed,
                                   struct tokenstore_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TOKENSTORE_H */
