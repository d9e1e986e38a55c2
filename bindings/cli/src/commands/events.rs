//! `tokenstore events`: what was changed, when, by whom, and why.

use clap::Args;
use serde::Serialize;
use tokenstore::{Event, EventDetail, Store};

use crate::failure::{Answer, Failure};
use crate::output::{Output, Row};
use crate::text::{Bytes, time_text};

/// The most events that a store hands out at a time.
const PAGE: usize = 1_000;

/// Show what was changed, when, by whom, and why
///
/// In the order in which it happened. The subject is a token, a family or a type. The log keeps the last 65,536 events;
/// none of them holds a value.
#[derive(Args)]
pub(crate) struct EventsArgs {
    /// Only those behind the one of this number
    #[arg(long, value_name = "N", default_value_t = 0)]
    after: u64,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Serialize)]
struct EventRow<'a> {
    sequence: u64,
    at: String,
    kind: &'static str,
    id: Option<String>,
    #[serde(rename = "type")]
    type_name: Option<&'a str>,
    by: &'a str,
    reason: &'a str,
    detail: Option<DetailRow<'a>>,
}

/// What else is to be said of some kinds.
#[derive(Serialize)]
#[serde(untagged)]
enum DetailRow<'a> {
    /// Of `reused`: how many generations back the value lay, and its age in seconds.
    Reuse { distance: u32, age: f64 },
    /// Of `owner_revoked`.
    Owner { owner: Bytes<'a> },
    /// Of `pruned`: how many tokens.
    Pruned { tokens: u64 },
}

impl<'a> DetailRow<'a> {
    /// `None` for what a later version of the library may tell.
    fn new(detail: &'a EventDetail) -> Option<DetailRow<'a>> {
        Some(match detail {
            EventDetail::Reuse { distance, age } => {
                DetailRow::Reuse { distance: *distance, age: age.as_secs_f64() }
            }
            EventDetail::Owner(owner) => DetailRow::Owner { owner: Bytes(owner) },
            EventDetail::Pruned(tokens) => DetailRow::Pruned { tokens: *tokens },
            _ => return None,
        })
    }

    fn text(&self) -> String {
        match self {
            DetailRow::Reuse { distance, age } => format!("{distance} back, replaced {age} s before"),
            DetailRow::Owner { owner } => owner.text(),
            DetailRow::Pruned { tokens } => format!("tokens: {tokens}"),
        }
    }
}

impl<'a> EventRow<'a> {
    fn new(store: &'a Store, event: &'a Event) -> EventRow<'a> {
        let policy = event.type_id.and_then(|type_id| store.policy(type_id));
        EventRow {
            sequence: event.sequence,
            at: time_text(event.at),
            kind: event.kind.name(),
            id: event.id.map(|id| id.to_string()),
            type_name: policy.map(|policy| policy.name()),
            by: &event.by,
            reason: &event.reason,
            detail: event.detail.as_ref().and_then(DetailRow::new),
        }
    }
}

impl Row for EventRow<'_> {
    const COLUMNS: &'static [&'static str] = &["NUMBER", "AT", "EVENT", "SUBJECT", "BY", "REASON", "DETAIL"];

    fn cells(&self) -> Vec<String> {
        let or_dash = |text: &str| if text.is_empty() { "-" } else { text }.to_owned();
        vec![
            self.sequence.to_string(),
            self.at.clone(),
            self.kind.to_owned(),
            or_dash(self.id.as_deref().or(self.type_name).unwrap_or("")),
            or_dash(self.by),
            or_dash(self.reason),
            or_dash(&self.detail.as_ref().map(DetailRow::text).unwrap_or_default()),
        ]
    }
}

pub(crate) fn run(store: &Store, args: &EventsArgs, output: &Output) -> Result<Answer, Failure> {
    let (mut after, mut left) = (args.after, args.limit.unwrap_or(usize::MAX));
    let mut table = output.table::<EventRow<'_>>()?;
    while left > 0 {
        let events = store.events(after, left.min(PAGE))?;
        let Some(last) = events.last() else { break };
        after = last.sequence;
        left -= events.len();
        for event in &events {
            table.row(&EventRow::new(store, event))?;
        }
    }
    table.finish()?;
    Ok(Answer::Yes)
}
