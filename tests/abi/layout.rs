//! How structs lie in memory, as a C program prints it, and what of it a later version may change.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::declarations::Header;

/// What a program printed.
#[derive(Clone)]
pub(crate) struct Layouts {
    pub(crate) structs: BTreeMap<String, Layout>,
    constants: BTreeMap<String, i128>,
}

/// One struct.
#[derive(Clone)]
pub(crate) struct Layout {
    pub(crate) size: u64,
    align: u64,
    /// Name, offset and size, in the order of the header.
    members: Vec<(String, u64, u64)>,
}

/// A program, C and C++ alike, that prints the layout of every struct, and every constant.
pub(crate) fn program(header: &Header) -> String {
    let mut program = String::from(
        "#include \"tokenstore.h\"\n#include <stdio.h>\n#define U(number) ((unsigned long)(number))\n\
         int main(void) {\n",
    );
    for one in &header.structs {
        let name = &one.name;
        writeln!(
            program,
            "    printf(\"struct {name}: size %lu, align %lu\\n\", U(sizeof({name})), U(__alignof__({name})));"
        )
        .unwrap();
        for member in &one.members {
            let member = &member.name;
            writeln!(
                program,
                "    printf(\"    {member}: offset %lu, size %lu\\n\", U(offsetof({name}, {member})), \
                 U(sizeof((({name} *)0)->{member})));"
            )
            .unwrap();
        }
    }
    for constant in &header.constants {
        let name = &constant.name;
        // What is no signed number in C is printed as what it is.
        let (form, of) = match i64::try_from(constant.value) {
            Ok(_) => ("%ld", "long"),
            Err(_) => ("%lu", "unsigned long"),
        };
        writeln!(program, "    printf(\"{name} = {form}\\n\", ({of})({name}));").unwrap();
    }
    program + "    return 0;\n}\n"
}

impl Layouts {
    pub(crate) fn parse(printed: &str) -> Layouts {
        let mut layouts = Layouts { structs: BTreeMap::new(), constants: BTreeMap::new() };
        let mut last = String::new();
        for line in printed.lines() {
            if let Some((name, value)) = line.split_once(" = ") {
                layouts.constants.insert(name.to_owned(), value.parse().unwrap());
            } else if let Some(one) = line.strip_prefix("struct ") {
                let (name, size, align) = numbers(one);
                last.clone_from(&name);
                layouts.structs.insert(name, Layout { size, align, members: Vec::new() });
            } else {
                layouts.structs.get_mut(&last).unwrap().members.push(numbers(line.trim()));
            }
        }
        layouts
    }
}

/// `data: offset 0, size 8`.
fn numbers(line: &str) -> (String, u64, u64) {
    let (name, rest) = line.split_once(": ").unwrap();
    let mut numbers = rest.split([' ', ',']).filter_map(|word| word.parse().ok());
    (name.to_owned(), numbers.next().unwrap(), numbers.next().unwrap())
}

/// What breaks a program that was compiled when `then` was true, and what is only new.
pub(crate) fn compare(then: &Layouts, now: &Layouts) -> (Vec<String>, Vec<String>) {
    let (mut broken, mut new) = (Vec::new(), Vec::new());
    for (name, was) in &then.structs {
        match now.structs.get(name) {
            Some(is) => compare_struct(name, was, is, &mut broken, &mut new),
            None => broken.push(format!("{name} is gone")),
        }
    }
    new.extend(
        now.structs
            .keys()
            .filter(|name| !then.structs.contains_key(*name))
            .map(|name| format!("struct {name}")),
    );
    for (name, was) in &then.constants {
        match now.constants.get(name) {
            Some(is) if is == was || may_change(name) => {}
            Some(is) => broken.push(format!("{name} was {was} and is {is}")),
            None => broken.push(format!("{name} is gone")),
        }
    }
    for (name, is) in &now.constants {
        if then.constants.get(name) != Some(is) {
            new.push(format!("{name} = {is}"));
        }
    }
    (broken, new)
}

/// The version is a constant that is meant to change.
fn may_change(name: &str) -> bool {
    name.starts_with("TOKENSTORE_VERSION_")
}

