//! From a function's parameters to the calls that are made of it: one rule for each kind of parameter.

use super::declarations::{Function, Header, Struct, Variable};
use super::ranges::{self, *};

/// A call: right arguments, but for what `change` does to them.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) code: Code,
    /// What the first element of an array is answered, if the call answers for each.
    pub(crate) inside: Option<Code>,
    pub(crate) change: String,
}

/// What a parameter is.
pub(crate) enum Kind<'a> {
    Handle,
    /// A struct that is read, and begins with its size.
    Given(&'a Struct),
    /// A struct that is written, and begins with its size.
    Grown(&'a Struct),
    /// Where one result goes, or one for each of `count`.
    Result,
    Error,
    Path,
    /// Bytes with their length in the next parameter.
    Bytes,
    /// 16 or 32 bytes, always.
    Fixed,
    /// A buffer, its capacity in the next parameter.
    Buffer,
    /// Where the values of `count` tokens go.
    Values,
    /// The values or the lengths of `count` values.
    Many,
    Number,
    /// A length or a capacity, which goes with the parameter before it.
    Length,
}

pub(crate) fn kind<'a>(header: &'a Header, function: &Function, place: usize) -> Kind<'a> {
    let Variable { name, of, .. } = &function.parameters[place];
    let next = function.parameters.get(place + 1).map_or("", |next| next.name.as_str());
    let target = of.trim_start_matches("const ").trim_end_matches([' ', '*']);
    let is_const = of.starts_with("const ");
    let pointers = of.matches('*').count();
    if pointers == 0 {
        let is_length = name.ends_with("_len") || name.ends_with("capacity");
        return if is_length { Kind::Length } else { Kind::Number };
    }
    if header.handles.iter().any(|handle| handle == target) {
        return if pointers == 2 { Kind::Result } else { Kind::Handle };
    }
    match (target, name.as_str(), is_const) {
        ("tokenstore_error", ..) => Kind::Error,
        ("char", _, true) => Kind::Path,
        ("uint8_t", _, true) if next == format!("{name}_len") => Kind::Bytes,
        ("uint8_t", "id" | "key", true) => Kind::Fixed,
        ("uint8_t", "values", false) => Kind::Values,
        ("uint8_t", _, false) if next.ends_with("capacity") => Kind::Buffer,
        ("uint8_t", "values", true) | ("size_t", "lens", true) => Kind::Many,
        _ => match (header.find(target), is_const) {
            (Some(one), true) if one.grows() => Kind::Given(one),
            (Some(one), false) if one.grows() => Kind::Grown(one),
            (_, false) => Kind::Result,
            _ => panic!("no rule in tests/hostile/rules.rs for `{of}{name}` of {}", function.name),
        },
    }
}

