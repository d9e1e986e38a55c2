//! A store with tokens in it and their values, for processes that are given copies.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokenstore::{Created, NewToken, Options, TypePolicy};

use crate::{PREFIX, Result, Typical, Values};

/// The name of the tokens' type.
pub const TYPE_NAME: &str = "server";
/// How precisely uses are noted: so that noting them is no part of what is measured.
pub const USE_RESOLUTION: Duration = Duration::from_secs(24 * 60 * 60);

/// How many tokens one call makes.
const TURN: u32 = 65_536;
/// What a value has besides its prefix.
const TAIL_BYTES: usize = 37;

/// Files in a folder of their owner's alone.
pub struct Prepared {
    store: PathBuf,
    /// The values one behind the other, in random order.
    pub values: PathBuf,
    /// The number of each one's token, as 8 bytes of this machine's order.
    pub numbers: PathBuf,
}

impl Prepared {
    /// Makes so many tokens.
    ///
    /// # Errors
    /// If they or the files cannot be made.
    pub fn new(tokens: u32, folder: &Path) -> Result<Prepared> {
        let path = folder.join("tokens.store");
        let store = Options::new().create(&path)?;
        let type_id = store.declare(&TypePolicy::new(TYPE_NAME, PREFIX))?;
        let mut values = Values::new(tokens, PREFIX.len() + TAIL_BYTES);
        for first in (0..tokens).step_by(TURN as usize) {
            let numbers = first..(first + TURN).min(tokens);
            let new: Vec<NewToken> = numbers
                .clone()
                .map(|number| Typical::new(number.into(), tokens.into()).to_new_token(type_id))
                .collect();
            let made: Vec<Created> =
                store.create_many(&new).into_iter().collect::<tokenstore::Result<_>>()?;
            for (number, created) in numbers.zip(&made) {
                values.put(number as usize, created.value.as_bytes());
            }
        }
        store.close()?;

        let (mut bytes, mut numbers) = (Vec::new(), Vec::new());
        for (value, number) in values.all().iter() {
            bytes.extend_from_slice(value);
            numbers.extend_from_slice(&number.to_ne_bytes());
        }
        Ok(Prepared {
            store: path,
            values: secret_file(folder, "values", &bytes)?,
            numbers: secret_file(folder, "numbers", &numbers)?,
        })
    }

    /// A copy of the store, named for who is to have it.
    ///
    /// # Errors
    /// If it cannot be copied.
    pub fn store_for(&self, name: &str) -> Result<PathBuf> {
        let copy = self.store.with_file_name(format!("{name}.store"));
        fs::copy(&self.store, &copy)?;
        Ok(copy)
    }
}

fn secret_file(folder: &Path, name: &str, contents: &[u8]) -> Result<PathBuf> {
    let path = folder.join(name);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(contents)?;
    Ok(path)
}
