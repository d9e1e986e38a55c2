//! The store that a command is asked of. It is opened beside whoever else has it open, unless the line says otherwise:
//! the command is a guest, and a service that has the store open shared goes on meanwhile.

use std::path::Path;

use tokenstore::{Error, ErrorKind, Options, Store};

use crate::args::Global;
use crate::failure::Failure;
use crate::file::read_key;

/// Opens the store that the line names.
pub(super) fn open(global: &Global) -> Result<Store, Failure> {
    let path = path(global)?;
    options(global)?.open(path).map_err(|error| failure(error, global.exclusive))
}

/// Makes it, and opens it.
pub(super) fn create(global: &Global) -> Result<Store, Failure> {
    let path = path(global)?;
    options(global)?.create(path).map_err(|error| failure(error, global.exclusive))
}

pub(super) fn path(global: &Global) -> Result<&Path, Failure> {
    let missing = || Failure::Usage("which store? --store PATH says so".to_owned());
    global.store.as_deref().ok_or_else(missing)
}

fn options(global: &Global) -> Result<Options, Failure> {
    if global.shared && global.exclusive {
        return Err(Failure::Usage("--shared and --exclusive cannot both be had".to_owned()));
    }
    let options = Options::new().shared(!global.exclusive);
    let Some(path) = &global.key_file else { return Ok(options) };
    Ok(options.key(&*read_key(path)?))
}

/// What went wrong, and what to do about it.
fn failure(error: Error, exclusive: bool) -> Failure {
    let advice = match (error.kind(), exclusive) {
        (ErrorKind::Locked, false) => {
            "whoever has it exclusively must close it first, or open it shared, which lets this command in beside"
        }
        (ErrorKind::Locked, true) => {
            "without --exclusive, this command works beside whoever has it open shared"
        }
        (ErrorKind::Unsupported, false) => {
            "where a store cannot be shared, --exclusive opens it for this command alone"
        }
        _ => return Failure::Store(error),
    };
    Failure::Opening(error, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network file system, another system: whoever reads it must learn that there is another way.
    #[test]
    fn what_cannot_be_shared_can_be_had_exclusively() {
        let store = Options::new().in_memory().expect("a store");
        let unsupported = || store.change_key(None).expect_err("a store in memory has no key");
        assert_eq!(unsupported().kind(), ErrorKind::Unsupported);
        let advised = failure(unsupported(), false);
        assert!(matches!(&advised, Failure::Opening(_, advice) if advice.contains("--exclusive opens it")));
        // Nor is anything else promised to whoever asked for that already.
        assert!(matches!(failure(unsupported(), true), Failure::Store(_)));
    }
}
