#include "case_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

jmp_buf after_mistake;
const char *mistake_text;

/* What `keep` gave, each piece behind a pointer to the one before. */
typedef union piece {
    union piece *before;
    uint64_t number;
    void *pointer;
} piece;
static piece *kept = NULL;

void *keep(size_t bytes) {
    piece *made = bytes < SIZE_MAX / 2 ? calloc(1, sizeof *made + bytes) : NULL;
    if (made == NULL) {
        fprintf(stderr, "no memory for %zu bytes\n", bytes);
        exit(2);
    }
    made->before = kept;
    kept = made;
    return made + 1;
}

void forget_all(void) {
    while (kept != NULL) {
        piece *before = kept->before;
        free(kept);
        kept = before;
    }
}

char *copy_of(const char *text, size_t len) {
    char *copy = keep(len + 1);
    if (len > 0) memcpy(copy, text, len);
    return copy;
}

static char *written(const char *form, va_list values) {
    va_list again;
    va_copy(again, values);
    int len = vsnprintf(NULL, 0, form, again);
    va_end(again);
    char *text = keep((size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, form, values);
    return text;
}

char *format(const char *form, ...) {
    va_list values;
    va_start(values, form);
    char *text = written(form, values);
    va_end(values);
    return text;
}

void mistake(const char *form, ...) {
    va_list values;
    va_start(values, form);
    mistake_text = written(form, values);
    va_end(values);
    longjmp(after_mistake, 1);
}

/* A text that grows. */
typedef struct builder {
    char *text;
    size_t len, room;
} builder;

static void add(builder *to, const char *text, size_t len) {
    if (to->len + len + 1 > to->room) {
        to->room = 2 * (to->len + len + 1);
        char *larger = keep(to->room);
        if (to->len > 0) memcpy(larger, to->text, to->len);
        to->text = larger;
    }
    if (len > 0) memcpy(to->text + to->len, text, len);
    to->len += len;
    to->text[to->len] = 0;
}

pieces split(const char *text, char at) {
    pieces found = {NULL, 1};
    for (const char *place = text; *place != 0; place++) found.count += *place == at;
    found.at = keep(found.count * sizeof *found.at);
    for (size_t n = 0; n < found.count; n++) {
        const char *end = strchr(text, at);
        size_t len = end == NULL ? strlen(text) : (size_t)(end - text);
        found.at[n] = copy_of(text, len);
        text += len + 1;
    }
    return found;
}

char *with_turn(const char *text, const char *turn) {
    builder made = {NULL, 0, 0};
    add(&made, "", 0);
    for (; *text != 0; text++) {
        if (*text == '$') add(&made, turn, strlen(turn));
        else add(&made, text, 1);
    }
    return made.text;
}

char *expand(const char *word) {
    builder made = {NULL, 0, 0};
    const char *rest = word, *open;
    add(&made, "", 0);
    while ((open = strchr(rest, '{')) != NULL) {
        const char *close = strchr(open, '}');
        if (close == NULL) mistake("`%s` has a { without a }", word);
        char *inside = copy_of(open + 1, (size_t)(close - open - 1));
        char *star = strrchr(inside, '*');
        add(&made, rest, (size_t)(open - rest));
        if (star != NULL) {
            *star = 0;
            uint64_t count = number(star + 1, UINT32_MAX);
            for (uint64_t turn = 1; turn <= count; turn++) {
                char digits[24];
                snprintf(digits, sizeof digits, "%llu", (unsigned long long)turn);
                char *text = strchr(inside, '$') == NULL ? inside : with_turn(inside, digits);
                add(&made, text, strlen(text));
            }
        } else if (*inside == 0) {
            add(&made, "{}", 2); /* The place of the value in a header. */
        } else {
            mistake("`{%s}` has no count", inside);
        }
        rest = close + 1;
    }
    add(&made, rest, strlen(rest));
    return made.text;
}

static int hex_digit(char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    return -1;
}

tokenstore_bytes decode(const char *text) {
    uint8_t *out = keep(strlen(text) + 1);
    tokenstore_bytes bytes = {out, 0};
    for (const char *at = text; *at != 0; at++) {
        if (*at == '%') {
            int high = hex_digit(at[1]), low = high < 0 ? -1 : hex_digit(at[2]);
            if (low < 0) mistake("`%s` has a %% without two hexadecimal digits", text);
            out[bytes.len++] = (uint8_t)(high * 16 + low);
            at += 2;
        } else {
            out[bytes.len++] = (uint8_t)*at;
        }
    }
    return bytes;
}

static int is_utf8(tokenstore_bytes bytes) {
    for (size_t at = 0; at < bytes.len;) {
        uint8_t first = bytes.data[at++];
        int more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        uint32_t letter = more == 0 ? first : first & (0x3fu >> more);
        if ((first >= 0x80 && first < 0xc2) || first > 0xf4) return 0;
        for (int n = 0; n < more; n++, at++) {
            if (at >= bytes.len || (bytes.data[at] & 0xc0) != 0x80) return 0;
            letter = letter << 6 | (bytes.data[at] & 0x3fu);
        }
        if ((more == 2 && letter < 0x800) || (more == 3 && letter < 0x10000)) return 0;
        if (letter > 0x10ffff || (letter >= 0xd800 && letter < 0xe000)) return 0;
    }
    return 1;
}

tokenstore_bytes decode_utf8(const char *text) {
    tokenstore_bytes bytes = decode(text);
    if (!is_utf8(bytes)) mistake("`%s` is no UTF-8", text);
    return bytes;
}

static int is_alphanumeric(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

char *encode(tokenstore_bytes bytes) {
    /* Words with a meaning of their own. */
    static const char *const special[] = {"none", "all", "never", "any", "yes", "no"};
    int is_special = 0;
    for (size_t n = 0; n < sizeof special / sizeof *special; n++) {
        is_special |= same_bytes(bytes, bytes_of(special[n]));
    }
    builder made = {NULL, 0, 0};
    add(&made, "", 0);
    for (size_t n = 0; n < bytes.len; n++) {
        uint8_t byte = bytes.data[n];
        int plain = is_alphanumeric(byte) || (byte != 0 && strchr("-._~:/@+", byte) != NULL);
        char text[4];
        snprintf(text, sizeof text, plain && !(is_special && n == 0) ? "%c" : "%%%02X", byte);
        add(&made, text, strlen(text));
    }
    return made.text;
}

char *listed(char *list, const char *item) {
    return list == NULL ? copy_of(item, strlen(item)) : format("%s,%s", list, item);
}

uint64_t number(const char *word, uint64_t most) {
    uint64_t sum = 0;
    for (const char *at = word; *at != 0 || at == word; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (*at < '0' || *at > '9' || sum > (most - digit) / 10 || digit > most) {
            mistake("`%s` is no number that fits", word);
        }
        sum = sum * 10 + digit;
    }
    return sum;
}

int64_t signed_number(const char *word) {
    return *word == '-' ? -(int64_t)number(word + 1, INT64_MAX) : (int64_t)number(word, INT64_MAX);
}

void uuid_bytes(const char *text, uint8_t id[16]) {
    size_t digits = 0;
    for (const char *at = text; *at != 0; at++) {
        size_t place = (size_t)(at - text);
        int digit = hex_digit(*at), dash = place == 8 || place == 13 || place == 18 || place == 23;
        if (dash ? *at != '-' : digit < 0 || digits >= 32) mistake("`%s` is no UUID", text);
        if (dash) continue;
        id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | digit);
        digits++;
    }
    if (digits != 32) mistake("`%s` is no UUID", text);
}

/* CRC-32/ISO-HDLC, a bit at a time. */
static uint32_t crc32(const uint8_t *bytes, size_t len) {
    uint32_t crc = 0xffffffff;
    for (size_t n = 0; n < len; n++) {
        crc ^= bytes[n];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
    }
    return ~crc;
}

int is_native(tokenstore_bytes value, tokenstore_bytes *prefix) {
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    if (value.len < 37) return 0;
    const uint8_t *random = value.data + value.len - 36, *check = value.data + value.len - 6;
    if (random[-1] != '_') return 0;
    for (const uint8_t *at = random; at < check + 6; at++) {
        if (!is_alphanumeric(*at)) return 0;
    }
    uint64_t sum = 0;
    for (int n = 0; n < 6; n++) sum = sum * 62 + (uint64_t)(strchr(digits, check[n]) - digits);
    prefix->data = value.data;
    prefix->len = value.len - 37;
    return sum == crc32(value.data, value.len - 6);
}

tokenstore_bytes bytes_of(const char *text) {
    tokenstore_bytes bytes = {(const uint8_t *)text, strlen(text)};
    return bytes;
}

int same_bytes(tokenstore_bytes one, tokenstore_bytes other) {
    return one.len == other.len && (one.len == 0 || memcmp(one.data, other.data, one.len) == 0);
}
