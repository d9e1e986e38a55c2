//! A store's file: made whole under another name before it gets its own, opened without surprises.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::backends::FileBackend;

use super::Opened;
use super::disk::Disk;
use super::redb::{create_on, open_on};
use crate::error::{Error, ErrorKind, Result};
use crate::record::Head;
use crate::sys::{self, ParentOnly};
use crate::value::fill_random;

/// Only the owner reads and writes a store.
const MODE: u32 = 0o600;

/// Makes a new store at `path` whose head is `head`. It is there whole or not at all.
///
/// # Errors
/// AlreadyExists if anything is at `path`.
pub(crate) fn create_file(path: &Path, caller_key: Option<&[u8; 32]>, head: &Head) -> Result<()> {
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(Error::new(ErrorKind::AlreadyExists, "there is a file at this path"));
    }
    let (folder, temporary) = temporary_name(path)?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(MODE)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&temporary)
        .map_err(|error| Error::io("creating the store", &error))?;
    let made = backend(file).and_then(|disk| create_on(&disk, caller_key, head)).and_then(|()| {
        sys::rename_noreplace(&temporary, path).map_err(|error| {
            let kind = if error.kind() == io::ErrorKind::AlreadyExists {
                ErrorKind::AlreadyExists
            } else {
                ErrorKind::Io
            };
            Error::io("giving the store its name", &error).with_kind(kind)
        })
    });
    if made.is_err() {
        // The error that matters is the first; what is left behind is an unreachable file.
        let _left_behind = std::fs::remove_file(&temporary);
        return made;
    }
    File::open(&folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| Error::io("syncing the store's folder", &error))
}

/// Opens the store at `path`.
pub(crate) fn open_file(path: &Path, caller_key: Option<&[u8; 32]>, cache_bytes: usize) -> Result<Opened> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP) => Error::io("the store's path is a symbolic link", &error),
            _ => Error::io("opening the store", &error),
        })?;
    let what = file.metadata().map_err(|error| Error::io("looking at the store", &error))?.file_type();
    if !what.is_file() {
        let named = if what.is_fifo() { "a pipe" } else { "no regular file" };
        return Err(Error::corrupt(format!("the store's path is {named}")));
    }
    let parent_only = ParentOnly::new(&file).map_err(|error| Error::io("preparing for fork", &error))?;
    open_on(&backend(file)?, Some(parent_only), caller_key, cache_bytes)
}

fn backend(file: File) -> Result<Disk> {
    let backend = FileBackend::new(file)
        .map_err(|error| Error::new(ErrorKind::Io, format!("opening the store: {error}")))?;
    Ok(Arc::new(backend))
}

/// The folder of `path`, and a name in it that nobody has.
fn temporary_name(path: &Path) -> Result<(PathBuf, PathBuf)> {
    let name = path.file_name().ok_or_else(|| Error::invalid("the path names no file"))?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut random = [0; 8];
    fill_random(&mut random)?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{:016x}.new", u64::from_le_bytes(random)));
    Ok((folder.to_path_buf(), folder.join(temporary)))
}
