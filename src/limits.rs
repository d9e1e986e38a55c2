//! What is too long, too short, or no text.

use crate::error::{Error, Result};

/// The longest owner, in bytes.
pub const MAX_OWNER_BYTES: usize = 255;
/// The longest project, in bytes.
pub const MAX_PROJECT_BYTES: usize = 64;
/// How many projects a token can be granted one by one.
pub const MAX_PROJECTS: usize = 1_000;
/// The longest name, reason or actor, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 255;
/// The longest binding, in bytes.
pub const MAX_BINDING_BYTES: usize = 255;
/// The longest `app_data`, in bytes.
pub const MAX_APP_DATA_BYTES: usize = 4_096;

pub(crate) fn check_owner(owner: &[u8]) -> Result<()> {
    match owner.len() {
        1..=MAX_OWNER_BYTES => Ok(()),
        _ => Err(Error::invalid("an owner has 1 to 255 bytes")),
    }
}

pub(crate) fn check_project(project: &[u8]) -> Result<()> {
    match project.len() {
        1..=MAX_PROJECT_BYTES => Ok(()),
        _ => Err(Error::invalid("a project has 1 to 64 bytes")),
    }
}

pub(crate) fn check_binding(binding: &[u8]) -> Result<()> {
    match binding.len() {
        1..=MAX_BINDING_BYTES => Ok(()),
        _ => Err(Error::invalid("a binding has 1 to 255 bytes")),
    }
}

pub(crate) fn check_app_data(data: &[u8]) -> Result<()> {
    match data.len() {
        0..=MAX_APP_DATA_BYTES => Ok(()),
        _ => Err(Error::invalid("app_data has at most 4,096 bytes")),
    }
}

pub(crate) fn check_text(what: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::invalid(format!("{what} has 1 to 255 bytes")));
    }
    check_optional_text(what, text)
}

pub(crate) fn check_optional_text(what: &str, text: &str) -> Result<()> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Error::invalid(format!("{what} has at most 255 bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(format!("{what} has no control characters")));
    }
    Ok(())
}
