//! What the header declares: constants, structs and functions, with what it says about each.
//!
//! It reads the one form that the header is generated in, and panics at any other, so that nothing is passed over.

// Each test program uses a part of it.
#![allow(dead_code)]

/// Everything that a header declares.
pub(crate) struct Header {
    pub(crate) constants: Vec<Constant>,
    pub(crate) structs: Vec<Struct>,
    /// Structs whose members are the library's own.
    pub(crate) handles: Vec<String>,
    pub(crate) functions: Vec<Function>,
    /// Functions that are declared more than once.
    pub(crate) repeated: Vec<String>,
}

/// A `#define` of a number.
pub(crate) struct Constant {
    pub(crate) name: String,
    pub(crate) value: i128,
    pub(crate) says: String,
}

/// A struct with its members in their order.
pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) members: Vec<Variable>,
}

/// A function with its parameters in their order.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) returns: String,
    pub(crate) parameters: Vec<Variable>,
    pub(crate) says: String,
}

/// A member or a parameter. The type is written without `struct`, and an array as `uint8_t [16]`.
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) of: String,
    pub(crate) says: String,
}

impl Header {
    /// The committed header.
    pub(crate) fn read() -> Header {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("include/tokenstore.h");
        Header::parse(&std::fs::read_to_string(path).unwrap())
    }

    fn parse(text: &str) -> Header {
        let mut header = Header {
            constants: Vec::new(),
            structs: Vec::new(),
            handles: Vec::new(),
            functions: Vec::new(),
            repeated: Vec::new(),
        };
        let mut says = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line.trim_start().starts_with("/**") {
                says = comment(&mut lines);
            } else if line.starts_with("/*") && !line.contains("*/") {
                lines.by_ref().find(|line| line.contains("*/")).unwrap();
            } else if let Some(define) = line.strip_prefix("#define TOKENSTORE_") {
                let number = |text: &str| text.strip_suffix("ull").unwrap_or(text).parse();
                if let Some((name, Ok(value))) =
                    define.split_once(' ').map(|(name, value)| (name, number(value)))
                {
                    let name = format!("TOKENSTORE_{name}");
                    header.constants.push(Constant { name, value, says: std::mem::take(&mut says) });
                } else {
                    let is_number = define.contains(' ') && define.ends_with(|c: char| c.is_alphanumeric());
                    assert!(!is_number, "the header has a constant in another form: {line}");
                }
            } else if let Some(begun) = line.strip_prefix("typedef struct ") {
                match begun.strip_suffix(" {") {
                    Some(name) => {
                        header
                            .structs
                            .push(Struct { name: name.to_owned(), members: members(&mut lines, name) });
                    }
                    None => header.handles.push(begun.split(' ').next().unwrap().to_owned()),
                }
                says.clear();
            } else if line.contains(" tokenstore_") || line.contains(" *tokenstore_") {
                if line.starts_with("typedef") {
                    continue;
                }
                let mut prototype = line.to_owned();
                while !prototype.ends_with(");") {
                    prototype += " ";
                    prototype += lines.next().unwrap().trim();
                }
                let function = function(&prototype, std::mem::take(&mut says));
                match header.functions.iter().any(|other| other.name == function.name) {
                    true => header.repeated.push(function.name),
                    false => header.functions.push(function),
                }
            }
        }
        let named = text.matches("\nTOKENSTORE_API\n").count();
        assert_eq!(
            header.functions.len() + header.repeated.len(),
            named,
            "the header has a function in another form"
        );
        header
    }

    /// The struct of this name, if it is one with members.
    pub(crate) fn find(&self, name: &str) -> Option<&Struct> {
        self.structs.iter().find(|one| one.name == name)
    }

    /// The constant of this name.
    pub(crate) fn constant(&self, name: &str) -> i64 {
        let found = self.constants.iter().find(|one| one.name == name);
        i64::try_from(found.unwrap_or_else(|| panic!("the header has no {name}")).value).unwrap()
    }
}

impl Struct {
    /// Whether it begins with its size, and so may grow.
    pub(crate) fn grows(&self) -> bool {
        self.members[0].name == "struct_size"
    }

    /// The members that a caller sets before the struct is written.
    pub(crate) fn given(&self) -> impl Iterator<Item = &Variable> {
        self.members.iter().filter(|one| one.says.ends_with("set it before the call."))
    }

    /// Those of them that are buffers; each has its capacity behind it.
    pub(crate) fn buffers(&self) -> impl Iterator<Item = &str> {
        self.given().filter(|one| one.of == "uint8_t *").map(|one| one.name.as_str())
    }
}

/// What a comment says, in one line.
fn comment<'a>(lines: &mut impl Iterator<Item = &'a str>) -> String {
    let inside = lines.map(str::trim).take_while(|line| *line != "*/");
    inside.map(|line| line.trim_start_matches('*').trim()).collect::<Vec<_>>().join(" ")
}

fn members<'a>(lines: &mut impl Iterator<Item = &'a str>, name: &str) -> Vec<Variable> {
    let mut members = Vec::new();
    let mut says = String::new();
    while let Some(line) = lines.next() {
        match line.trim() {
            "/**" => says = comment(lines),
            end if end.starts_with('}') => {
                assert_eq!(end, format!("}} {name};"));
                return members;
            }
            member => members.push(variable(member.strip_suffix(';').unwrap(), std::mem::take(&mut says))),
        }
    }
    panic!("{name} does not end")
}

fn function(prototype: &str, says: String) -> Function {
    let (head, parameters) = prototype.strip_suffix(");").unwrap().split_once('(').unwrap();
    let Variable { name, of: returns, .. } = variable(head, String::new());
    let parameters = match parameters {
        "void" => Vec::new(),
        several => several.split(',').map(|one| variable(one.trim(), String::new())).collect(),
    };
    Function { name, returns, parameters, says }
}

/// `const struct tokenstore_store *store` is the name `store` and the type `const tokenstore_store *`.
fn variable(declared: &str, says: String) -> Variable {
    let (declared, array) = match declared.split_once('[') {
        Some((declared, length)) => (declared, format!(" [{length}")),
        None => (declared, String::new()),
    };
    let start = declared.rfind([' ', '*']).unwrap() + 1;
    let of = declared[..start].trim().replace("struct ", "");
    Variable { name: declared[start..].to_owned(), of: of + &array, says }
}
