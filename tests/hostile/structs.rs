//! From a struct to the calls that are made with it: its size, its members, its flags.

use super::declarations::{Struct, Variable};
use super::ranges::{self, *};
use super::rules::Rows;

impl Rows<'_> {
    /// What a struct says of its own size.
    pub(crate) fn sizes(&mut self, name: &str, one: &Struct) {
        let (of, first) = (&one.name, super::first_size(&one.name));
        // Bytes there, size said, the bytes behind what this version knows, the last of them.
        let is = format!("sizeof({of})");
        for (what, code, there, said, tail, last) in [
            ("0", INVALID, is.as_str(), "0", "0", "0"),
            ("1", INVALID, &is, "1", "0", "0"),
            ("one less than its first", INVALID, &is, &format!("{first} - 1"), "0", "0"),
            ("its first, with garbage behind", OK, &format!("{is} + 8"), &first.to_string(), "0x55", "0x55"),
            ("its own, with garbage behind", OK, &format!("{is} + 8"), &is, "0x55", "0x55"),
            ("one more than its own, a zero", OK, &format!("{is} + 1"), &format!("{is} + 1"), "0", "0"),
            (
                "one more than its own, garbage",
                INVALID,
                &format!("{is} + 1"),
                &format!("{is} + 1"),
                "0",
                "0x55",
            ),
            ("8 more than its own, zeros", OK, &format!("{is} + 8"), &format!("{is} + 8"), "0", "0"),
            (
                "8 more than its own, the last no zero",
                INVALID,
                &format!("{is} + 8"),
                &format!("{is} + 8"),
                "0",
                "1",
            ),
            ("4096, zeros", OK, "4096", "4096", "0", "0"),
            ("4096, the last no zero", INVALID, "4096", "4096", "0", "1"),
            ("4097", INVALID, "4097", "4097", "0", "0"),
            ("SIZE_MAX", INVALID, &is, "SIZE_MAX", "0", "0"),
            ("SIZE_MAX / 2 + 1", INVALID, &is, "SIZE_MAX / 2 + 1", "0", "0"),
        ] {
            // Without its later members a type is none of refresh values.
            let before = match (of.as_str(), what) {
                ("tokenstore_policy", "its first, with garbage behind") => {
                    format!("((tokenstore_policy *)a.{name})->flags = 0; ")
                }
                _ => String::new(),
            };
            let change = format!(
                "{before}a.{name} = resized(a.{name}, sizeof({of}), {there}, {said}, {tail}, {last})"
            );
            let what = format!("{name}->struct_size is {what}");
            // A size that is none says nothing of where the next element is; what lies behind is an element's own.
            if said == "0"
                || said == "1"
                || what.contains("less")
                || what.contains("SIZE_MAX")
                || said == "4097"
            {
                self.add(&what, code, &change);
            } else {
                self.add_member(&what, code, &change);
            }
        }
    }

    pub(crate) fn members(&mut self, parameter: &str, one: &Struct) {
        let of = one.name.as_str();
        let inside = format!("(({of} *)a.{parameter})");
        let flags = one.members.iter().find(|member| matches!(member.name.as_str(), "fields" | "flags"));
        for (place, member) in one.members.iter().enumerate() {
            let what = format!("{parameter}->{}", member.name);
            let at = format!("{inside}->{}", member.name);
            match (member.of.as_str(), member.name.as_str()) {
                (_, "struct_size") => {}
                ("uint32_t", "reserved") => {
                    assert!(["Zero.", "0."].contains(&member.says.as_str()), "{of} says {}", member.says);
                    self.add_member(&format!("{what} is 1"), INVALID, &format!("{at} = 1"));
                    self.add_member(
                        &format!("{what} is its highest bit"),
                        INVALID,
                        &format!("{at} = 1U << 31"),
                    );
                }
                ("uint32_t", "flags" | "fields" | "states") => {
                    let known = self.known_bits(of, member);
                    for bit in (0..32).filter(|bit| known >> bit & 1 == 0) {
                        self.add_member(
                            &format!("{what} has the unknown bit {bit}"),
                            INVALID,
                            &format!("{at} |= 1U << {bit}"),
                        );
                    }
                    for &(flag, code) in ranges::flags(&self.function.name, of) {
                        self.add_member(&format!("{what} has {flag}"), code, &format!("{at} |= {flag}"));
                    }
                }
                ("tokenstore_bytes", name) => {
                    let range = ranges::bytes(of, name);
                    self.bytes(
                        &what,
                        &range,
                        bad_texts(name),
                        &format!("{at}.data"),
                        &format!("{at}.len"),
                        true,
                    );
                }
                ("const tokenstore_bytes *", name) => {
                    let count = &one.members[place + 1].name;
                    assert_eq!(name, "projects");
                    self.arrays(&what, &at, &format!("{inside}->{count}"), &inside);
                }
                ("const uint8_t *", "key") => self.keys(&at),
                ("const uint8_t *", name) => {
                    let range = ranges::bytes(of, name);
                    self.bytes(&what, &range, &[], &at, &format!("{at}_len"), true);
                }
                ("const tokenstore_clock *", _) => {
                    self.add(&format!("{what} is NULL"), OK, &format!("{at} = NULL"));
                    self.add(&format!("{what} is closed"), CLOSED, &format!("{at} = closed_clock"));
                    self.add(&format!("{what} is a store"), INVALID, &format!("{at} = (void *)store_now"));
                    self.add(&format!("{what} is no handle"), INVALID, &format!("{at} = block(64, 64, 0)"));
                    self.add(
                        &format!("{what} is misaligned"),
                        INVALID,
                        &format!("{at} = (void *)((char *)clock_now + 1)"),
                    );
                }
                ("uint8_t [16]", "id") => {
                    self.add_member(&format!("{what} is zeros"), NOT_FOUND, &format!("memset({at}, 0, 16)"));
                    self.add_member(
                        &format!("{what} is nobody's"),
                        NOT_FOUND,
                        &format!("memset({at}, 0xFF, 16)"),
                    );
                }
                ("uint8_t [16]", "parent") => {
                    self.add_member(&format!("{what} is zeros"), OK, &format!("memset({at}, 0, 16)"));
                    self.add_member(
                        &format!("{what} is nobody's"),
                        NOT_FOUND,
                        &format!("memset({at}, 0xFF, 16)"),
                    );
                }
                ("uint8_t [16]", "after") => {
                    self.add(&format!("{what} is the last"), OK, &format!("memset({at}, 0xFF, 16)"));
                }
                // These stand beside what they count.
                ("size_t", name) if name.ends_with("_len") || name.ends_with("_count") => {}
                (_, name) => {
                    for &(number, code) in ranges::numbers(of, name) {
                        self.add_member(&format!("{what} is {number}"), code, &format!("{at} = {number}"));
                    }
                }
            }
        }
        if let Some(flags) = flags {
            self.unasked(&inside, one, flags);
        }
    }

    /// What is given without the flag that asks for it is refused, and no check left out.
    fn unasked(&mut self, inside: &str, one: &Struct, flags: &Variable) {
        let mut asked: Vec<String> = Vec::new();
        for member in &one.members {
            if let Some(rest) = member.says.strip_prefix("With TOKENSTORE_") {
                let name: String = rest.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
                asked.push(format!("TOKENSTORE_{name}"));
            }
        }
        asked.dedup();
        let noun = format!("Of an {}: ", one.name.trim_start_matches("tokenstore_"));
        if flags.name == "fields" {
            let named = self.header.constants.iter().filter(|one| one.says.starts_with(&noun));
            asked = named.map(|one| one.name.clone()).collect();
        }
        // These two exclude each other, and right arguments have the second.
        let (at, within) = asked.iter().fold((None, None), |(at, within), name| match name {
            name if name.ends_with("EXPIRES_AT") => (Some(name.clone()), within),
            name if name.ends_with("EXPIRES_IN") => (at, Some(name.clone())),
            _ => (at, within),
        });
        if let Some(at) = at {
            let within = within.unwrap_or_else(|| at.replace("_AT", "_IN"));
            let flags = format!("{inside}->{}", flags.name);
            self.add_member("an expiry at a time and in a time", INVALID, &format!("{flags} |= {at}"));
            for (number, code) in [
                ("INT64_MIN", INVALID),
                ("-1", INVALID),
                ("EXPIRY_END - 1", OK),
                ("EXPIRY_END", INVALID),
                ("TOKENSTORE_NEVER - 1", INVALID),
                ("TOKENSTORE_NEVER", OK),
            ] {
                self.add_member(
                    &format!("an expiry at {number}"),
                    code,
                    &format!(
                        "{flags} = ({flags} & ~(uint32_t){within}) | {at}; {inside}->expires_ms = {number}"
                    ),
                );
            }
            asked.retain(|name| *name != at && *name != within);
            asked.push(within);
        }
        for flag in asked {
            self.add_member(
                &format!("something is given without {flag}"),
                INVALID,
                &format!("{inside}->{} &= ~(uint32_t){flag}", flags.name),
            );
        }
    }

    /// The bits that the header names for a member.
    fn known_bits(&self, of: &str, member: &Variable) -> u32 {
        if member.name == "states" {
            // Of a token's `state` the header says which it can be.
            let token = self.header.find("tokenstore_token").unwrap();
            let state = token.members.iter().find(|member| member.name == "state").unwrap();
            return named(&state.says).iter().fold(0, |bits, name| bits | 1 << self.header.constant(name));
        }
        let noun = of.trim_start_matches("tokenstore_").replace('_', " ");
        let mut known = 0;
        for name in named(&member.says) {
            if name.ends_with('_') {
                let of_it = [format!("Of a {noun}"), format!("Of an {noun}")];
                let flags = self.header.constants.iter().filter(|one| one.name.starts_with(&name));
                let flags = flags.filter(|one| of_it.iter().any(|noun| one.says.starts_with(noun)));
                known |= flags.fold(0, |bits, one| bits | one.value);
            } else {
                known |= i128::from(self.header.constant(&name));
            }
        }
        assert_ne!(known, 0, "the header names no flag of {of}.{}", member.name);
        u32::try_from(known).unwrap()
    }

    /// An array of projects.
    fn arrays(&mut self, what: &str, at: &str, count: &str, inside: &str) {
        let first = format!("((tokenstore_bytes *){at})[1]");
        for (text, code, change) in [
            ("is NULL with 1", INVALID, format!("{at} = NULL; {count} = 1")),
            ("is NULL with 0", OK, format!("{at} = NULL; {count} = 0")),
            ("is a pointer with 0", OK, format!("{count} = 0")),
            ("is misaligned", INVALID, format!("{at} = (void *)((const char *){at} + 1)")),
            ("has a count of SIZE_MAX", LIMIT_REACHED, format!("{count} = SIZE_MAX")),
            ("has a count of SIZE_MAX / 16 + 1", LIMIT_REACHED, format!("{count} = SIZE_MAX / 16 + 1")),
            ("is NULL with SIZE_MAX", LIMIT_REACHED, format!("{at} = NULL; {count} = SIZE_MAX")),
            ("has as many as can be", OK, format!("{at} = strings(1000, 64); {count} = 1000")),
            ("has one too many", LIMIT_REACHED, format!("{at} = strings(1001, 64); {count} = 1001")),
            ("has a NULL with 1", INVALID, format!("{first}.data = NULL")),
            ("has an empty one", INVALID, format!("{first}.len = 0")),
            ("has an empty NULL", INVALID, format!("{first}.data = NULL; {first}.len = 0")),
            ("has one of 65 bytes", INVALID, format!("{first}.data = letters(65); {first}.len = 65")),
            ("has one of SIZE_MAX bytes", INVALID, format!("{first}.len = SIZE_MAX")),
            ("has one of SIZE_MAX / 2 + 1 bytes", INVALID, format!("{first}.len = SIZE_MAX / 2 + 1")),
            ("is given with all projects", INVALID, format!("{inside}->flags |= TOKENSTORE_ALL_PROJECTS")),
        ] {
            self.add_member(&format!("{what} {text}"), code, &change);
        }
    }

    fn keys(&mut self, at: &str) {
        let (none, other) = match self.function.name.as_str() {
            "tokenstore_create" => (OK, OK),
            "tokenstore_open" => (WRONG_KEY, WRONG_KEY),
            // A store in memory has no key.
            _ => (OK, INVALID),
        };
        self.add("there is no key", none, &format!("{at} = NULL"));
        self.add("there is another key", other, &format!("{at} = letters(32)"));
    }
}

/// The names of constants in a comment.
fn named(says: &str) -> Vec<String> {
    let words = says.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|word| word.starts_with("TOKENSTORE_")).map(str::to_owned).collect()
}
