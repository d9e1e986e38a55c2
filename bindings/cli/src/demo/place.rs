//! Where the demo's store lies, and its key.

use std::fmt::Display;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// A path for the store. A temporary one goes with all that is in it when this is dropped.
pub(super) struct Place {
    store: String,
    key: Box<Zeroizing<[u8; 32]>>,
    _folder: Option<TempDir>,
}

impl Place {
    /// The path given, with a new key beside it, or one in a temporary folder.
    pub(super) fn new(keep: Option<&Path>) -> Result<Place, Failure> {
        let mut key = Box::new(Zeroizing::new([0; 32]));
        getrandom::fill(&mut key[..]).map_err(|error| trouble("no random bytes for a key", &error))?;
        let Some(path) = keep else {
            let folder = tempfile::tempdir().map_err(|error| trouble("no temporary folder", &error))?;
            let store = folder.path().join("demo.store").display().to_string();
            return Ok(Place { store, key, _folder: Some(folder) });
        };
        let store = path.to_str().ok_or_else(|| Failure::Usage("--keep takes a path in UTF-8".to_owned()))?;
        let place = Place { store: store.to_owned(), key, _folder: None };
        // Before the key is written: what is at either path already is somebody's, and stays.
        if fs::symlink_metadata(path).is_ok() {
            return Err(Failure::Usage("there is something at the path to keep already".to_owned()));
        }
        place.write_key().map_err(|error| trouble("the key cannot be written beside the store", &error))?;
        Ok(place)
    }

    pub(super) fn store(&self) -> &str {
        &self.store
    }

    pub(super) fn key(&self) -> &[u8; 32] {
        &self.key
    }

    pub(super) fn key_file(&self) -> String {
        format!("{}.key", self.store)
    }

    fn write_key(&self) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.key_file())?;
        file.write_all(&self.key[..])
    }
}

fn trouble(what: &str, error: &dyn Display) -> Failure {
    Failure::Trouble(format!("{what}: {error}"))
}
