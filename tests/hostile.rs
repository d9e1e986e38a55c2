//! Wrong arguments, by the thousand: each call answers what the header says, and changes nothing.
//!
//! A call from C can be given anything, and one check that is missing is a crash in somebody's service, or a token
//! made by mistake. Nobody writes down all that can be wrong with forty functions; here it is worked out from the
//! header: each kind of parameter has a rule for what can be wrong with it and what is answered then
//! (`hostile/rules.rs`), and so has each kind of member (`hostile/structs.rs`); each name has its documented range
//! (`hostile/ranges.rs`). No answer is recorded from the library. The rules become a C program on `c/hostile.h`, in
//! which memory ends where it is said to end, and which looks after every call at what was written, what the store
//! holds, and whether a token still verifies.

#[path = "abi/declarations.rs"]
mod declarations;
#[path = "hostile/ranges.rs"]
mod ranges;
#[path = "hostile/rules.rs"]
mod rules;
#[path = "hostile/structs.rs"]
mod structs;
mod toolchain;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use declarations::{Function, Header, Variable};
use rules::{Kind, Row};
use toolchain::{compile, root};

#[test]
fn wrong_arguments_are_answered_as_documented_and_change_nothing() {
    // A place of its own and not one that goes: `.ci/sanitize` builds the program again, with other options.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    std::fs::create_dir_all(&folder).unwrap();
    let header = Header::read();
    let (source, program) = (folder.join("hostile.c"), folder.join("hostile"));
    std::fs::write(&source, self::program(&header)).unwrap();
    let include = format!("-I{}", root("tests/c").display());
    compile(
        "c99",
        &[source.to_str().unwrap()],
        &program,
        &["-O0", "-Wno-missing-field-initializers", &include],
    );

    // A shared store answers the same. It lies in a file, and is made anew after every call that changed something.
    for (arguments, least) in [(&[][..], 1_000), (&["quick", "shared"], 400)] {
        let ran = Command::new(&program).arg(&folder).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(
            ran.status.success(),
            "{arguments:?}: {}, the last row being {:?}\n{said}{}",
            ran.status,
            last_row(&folder),
            String::from_utf8_lossy(&ran.stderr)
        );
        write!(std::io::stdout(), "{said}").unwrap();
        let calls: usize = said.split(' ').nth(2).unwrap().parse().unwrap();
        assert!(calls >= least, "{calls} calls are too few to say anything");
        assert!(said.contains(&format!("of {} functions", header.functions.len())));
    }
}

/// Where the program was when it ended.
fn last_row(folder: &Path) -> String {
    let rows = std::fs::read_to_string(folder.join("rows.txt")).unwrap_or_default();
    rows.lines().last().unwrap_or_default().to_owned()
}

/// The smallest size of a growing struct: the frozen one.
fn first_size(name: &str) -> usize {
    let text = std::fs::read_to_string(root("tests/abi/first_sizes.txt")).unwrap();
    let found = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")).map(str::to_owned));
    found.unwrap_or_else(|| panic!("tests/abi/first_sizes.txt does not have {name}")).parse().unwrap()
}

/// The program: for every function its arguments, the right ones, the call, what it must have written, and its rows.
fn program(header: &Header) -> String {
    let mut program =
        String::from("/* Made by tests/hostile.rs from include/tokenstore.h. */\n#include \"hostile.h\"\n");
    let mut main = String::new();
    for function in &header.functions {
        let name = &function.name;
        if function.returns == "tokenstore_status" {
            write_calls(&mut program, header, function);
            writeln!(program, "static void {name}_rows(void) {{\n    offered = 0;").unwrap();
            for row in rules::rows(header, function) {
                write_row(&mut program, function, &row);
            }
            program.push_str("}\n");
        }
        writeln!(main, "    {name}_rows();").unwrap();
    }
    writeln!(program, "static void other_handles(void) {{").unwrap();
    for function in header.functions.iter().filter(|function| function.returns == "tokenstore_status") {
        for row in rules::other_handles(header, function) {
            write_row(&mut program, function, &row);
        }
    }
    let functions = header.functions.len();
    write!(
        program,
        "}}\nint main(int argc, char **argv) {{\n    start(argc, argv);\n{main}    other_handles();\n    \
         tokenstore_close(store_now, NULL);\n    if (wrong > 0) {{\n        \
         printf(\"%u of %u calls are not answered as documented\\n\", wrong, rows);\n        return 1;\n    }}\n    \
         printf(\"hostile calls: %u calls of {functions} functions, each answered as documented\\n\", rows);\n    \
         return 0;\n}}\n"
    )
    .unwrap();
    program
}

fn write_row(program: &mut String, function: &Function, row: &Row) {
    let Row { what, code, inside, change } = row;
    let inside = inside.map_or(String::new(), |code| format!("inside = {code}; "));
    let change = if change.is_empty() { "(void)0" } else { change };
    writeln!(program, "    ROW({}, {what:?}, {code}, {inside}{change});", function.name).unwrap();
}

