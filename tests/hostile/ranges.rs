//! What the header says of single things: how long, which numbers, which answers.
//!
//! A name means the same wherever it stands. A name that is new stops the generator until it has its line here.

/// What a call answers, as C says it.
pub(crate) type Code = &'static str;

pub(crate) const OK: Code = "TOKENSTORE_OK";
pub(crate) const INVALID: Code = "TOKENSTORE_INVALID_ARGUMENT";
pub(crate) const CLOSED: Code = "TOKENSTORE_CLOSED";
pub(crate) const TOO_SMALL: Code = "TOKENSTORE_BUFFER_TOO_SMALL";
pub(crate) const SOME_REFUSED: Code = "TOKENSTORE_SOME_REFUSED";
pub(crate) const LIMIT_REACHED: Code = "TOKENSTORE_LIMIT_REACHED";
pub(crate) const END: Code = "TOKENSTORE_END";
pub(crate) const IO: Code = "TOKENSTORE_IO";
pub(crate) const ALREADY_EXISTS: Code = "TOKENSTORE_ALREADY_EXISTS";
pub(crate) const CORRUPT: Code = "TOKENSTORE_CORRUPT";
pub(crate) const MALFORMED: Code = "TOKENSTORE_MALFORMED";
pub(crate) const UNKNOWN: Code = "TOKENSTORE_UNKNOWN";
pub(crate) const NOT_FOUND: Code = "TOKENSTORE_NOT_FOUND";
pub(crate) const NO_GRANT: Code = "TOKENSTORE_NO_GRANT";
pub(crate) const WRONG_BINDING: Code = "TOKENSTORE_WRONG_BINDING";
pub(crate) const WRONG_KEY: Code = "TOKENSTORE_WRONG_KEY";
pub(crate) const WRONG_TYPE: Code = "TOKENSTORE_WRONG_TYPE";
pub(crate) const REVISION_CONFLICT: Code = "TOKENSTORE_REVISION_CONFLICT";

/// A byte string: what it is, and the answers to it.
pub(crate) struct Bytes {
    pub(crate) is_text: bool,
    /// The shortest and the longest that is taken, and what is answered to them.
    pub(crate) min: usize,
    pub(crate) max: usize,
    pub(crate) taken: Code,
    /// The answer to the empty one, to one that is shorter, and to one that is longer.
    pub(crate) empty: Code,
    pub(crate) short: Code,
    pub(crate) long: Code,
    /// The answer to what is UTF-8, but no name.
    pub(crate) bad: Code,
}

impl Bytes {
    const fn of(is_text: bool, min: usize, max: usize) -> Bytes {
        let empty = if min == 0 { OK } else { INVALID };
        Bytes { is_text, min, max, taken: OK, empty, short: INVALID, long: INVALID, bad: INVALID }
    }
}

