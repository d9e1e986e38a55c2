//! Panics that a test waits for: caught, kept, and not printed by the thousand.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// While a thread is quiet, its last panic; None while it is not.
    static QUIET: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `run`. A panic that comes out of it is an error that says where it was; panics that are caught within are
/// not printed.
pub(crate) fn quietly<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let kept = QUIET.with(|quiet| {
                let mut quiet = quiet.borrow_mut();
                quiet.as_mut().map(|last| *last = panic.to_string()).is_some()
            });
            if !kept {
                loud(panic);
            }
        }));
    });
    let before = QUIET.replace(Some(String::new()));
    let ran = catch_unwind(AssertUnwindSafe(run));
    let last = QUIET.replace(before).unwrap_or_default();
    ran.map_err(|_| format!("a panic came out: {last}"))
}