/// Every row of a function.
pub(crate) fn rows(header: &Header, function: &Function) -> Vec<Row> {
    let closes = function.name.ends_with("_close");
    let mut rows = Rows { rows: Vec::new(), function, header };
    rows.add("all is right", OK, "");
    for place in 0..function.parameters.len() {
        let Variable { name, of, .. } = &function.parameters[place];
        let a = format!("a.{name}");
        let misaligned = format!("{a} = (void *)((const char *){a} + 1)");
        match kind(header, function, place) {
            Kind::Handle => {
                rows.add(
                    &format!("{name} is NULL"),
                    if closes { OK } else { INVALID },
                    &format!("{a} = NULL"),
                );
                rows.add(&format!("{name} is misaligned"), INVALID, &misaligned);
                rows.handles(name, of);
            }
            Kind::Given(one) => {
                let code = match may_be_null(function, name) {
                    // The store that is there has a key.
                    true if function.name == "tokenstore_open" => WRONG_KEY,
                    true => OK,
                    false => INVALID,
                };
                rows.add(&format!("{name} is NULL"), code, &format!("{a} = NULL"));
                rows.add(&format!("{name} is misaligned"), INVALID, &misaligned);
                rows.sizes(name, one);
                rows.members(name, one);
            }
            Kind::Grown(one) => {
                rows.add(&format!("{name} is NULL"), INVALID, &format!("{a} = NULL"));
                rows.add(&format!("{name} is misaligned"), INVALID, &misaligned);
                rows.sizes(name, one);
                for buffer in one.buffers() {
                    let (at, room) = (format!("{name}->{buffer}"), format!("{name}->{buffer}_capacity"));
                    rows.buffer(&at, &room);
                    rows.room_for_a_value(&at, &room);
                }
            }
            Kind::Result => {
                let code = if name == "change" || may_be_null(function, name) { OK } else { INVALID };
                rows.add(&format!("{name} is NULL"), code, &format!("{a} = NULL"));
                rows.add(&format!("{name} is misaligned"), INVALID, &misaligned);
            }
            Kind::Error => {
                rows.add("error is NULL", OK, "a.error = NULL");
                rows.everything_null("everything but the error is NULL", "error", "");
                let misaligned = "; a.error = (void *)((char *)a.error + 1)";
                rows.everything_null("and the error is misaligned", "error", misaligned);
            }
            Kind::Path => rows.paths(),
            Kind::Bytes => {
                let len = &function.parameters[place + 1].name;
                let range = ranges::bytes(&function.name, name);
                rows.bytes(name, &range, bad_texts(name), &a, &format!("a.{len}"), false);
            }
            Kind::Fixed => {
                let code = if name == "key" { OK } else { INVALID };
                rows.add(&format!("{name} is NULL"), code, &format!("{a} = NULL"));
                if name == "id" {
                    rows.add("id is zeros", NOT_FOUND, "a.id = block(16, 1, 0)");
                    rows.add("id is nobody's", NOT_FOUND, "a.id = block(16, 1, 0xFF)");
                }
            }
            Kind::Buffer => rows.buffer(name, &function.parameters[place + 1].name),
            Kind::Values => rows.add("values is NULL", INVALID, "a.values = NULL"),
            Kind::Many if name == "lens" => {
                rows.add("lens is NULL, and the stride is the length", OK, "a.lens = NULL");
                rows.add("lens is misaligned", INVALID, &misaligned);
            }
            Kind::Many => rows.add("values is NULL", INVALID, "a.values = NULL"),
            Kind::Number if name == "count" => rows.counts(),
            Kind::Number if name == "stride" => rows.strides(),
            Kind::Number => {
                for &(number, code) in ranges::numbers(&function.name, name) {
                    rows.add(&format!("{name} is {number}"), code, &format!("{a} = {number}"));
                }
            }
            Kind::Length => {}
        }
    }
    rows.everything_null("everything is NULL", "", "");
    if function.name == "tokenstore_verify_many" {
        rows.rows.iter_mut().for_each(for_many);
    }
    rows.rows
}

/// A handle of another kind in each place of a handle: the library can tell them apart.
pub(crate) fn other_handles(header: &Header, function: &Function) -> Vec<Row> {
    let mut rows = Rows { rows: Vec::new(), function, header };
    for (place, Variable { name, of, .. }) in function.parameters.iter().enumerate() {
        if matches!(kind(header, function, place), Kind::Handle) {
            for (handle, others) in [
                ("tokenstore_store", ["store_now", "closed_store"]),
                ("tokenstore_clock", ["clock_now", "closed_clock"]),
                ("tokenstore_list", ["open_list", "closed_list"]),
            ] {
                if *of.trim_start_matches("const ") != format!("{handle} *") {
                    for other in others {
                        let what = format!("{name} is {other}");
                        rows.add(&what, INVALID, &format!("a.{name} = (void *){other}"));
                    }
                }
            }
        }
    }
    rows.rows
}

/// Of many values one is refused, and its verdict says why.
fn for_many(row: &mut Row) {
    if [NO_GRANT, WRONG_BINDING, WRONG_TYPE].contains(&row.code) {
        row.inside = Some(row.code);
        row.code = SOME_REFUSED;
    }
}

/// Whether the comment says so, in one sentence with the name: "may be NULL", or "or NULL".
fn may_be_null(function: &Function, name: &str) -> bool {
    let sentences = function.says.split(['.', ';']);
    let mut named = sentences.filter(|says| says.contains(&format!("`{name}`")));
    named.any(|says| says.contains("may be NULL") || says.ends_with("or NULL"))
}

pub(crate) struct Rows<'a> {
    rows: Vec<Row>,
    pub(crate) function: &'a Function,
    pub(crate) header: &'a Header,
}