/// The byte string `name` of the struct or function `of`.
pub(crate) fn bytes(of: &str, name: &str) -> Bytes {
    match (of, name) {
        // Another owner than the token's, but an owner.
        ("tokenstore_target", "owner") => Bytes { taken: NOT_FOUND, ..Bytes::of(false, 1, 255) },
        // Whatever is no declared type's is not found.
        ("tokenstore_type_find", "name") => Bytes {
            taken: NOT_FOUND,
            empty: NOT_FOUND,
            long: NOT_FOUND,
            bad: NOT_FOUND,
            ..Bytes::of(true, 1, 255)
        },
        ("tokenstore_query", "project") => Bytes { taken: NO_GRANT, ..Bytes::of(false, 1, 64) },
        ("tokenstore_query", "binding") => Bytes { taken: WRONG_BINDING, ..Bytes::of(false, 1, 255) },
        // Every byte string is a value that nobody has.
        ("tokenstore_verify", "value") => Bytes {
            taken: UNKNOWN,
            empty: MALFORMED,
            short: MALFORMED,
            long: MALFORMED,
            ..Bytes::of(false, 16, 8192)
        },
        ("tokenstore_consume" | "tokenstore_pair_refresh", "value") => Bytes {
            taken: UNKNOWN,
            empty: MALFORMED,
            short: MALFORMED,
            long: MALFORMED,
            ..Bytes::of(false, 16, 8192)
        },
        ("tokenstore_pair_refresh", "binding") => Bytes { taken: WRONG_BINDING, ..Bytes::of(false, 1, 255) },
        // An empty one is made.
        ("tokenstore_pair_values", "access" | "refresh") => Bytes { empty: OK, ..Bytes::of(false, 16, 8192) },
        ("tokenstore_value_revoke", "value") => {
            Bytes { empty: OK, short: OK, long: OK, ..Bytes::of(false, 16, 8192) }
        }
        ("tokenstore_token_create_from_value", "value") => Bytes::of(false, 16, 8192),
        ("tokenstore_new_token" | "tokenstore_new_pair" | "tokenstore_edit", "name") => {
            Bytes { empty: OK, ..Bytes::of(true, 1, 255) }
        }
        ("tokenstore_new_token", "binding") => Bytes { empty: OK, ..Bytes::of(false, 1, 255) },
        ("tokenstore_new_pair", "binding") => Bytes::of(false, 1, 255),
        ("tokenstore_filter", "name_prefix") => Bytes::of(true, 0, 255),
        ("tokenstore_policy", "prefix") => Bytes::of(true, 1, 16),
        (_, "name") => Bytes::of(true, 1, 255),
        (_, "owner") => Bytes::of(false, 1, 255),
        (_, "project") => Bytes::of(false, 1, 64),
        (_, "app_data") => Bytes::of(false, 0, 4096),
        (_, "by" | "reason") => Bytes::of(true, 0, 255),
        _ => panic!("say in tests/hostile/ranges.rs how long `{name}` of {of} is"),
    }
}

/// Texts that are no names: a control character, or what no prefix has.
pub(crate) fn bad_texts(name: &str) -> &'static [(&'static str, &'static str)] {
    match name {
        "name" | "by" | "reason" => &[
            ("a line break", r"a\n"),
            ("a NUL", r"\000a"),
            ("a DEL", r"\177"),
            ("a control character of two bytes", r"\302\205"),
        ],
        "prefix" => &[("a capital", "A"), ("a hyphen", "a-b"), ("a letter of two bytes", r"\303\251")],
        _ => &[],
    }
}

/// Bytes that are no UTF-8, in C.
pub(crate) const NO_UTF8: [(&str, &str); 7] = [
    ("a lone continuation", r"a\200"),
    ("an overlong slash", r"\300\257"),
    ("an overlong NUL of three bytes", r"\340\200\200"),
    ("a surrogate", r"\355\240\200"),
    ("a truncated letter", r"a\303"),
    ("a letter beyond the last", r"\364\220\200\200"),
    ("0xff", r"\377"),
];