/// The arguments of a function as a struct, and what is done with them.
fn write_calls(program: &mut String, header: &Header, function: &Function) {
    let Function { name, parameters, .. } = function;
    let (mut fields, mut numbers, mut good) = (String::new(), String::new(), String::new());
    let (mut before, mut outputs) = (String::new(), String::new());
    let counted = parameters.iter().any(|one| one.name == "count");
    let count = if counted { "a->count * " } else { "" };
    for (place, Variable { name: p, of, .. }) in parameters.iter().enumerate() {
        writeln!(fields, "    {of} {p};").unwrap();
        let right = || ranges::right(name, p);
        match rules::kind(header, function, place) {
            Kind::Handle => {
                let handle = of.trim_start_matches("const ").trim_end_matches([' ', '*']);
                writeln!(good, "    a->{p} = good_{handle}({});", i32::from(name.ends_with("_close")))
                    .unwrap();
            }
            Kind::Given(one) => writeln!(good, "    a->{p} = good_{}();", one.name).unwrap(),
            Kind::Grown(one) => {
                writeln!(fields, "    {} {p}_was;", one.name).unwrap();
                writeln!(good, "    a->{p} = block(sizeof *a->{p}, sizeof(void *), STALE);").unwrap();
                writeln!(good, "    a->{p}->struct_size = sizeof *a->{p};").unwrap();
                writeln!(before, "    if (writable(a->{p}, sizeof(void *))) a->{p}_was = *a->{p};").unwrap();
                for buffer in one.buffers() {
                    let room = format!("a->{p}->{buffer}_capacity");
                    writeln!(good, "    a->{p}->{buffer} = block({room} = PAIR_ROOM, 1, STALE);").unwrap();
                    writeln!(outputs, "    check_buffer_of(a->{p}, {buffer});").unwrap();
                }
                let given = one.given().last().map_or("struct_size", |last| &last.name);
                let given = format!("offsetof({0}, {given}) + sizeof a->{p}->{given}", one.name);
                writeln!(outputs, "    check_grown(a->{p}, {given}, sizeof *a->{p}, &a->{p}_was);").unwrap();
            }
            Kind::Result => {
                let target = of.trim_end_matches([' ', '*']);
                let align = format!("__alignof__({})", of.strip_suffix('*').unwrap().trim());
                writeln!(good, "    a->{p} = block({count}sizeof *a->{p}, {align}, STALE);").unwrap();
                outputs += &check_result(header, function, p, target, counted, &align);
            }
            Kind::Error => {
                writeln!(good, "    a->{p} = block(sizeof *a->{p}, sizeof(int32_t), STALE);").unwrap();
                writeln!(outputs, "    check_error(a->{p});").unwrap();
            }
            Kind::Path => {
                let file = if name == "tokenstore_create" { "made" } else { "there" };
                writeln!(good, "    a->{p} = file_named(\"{file}.store\");").unwrap();
            }
            Kind::Buffer => {
                let room = &parameters[place + 1].name;
                let size = match p.as_str() {
                    "value" => "TOKENSTORE_VALUE_BYTES",
                    "app_data" => "TOKENSTORE_APP_DATA_BYTES",
                    _ => "1024",
                };
                writeln!(good, "    a->{p} = block(a->{room} = {size}, 1, STALE);").unwrap();
                if p == "value" {
                    writeln!(outputs, "    check_value(a->{p}, a->{room});").unwrap();
                }
            }
            Kind::Values => {
                writeln!(good, "    a->{p} = block(a->count * TOKENSTORE_VALUE_BYTES, 1, STALE);").unwrap();
                writeln!(outputs, "    check_value(a->{p}, a->count * TOKENSTORE_VALUE_BYTES);").unwrap();
            }
            Kind::Length if p.ends_with("capacity") => {}
            Kind::Number | Kind::Length => writeln!(numbers, "    a->{p} = {};", right()).unwrap(),
            Kind::Bytes | Kind::Fixed | Kind::Many => writeln!(good, "    a->{p} = {};", right()).unwrap(),
        }
    }
    if let Some((_, adjusted)) = ranges::ADJUSTED.iter().find(|(function, _)| function == name) {
        writeln!(good, "    {adjusted};").unwrap();
    }
    let arguments: Vec<_> = parameters.iter().map(|one| format!("a->{}", one.name)).collect();
    write!(
        program,
        "\nstruct {name}_arguments {{\n{fields}}};\n\
         static void {name}_good(struct {name}_arguments *a) {{\n{numbers}{good}}}\n\
         static tokenstore_status {name}_made(struct {name}_arguments *a) {{\n{before}    return {name}({});\n}}\n\
         static void {name}_outputs(const struct {name}_arguments *a) {{\n    (void)a;\n{outputs}}}\n",
        arguments.join(", ")
    )
    .unwrap();
}

/// What must be so where a result goes.
fn check_result(
    header: &Header,
    function: &Function,
    p: &str,
    target: &str,
    counted: bool,
    align: &str,
) -> String {
    let line = if header.handles.iter().any(|handle| handle == target) {
        let close = match target {
            "tokenstore_store" => format!("tokenstore_close(*a->{p}, NULL)"),
            _ => format!("{target}_close(*a->{p})"),
        };
        format!("check_result(a->{p}, sizeof *a->{p}, {align});\n    if (answer == TOKENSTORE_OK) {close};")
    } else if target == "tokenstore_verdict" {
        format!("check_verdicts(a->{p});")
    } else if p == "statuses" {
        format!("check_statuses(a->{p});")
    } else if target == "size_t" && !counted {
        let capacity = function.parameters.iter().find(|one| one.name.ends_with("capacity")).unwrap();
        let buffer = capacity.name.strip_suffix("_capacity").unwrap_or("buffer");
        let room = format!("a->{buffer} == NULL ? 0 : a->{}", capacity.name);
        format!("check_length(a->{p}, {room}, {});", i32::from(p != "value_len" && p != "app_data_len"))
    } else {
        format!("check_result(a->{p}, sizeof *a->{p}, {align});")
    };
    // Of no elements, or of more than there can be, there is nothing to look at.
    let condition = if counted { "if (a->count == 1) " } else { "" };
    format!("    {condition}{line}\n")
}
