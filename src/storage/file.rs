//! A store's file: made whole under another name before it gets its own, opened without surprises.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::backends::FileBackend;

use super::disk::Disk;
use super::redb::{create_on, open_on};
use super::{How, Opened, OpenedBy, header, holders};
use crate::board::Board;
use crate::error::{Error, ErrorKind, Result};
use crate::record::Head;
use crate::sys::{self, ParentOnly};
use crate::value::fill_random;

/// Only the owner reads and writes a store.
const MODE: u32 = 0o600;

/// Makes a new store at `path` whose head is `head`. It is there whole or not at all.
///
/// # Errors
/// AlreadyExists if anything is at `path`; Unsupported if it is to be shared and could not be.
pub(crate) fn create_file(
    path: &Path,
    caller_key: Option<&[u8; 32]>,
    head: &Head,
    shared: bool,
) -> Result<()> {
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
    let made = backend(file).and_then(|disk| create_on(&disk, caller_key, head));
    let shareable = || if shared { map_page(&temporary, &open(&temporary)?).map(drop) } else { Ok(()) };
    let made = made.and_then(|()| shareable()).and_then(|()| {
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
pub(crate) fn open_file(path: &Path, how: &How<'_>) -> Result<Opened> {
    let preparing = |error| Error::io("preparing for fork", &error);
    let (file, parent_only) = ParentOnly::open(|| open(path)).map_err(preparing)??;
    let about = file.metadata().map_err(|error| Error::io("looking at the store", &error))?;
    let (what, id) = (about.file_type(), (about.dev(), about.ino()));
    if let OpenedBy::Parent(parent) = how.key
        && parent.file != id
    {
        return Err(Error::new(ErrorKind::Io, "another file is at the path of the parent's store by now"));
    }
    if !what.is_file() {
        let named = if what.is_fifo() { "a pipe" } else { "no regular file" };
        return Err(Error::corrupt(format!("the store's path is {named}")));
    }
    let page = match how.shared {
        Some(_) => Some(map_page(path, &file)?),
        None => None,
    };
    let disk = (how.wrap)(backend(file)?);
    let opened = open_on(&disk, Some(parent_only), page, how);
    opened
        .map(|opened| Opened { file: Some(id), ..opened })
        .map_err(|error| holders::name_holder(&disk, path, error))
}

fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(path).map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => Error::io("the store's path is a symbolic link", &error),
        _ => Error::io("opening the store", &error),
    })
}

/// Maps the page that all who share a store look at, by a descriptor of its own: a child process keeps its parent's
/// mappings, and with them what they were made of, but must not keep the locks on it.
#[cfg(target_os = "linux")]
fn map_page(path: &Path, file: &File) -> Result<Board> {
    let looking = |error| Error::io("looking at the store", &error);
    if let Some(name) = sys::network_file_system(file).map_err(looking)? {
        let message =
            format!("a store on {name} cannot be shared: other machines do not see the same memory");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let again = open(path)?;
    let (one, other) = (file.metadata().map_err(looking)?, again.metadata().map_err(looking)?);
    if (one.dev(), one.ino()) != (other.dev(), other.ino()) {
        return Err(Error::new(ErrorKind::Io, "the store's file was replaced while it was opened"));
    }
    let words = sys::Words::of_first_page(&again, header::BOARD_AT);
    words.map(Board::new).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => Error::corrupt("the file is too short to be a store"),
        _ => Error::io("mapping the store's first page", &error).with_kind(ErrorKind::Unsupported),
    })
}

#[cfg(not(target_os = "linux"))]
fn map_page(_path: &Path, _file: &File) -> Result<Board> {
    Err(Error::new(ErrorKind::Unsupported, "stores are shared on Linux only"))
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