/// Numbers that are not the right one, with the answers; in C. `of` is a struct or a function.
pub(crate) fn numbers(of: &str, name: &str) -> &'static [(&'static str, Code)] {
    const UNDECLARED: [(&str, Code); 5] = [
        ("0", NOT_FOUND),
        ("9", NOT_FOUND),
        ("65535", NOT_FOUND),
        ("65536", NOT_FOUND),
        ("UINT32_MAX", NOT_FOUND),
    ];
    const TIMES: [(&str, Code); 9] = [
        ("INT64_MIN", INVALID),
        ("YEAR_0 - 1", INVALID),
        ("YEAR_0", OK),
        ("-1", OK),
        ("0", OK),
        ("YEAR_10000 - 1", OK),
        ("YEAR_10000", INVALID),
        ("INT64_MAX - 1", INVALID),
        ("INT64_MAX", INVALID),
    ];
    match (of, name) {
        // A type that was never declared is another one than the token's.
        ("tokenstore_query", "type") => &[
            ("0", INVALID),
            ("9", WRONG_TYPE),
            ("65535", WRONG_TYPE),
            ("65536", WRONG_TYPE),
            ("65537", WRONG_TYPE),
            ("UINT32_MAX", WRONG_TYPE),
        ],
        ("tokenstore_filter", "type") => &[("0", NOT_FOUND), ("65536", NOT_FOUND), ("UINT32_MAX", NOT_FOUND)],
        // Every type.
        ("tokenstore_owner_revoke", "type") => &[
            ("0", OK),
            ("9", NOT_FOUND),
            ("65535", NOT_FOUND),
            ("65536", NOT_FOUND),
            ("UINT32_MAX", NOT_FOUND),
        ],
        (_, "type" | "access_type") => &UNDECLARED,
        // One that is declared, and has no families.
        ("tokenstore_new_pair", "refresh_type") => &[
            ("0", NOT_FOUND),
            ("type_now", INVALID),
            ("coupon_type", INVALID),
            ("9", NOT_FOUND),
            ("65535", NOT_FOUND),
            ("65536", NOT_FOUND),
            ("UINT32_MAX", NOT_FOUND),
        ],
        ("tokenstore_target", "revision") => {
            &[("0", REVISION_CONFLICT), ("1", REVISION_CONFLICT), ("UINT64_MAX", REVISION_CONFLICT)]
        }
        ("tokenstore_new_token" | "tokenstore_edit", "expires_ms") => &[
            ("INT64_MIN", INVALID),
            ("-1", INVALID),
            ("0", INVALID),
            ("1", OK),
            ("EXPIRY_END - NOW_MS - 1", OK),
            ("EXPIRY_END - NOW_MS", INVALID),
            ("INT64_MAX - 1", INVALID),
            ("INT64_MAX", INVALID),
        ],
        ("tokenstore_filter", "expires_before_ms" | "unused_since_ms") => &TIMES,
        ("tokenstore_filter", "page_size") => {
            &[("0", OK), ("1", OK), ("1000", OK), ("1001", INVALID), ("UINT32_MAX", INVALID)]
        }
        ("tokenstore_new_token" | "tokenstore_new_pair" | "tokenstore_edit", "app_word") => {
            &[("0", OK), ("UINT64_MAX", OK)]
        }
        ("tokenstore_options", "cache_bytes") => {
            &[("0", OK), ("1", INVALID), ("(1 << 20) - 1", INVALID), ("UINT64_MAX", OK)]
        }
        ("tokenstore_options", "use_resolution_ms") => &[
            ("0", OK),
            ("1", INVALID),
            ("999", INVALID),
            ("86400000", OK),
            ("86400001", INVALID),
            ("UINT64_MAX", INVALID),
        ],
        ("tokenstore_options", "max_events" | "busy_timeout_ms") => {
            &[("0", OK), ("1", OK), ("UINT64_MAX", OK)]
        }
        // No longer than the longest life, which is 2000.
        ("tokenstore_policy", "default_lifetime_ms") => &[
            ("0", INVALID),
            ("1", OK),
            ("2000", OK),
            ("2001", INVALID),
            ("INT64_MAX", INVALID),
            ("UINT64_MAX", INVALID),
        ],
        // No shorter than the default, which is 1000. A year has 365 days or a little more.
        ("tokenstore_policy", "max_lifetime_ms") => &[
            ("0", OK),
            ("1", INVALID),
            ("999", INVALID),
            ("557ULL * 365 * 86400000", OK),
            ("558ULL * 365 * 86400000", INVALID),
            ("UINT64_MAX", INVALID),
        ],
        // A type of refresh values, which the right one is, has no use count.
        ("tokenstore_policy", "uses") => &[("0", OK), ("1", INVALID), ("UINT32_MAX", INVALID)],
        ("tokenstore_policy", "old_access") => {
            &[("0", OK), ("1", OK), ("2", OK), ("3", INVALID), ("UINT32_MAX", INVALID)]
        }
        ("tokenstore_policy", "access_lifetime_ms" | "refresh_lifetime_ms" | "family_lifetime_ms") => &[
            ("0", INVALID),
            ("1", OK),
            ("557ULL * 365 * 86400000", OK),
            ("558ULL * 365 * 86400000", INVALID),
            ("INT64_MAX", INVALID),
            ("UINT64_MAX", INVALID),
        ],
        ("tokenstore_policy", "grace_ms") => &[
            ("0", OK),
            ("1", OK),
            ("86400000", OK),
            ("86400001", INVALID),
            ("UINT64_MAX - 1", INVALID),
            ("TOKENSTORE_NO_GRACE", OK),
        ],
        ("tokenstore_token_rotate", "grace_ms") => &[
            ("0", OK),
            ("1", OK),
            ("557ULL * 365 * 86400000", OK),
            ("558ULL * 365 * 86400000", INVALID),
            ("UINT64_MAX", INVALID),
        ],
        ("tokenstore_prune", "dead_before_ms") => &TIMES,
        ("tokenstore_prune", "at_most") => &[("0", INVALID), ("1", OK), ("UINT64_MAX", OK)],
        ("tokenstore_event_next", "after") => &[("before.sequence", END), ("UINT64_MAX", END)],
        ("tokenstore_owner", "owner") => &[
            ("control_owner ^ (1ULL << 63)", NOT_FOUND),
            ("UINT32_MAX", NOT_FOUND),
            ("UINT64_MAX", NOT_FOUND),
        ],
        ("tokenstore_clock_new" | "tokenstore_clock_set", "now_ms") => &TIMES,
        // It stands still at the end of the calendar.
        ("tokenstore_clock_advance", "by_ms") => &[("0", OK), ("INT64_MAX", OK), ("UINT64_MAX", OK)],
        _ => panic!("say in tests/hostile/ranges.rs which numbers `{name}` of {of} can be"),
    }
}

