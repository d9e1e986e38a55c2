//! What the tests of power cuts, damage and faults share. Each of them uses a part of it.
#![allow(dead_code)]

pub(crate) mod child;
pub(crate) mod choices;
pub(crate) mod cuts;
pub(crate) mod disk;
pub(crate) mod ends;
pub(crate) mod judge;
pub(crate) mod killed;
pub(crate) mod known;
pub(crate) mod life;
pub(crate) mod look;
pub(crate) mod past_us;
pub(crate) mod quiet;
pub(crate) mod random;
pub(crate) mod recorder;
pub(crate) mod sessions;
pub(crate) mod steps;
pub(crate) mod story;
pub(crate) mod world;

/// Writes an image to a file, and says where: for a failure that must be looked at.
pub(crate) fn keep(image: &disk::Image) -> String {
    static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("image-{}-{number}", std::process::id());
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    match std::fs::write(&path, image.bytes()) {
        Ok(()) => format!("the image is kept at {}", path.display()),
        Err(error) => format!("the image could not be kept: {error}"),
    }
}
