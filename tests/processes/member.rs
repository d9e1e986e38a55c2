//! What a process does that was started for these tests: opens the store, then carries out orders until there are no
//! more.

use std::io::BufRead as _;
use std::time::Instant;

use tokenstore::Store;

use super::child::say;
use super::opening::Opening;
use super::orders;
use super::probe::{Probe, Trigger};
use super::{forks, free};

/// Says how opening went, then carries out each line of the input and says how that went.
pub(crate) fn live(task: &str) {
    let opening = Opening::of_task(task);
    let probe = Probe::default();
    forks::end_children_at(&opening.path);
    probe.arm(opening.trigger);
    let start = Instant::now();
    let store = match opening.open(&probe) {
        Ok(store) => store,
        Err(error) => return reply(start, &orders::error(&error)),
    };
    reply(start, "ok");
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let words: Vec<&str> = line.split(' ').collect();
        let start = Instant::now();
        let text = obey(&store, &probe, &words);
        reply(start, &text);
        if words == ["close"] {
            return;
        }
    }
}

fn obey(store: &Store, probe: &Probe, words: &[&str]) -> String {
    match words {
        ["arm", trigger] => {
            probe.arm(Trigger::of_text(trigger));
            "ok".into()
        }
        ["operations"] => format!("ok {}", probe.operations().join(" ")),
        ["free-prepare", rest @ ..] => free::prepare(store, rest),
        ["free-writer", rest @ ..] => free::write(store, rest),
        ["free-verifier", rest @ ..] => free::verify(store, rest),
        ["fork", rest @ ..] => forks::in_a_child(store, rest),
        _ => orders::carry_out(store, words),
    }
}

fn reply(start: Instant, text: &str) {
    say(&format!("{} {text}", start.elapsed().as_micros()));
}