/// Flags that right arguments do not have and that change no answer, or another one than that of the call.
pub(crate) fn flags(function: &str, of: &str) -> &'static [(&'static str, Code)] {
    match (function, of) {
        // Nothing is stale where nobody else changes anything.
        (_, "tokenstore_query") => &[("TOKENSTORE_NO_WAIT", OK)],
        (_, "tokenstore_options") => &[("TOKENSTORE_SHARED", OK)],
        _ => &[],
    }
}

/// What is said in place of a right argument by those calls for which the usual right one is none.
pub(crate) const ADJUSTED: [(&str, &str); 4] = [
    ("tokenstore_consume", "((tokenstore_query *)a->query)->type = coupon_type"),
    ("tokenstore_family_revoke", "aim_at_family((tokenstore_target *)a->target)"),
    ("tokenstore_open_in_memory", "((tokenstore_options *)a->options)->key = NULL"),
    ("tokenstore_change_key", "a->store = spare_file_store()"),
];

/// A right argument for a byte string or a number, in C.
pub(crate) fn right(function: &str, name: &str) -> &'static str {
    match (function, name) {
        ("tokenstore_verify" | "tokenstore_verify_many", "value" | "values") => {
            "copy(control_value, control_len)"
        }
        ("tokenstore_value_revoke", "value") => "copy(subject_value, subject_len)",
        ("tokenstore_consume", "value") => "copy(coupon_value, coupon_len)",
        ("tokenstore_pair_refresh", "value") => "copy(refresh_value, refresh_len)",
        (_, "value") => "copy(\"0123456789abcdef\", 16)",
        (_, "value_len") => match function {
            "tokenstore_verify" => "control_len",
            "tokenstore_value_revoke" => "subject_len",
            "tokenstore_consume" => "coupon_len",
            "tokenstore_pair_refresh" => "refresh_len",
            _ => "16",
        },
        (_, "name") => "copy(\"server\", 6)",
        (_, "name_len") => "6",
        (_, "project") => "copy(\"00000\", 5)",
        (_, "project_len") => "5",
        (_, "by") => "copy(\"tester\", 6)",
        (_, "by_len") => "6",
        (_, "reason") => "copy(\"because\", 7)",
        (_, "reason_len") => "7",
        (_, "id") => "copy(subject.id, 16)",
        (_, "key") => "copy(KEY, 32)",
        (_, "count") => "1",
        (_, "stride") => "control_len",
        (_, "lens") => "one_length(control_len)",
        (_, "type") => "type_now",
        ("tokenstore_owner", "owner") => "control_owner",
        (_, "owner") => "copy(\"acme\", 4)",
        (_, "owner_len") => "4",
        (_, "binding") => "copy(BINDING, sizeof BINDING - 1)",
        (_, "binding_len") => "sizeof BINDING - 1",
        (_, "grace_ms" | "at_most") => "1",
        (_, "dead_before_ms") => "NOW_MS",
        // The event of the subject's creation: it has an actor.
        (_, "after") => "before.sequence - 1",
        (_, "now_ms") => "NOW_MS",
        (_, "by_ms") => "1",
        _ => panic!("say in tests/hostile/ranges.rs what a right `{name}` of {function} is"),
    }
}