fn compare_struct(name: &str, was: &Layout, is: &Layout, broken: &mut Vec<String>, new: &mut Vec<String>) {
    let grows = was.members.first().is_some_and(|(first, ..)| first == "struct_size");
    if is.size < was.size {
        broken.push(format!("{name} shrank from {} to {} bytes", was.size, is.size));
    } else if is.size > was.size && !grows {
        broken.push(format!("{name} has no struct_size and grew from {} to {} bytes", was.size, is.size));
    }
    if is.align != was.align {
        broken.push(format!("{name} was aligned to {} and is to {}", was.align, is.align));
    }
    for (member, offset, size) in &was.members {
        match is.members.iter().find(|(other, ..)| other == member) {
            Some((_, to, _)) if to != offset => {
                broken.push(format!("{name}.{member} moved from offset {offset} to {to}"));
            }
            Some((.., to)) if to != size => {
                broken.push(format!("{name}.{member} was {size} bytes and is {to}"));
            }
            Some(_) => {}
            None => broken.push(format!("{name}.{member} is gone")),
        }
    }
    for (member, offset, _) in &is.members {
        if was.members.iter().all(|(other, ..)| other != member) {
            if *offset < was.size {
                broken.push(format!(
                    "{name}.{member} is new and not at the end: programs of before have it unset"
                ));
            } else {
                new.push(format!("{name}.{member} at offset {offset}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layouts() -> Layouts {
        Layouts::parse(
            "struct growing: size 16, align 8\n    struct_size: offset 0, size 8\n    flags: offset 8, size 4\n\
             struct frozen: size 8, align 8\n    word: offset 0, size 8\nCODE = 5\nTOKENSTORE_VERSION_PATCH = 1\n",
        )
    }

    fn after(change: impl FnOnce(&mut Layouts)) -> (Vec<String>, Vec<String>) {
        let mut now = layouts();
        change(&mut now);
        compare(&layouts(), &now)
    }

    fn member(layouts: &mut Layouts, one: &str, member: (&str, u64, u64), size: u64) {
        let layout = layouts.structs.get_mut(one).unwrap();
        layout.members.push((member.0.to_owned(), member.1, member.2));
        layout.size = size;
    }

    #[test]
    fn what_is_added_at_the_end_is_new_and_breaks_nothing() {
        assert_eq!(after(|_| ()), (vec![], vec![]));
        let (broken, new) = after(|now| {
            member(now, "growing", ("later", 16, 8), 24);
            now.constants.insert("OTHER".into(), 6);
            now.constants.insert("TOKENSTORE_VERSION_PATCH".into(), 2);
        });
        assert_eq!(broken, Vec::<String>::new());
        assert_eq!(new, ["growing.later at offset 16", "OTHER = 6", "TOKENSTORE_VERSION_PATCH = 2"]);
    }

    #[test]
    fn what_programs_were_compiled_with_may_not_change() {
        let broken = |change: fn(&mut Layouts)| after(change).0.join("; ");
        assert_eq!(
            broken(|now| now.structs.get_mut("growing").unwrap().members[1].1 = 12),
            "growing.flags moved from offset 8 to 12"
        );
        assert_eq!(
            broken(|now| now.structs.get_mut("growing").unwrap().members[1].2 = 8),
            "growing.flags was 4 bytes and is 8"
        );
        assert_eq!(
            broken(|now| drop(now.structs.get_mut("growing").unwrap().members.pop())),
            "growing.flags is gone"
        );
        assert!(broken(|now| now.structs.get_mut("growing").unwrap().size = 8).contains("shrank"));
        assert!(broken(|now| now.structs.get_mut("frozen").unwrap().align = 4).contains("aligned"));
        assert!(broken(|now| member(now, "growing", ("pad", 12, 4), 16)).contains("not at the end"));
        assert!(broken(|now| member(now, "frozen", ("more", 8, 8), 16)).contains("has no struct_size"));
        assert!(broken(|now| drop(now.structs.remove("frozen"))).contains("frozen is gone"));
        assert!(broken(|now| now.constants.extend([("CODE".into(), 7)])).contains("CODE was 5 and is 7"));
        assert!(broken(|now| now.constants.retain(|name, _| name != "CODE")).contains("CODE is gone"));
    }
}