impl Rows<'_> {
    pub(crate) fn add(&mut self, what: &str, code: Code, change: &str) {
        self.rows.push(Row { what: what.to_owned(), code, inside: None, change: change.to_owned() });
    }

    /// A row whose answer is the element's, if the struct lies in an array.
    pub(crate) fn add_member(&mut self, what: &str, code: Code, change: &str) {
        let in_array = self.function.parameters.iter().any(|one| one.name == "statuses");
        self.add(what, code, change);
        if in_array && code != OK {
            let row = self.rows.last_mut().unwrap();
            row.code = SOME_REFUSED;
            row.inside = Some(code);
        }
    }

    fn everything_null(&mut self, what: &str, but: &str, more: &str) {
        let pointers = self.function.parameters.iter().filter(|one| one.of.contains('*'));
        let named: Vec<&str> = pointers.map(|one| one.name.as_str()).filter(|name| *name != but).collect();
        let change = named.iter().map(|name| format!("a.{name} = NULL")).collect::<Vec<_>>().join("; ");
        // To close nothing is nothing.
        let code = if self.function.name.ends_with("_close") { OK } else { INVALID };
        if !named.is_empty() {
            self.add(what, code, &(change + more));
        }
    }

    fn handles(&mut self, name: &str, of: &str) {
        match of.trim_start_matches("const ").trim_end_matches([' ', '*']) {
            "tokenstore_store" => {
                self.add(&format!("{name} is closed"), CLOSED, &format!("a.{name} = closed_store"))
            }
            "tokenstore_list" => {
                self.add(&format!("{name} is closed"), CLOSED, &format!("a.{name} = closed_list"));
                if !self.function.name.ends_with("_close") {
                    self.add("the list's store is closed", CLOSED, &format!("a.{name} = orphaned_list"));
                }
            }
            "tokenstore_clock" => {
                self.add(&format!("{name} is closed"), CLOSED, &format!("a.{name} = closed_clock"));
            }
            other => panic!("say in tests/hostile/rules.rs how a {other} is closed"),
        }
        self.add(&format!("{name} is no handle"), INVALID, &format!("a.{name} = block(64, 64, 0)"));
    }

    /// A byte string at `data` with its length at `len`, in a struct or not.
    pub(crate) fn bytes(
        &mut self,
        what: &str,
        range: &Bytes,
        bad: &[(&str, &str)],
        data: &str,
        len: &str,
        in_struct: bool,
    ) {
        // A name is what a creation if absent goes by.
        let by_name = self.function.name == "tokenstore_token_create_if_absent" && what.ends_with("->name");
        let empty = if by_name { INVALID } else { range.empty };
        let mut rows = vec![
            (format!("{what} is NULL with 1"), INVALID, format!("{data} = NULL; {len} = 1")),
            (format!("{what} is NULL with SIZE_MAX"), INVALID, format!("{data} = NULL; {len} = SIZE_MAX")),
            (format!("{what} has a length of SIZE_MAX"), INVALID, format!("{len} = SIZE_MAX")),
            (
                format!("{what} has a length of SIZE_MAX / 2 + 1"),
                INVALID,
                format!("{len} = SIZE_MAX / 2 + 1"),
            ),
            (format!("{what} is NULL with 0"), empty, format!("{data} = NULL; {len} = 0")),
            (format!("{what} is a pointer with 0"), empty, format!("{len} = 0")),
        ];
        if range.min > 1 {
            let short = range.min - 1;
            rows.push((
                format!("{what} is a byte short"),
                range.short,
                format!("{data} = letters({short}); {len} = {short}"),
            ));
        }
        for (text, size, code) in [
            ("the shortest", range.min.max(1), range.taken),
            ("the longest", range.max, range.taken),
            ("a byte too long", range.max + 1, range.long),
            ("far too long", 1 << 20, range.long),
        ] {
            // A prefix of names has no length of its own.
            if size <= range.max || what != "filter->name_prefix" {
                rows.push((
                    format!("{what} is {text}"),
                    code,
                    format!("{data} = letters({size}); {len} = {size}"),
                ));
            }
        }
        let no_utf8: &[(&str, &str)] = if range.is_text { &NO_UTF8 } else { &[] };
        let no_utf8 = no_utf8.iter().map(|bad| (bad, INVALID));
        for ((text, bytes), code) in no_utf8.chain(bad.iter().map(|bad| (bad, range.bad))) {
            let (copied, size) =
                (format!("copy(\"{bytes}\", sizeof \"{bytes}\" - 1)"), format!("sizeof \"{bytes}\" - 1"));
            rows.push((format!("{what} has {text}"), code, format!("{data} = {copied}; {len} = {size}")));
        }
        for (what, code, change) in rows {
            if in_struct {
                self.add_member(&what, code, &change);
            } else {
                self.add(&what, code, &change);
            }
        }
    }

    fn paths(&mut self) {
        let creates = self.function.name == "tokenstore_create";
        let there = if creates { ALREADY_EXISTS } else { OK };
        let missing = if creates { OK } else { IO };
        let no_store = if creates { ALREADY_EXISTS } else { CORRUPT };
        self.add("path is NULL", INVALID, "a.path = NULL");
        self.add("path is empty", INVALID, "a.path = copy(\"\", 1)");
        self.add("path leads to a store", there, "a.path = file_named(\"there.store\")");
        self.add("path leads to nothing", missing, "a.path = file_named(\"made.store\")");
        self.add("path leads through nothing", IO, "a.path = file_named(\"nothing/made.store\")");
        self.add("path leads through a file", IO, "a.path = file_named(\"there.store/made.store\")");
        self.add("path is too long", IO, "a.path = block(5001, 1, 'a'); ((char *)a.path)[5000] = 0");
        self.add("path leads to an empty file", no_store, "a.path = file_named(\"empty\")");
        self.add("path leads to a pipe", no_store, "a.path = file_named(\"pipe\")");
        self.add("path leads to a device", no_store, "a.path = \"/dev/zero\"");
    }

    fn buffer(&mut self, name: &str, capacity: &str) {
        let (a, room) = (format!("a.{name}"), format!("a.{capacity}"));
        // Whoever asks for no app_data gets none.
        let nowhere = if name == "app_data" { OK } else { TOO_SMALL };
        self.add(&format!("{name} is NULL with 0"), nowhere, &format!("{a} = NULL; {room} = 0"));
        self.add(&format!("{name} is NULL with room"), TOO_SMALL, &format!("{a} = NULL"));
        self.add(&format!("{name} has no room"), TOO_SMALL, &format!("{room} = 0"));
        self.add(&format!("{name} has room for 1"), TOO_SMALL, &format!("{room} = 1"));
        for size in ["SIZE_MAX", "SIZE_MAX / 2 + 1"] {
            self.add(&format!("{name} has room for {size}"), OK, &format!("{room} = {size}"));
        }
        if capacity == "value_capacity" {
            self.room_for_a_value(name, capacity);
        }
        if capacity == "app_data_capacity" {
            let less = format!("{room} = TOKENSTORE_APP_DATA_BYTES - 1");
            self.add("app_data has room for a byte less", TOO_SMALL, &less);
        }
    }

    /// A buffer for a value has room for any that is made.
    fn room_for_a_value(&mut self, name: &str, capacity: &str) {
        let room = format!("a.{capacity}");
        let less = format!("{room} = TOKENSTORE_VALUE_BYTES - 1");
        self.add(&format!("{name} has room for a byte less"), TOO_SMALL, &less);
        self.add(&format!("{name} has just room"), OK, &format!("{room} = TOKENSTORE_VALUE_BYTES"));
    }

    fn counts(&mut self) {
        for count in ["SIZE_MAX", "SIZE_MAX / 2 + 1", "SIZE_MAX / 32"] {
            self.add(&format!("count is {count}"), INVALID, &format!("a.count = {count}"));
        }
        self.add("count is 0", OK, "a.count = 0");
        self.add("count is 0 and the store is closed", CLOSED, "a.count = 0; a.store = closed_store");
        self.add("count is 0 and the store is NULL", INVALID, "a.count = 0; a.store = NULL");
        let arrays =
            self.function.parameters.iter().filter(|one| {
                one.of.contains('*') && !matches!(one.name.as_str(), "store" | "query" | "error")
            });
        let none: String = arrays.map(|one| format!("; a.{} = NULL", one.name)).collect();
        self.add("count is 0 and the arrays are NULL", OK, &format!("a.count = 0{none}"));
    }

    fn strides(&mut self) {
        // Two values would lie beyond any memory.
        self.add("stride is SIZE_MAX", INVALID, "a.stride = SIZE_MAX");
        self.add("stride is SIZE_MAX / 2 + 1", INVALID, "a.stride = SIZE_MAX / 2 + 1");
        self.add("stride is 0", SOME_REFUSED, "a.stride = 0; a.lens = NULL");
        self.add("a length is SIZE_MAX", INVALID, "a.lens = one_length(SIZE_MAX)");
        self.add("a length is SIZE_MAX / 2 + 1", INVALID, "a.lens = one_length(SIZE_MAX / 2 + 1)");
        self.add("a length is 0", SOME_REFUSED, "a.lens = one_length(0)");
    }
}
