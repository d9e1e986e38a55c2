//! What an operation answered: a name in capitals, and fields.

use std::collections::BTreeMap;
use std::fmt;

use tokenstore::{Change, Error};

use super::cells::{Call, Cell, On};
use super::scenario::Expected;
use super::text::{capitals, expand};

/// How much of a field a report shows.
const LONGEST_SHOWN: usize = 120;

/// An answer, and the cells of the table that it stands in.
pub(crate) struct Answer {
    pub(crate) result: String,
    fields: BTreeMap<&'static str, String>,
    pub(crate) cells: Vec<Cell>,
}

impl Answer {
    pub(crate) fn new(result: impl Into<String>) -> Answer {
        Answer { result: result.into(), fields: BTreeMap::new(), cells: Vec::new() }
    }

    pub(crate) fn error(error: &Error) -> Answer {
        Answer::new(kind_name(error))
    }

    /// OK, or the error's name.
    pub(crate) fn done(result: Result<(), Error>) -> Answer {
        result.map_or_else(|error| Answer::error(&error), |()| Answer::new("OK"))
    }

    /// CHANGED or UNCHANGED with the revision, or the error's name.
    pub(crate) fn change(result: Result<Change, Error>) -> Answer {
        match result {
            Ok(change) => Answer::new(changed_name(change.changed)).field("revision", change.revision),
            Err(error) => Answer::error(&error),
        }
    }

    pub(crate) fn field(mut self, name: &'static str, value: impl ToString) -> Answer {
        self.fields.insert(name, value.to_string());
        self
    }

    /// Notes that this answer is a call's answer to a token, or a store, in that state.
    pub(crate) fn cell(mut self, call: Call, on: On) -> Answer {
        let on = if self.result == "CLOSED" { On::Closed } else { on };
        self.cells.push(Cell { call, on, answer: self.result.clone() });
        self
    }

    /// What differs from the expectation, if anything does.
    pub(crate) fn difference(&self, expected: &Expected) -> Option<String> {
        let mut same = self.result == expected.result;
        let mut unknown = Vec::new();
        for (name, value) in &expected.fields {
            match (self.fields.get(name.as_str()), expand(value)) {
                (Some(came), Ok(value)) => same &= *came == value,
                _ => unknown.push(name.as_str()),
            }
        }
        if !unknown.is_empty() && self.result == expected.result {
            return Some(format!("there is no field `{}` in {self}", unknown.join("`, `")));
        }
        (!same || !unknown.is_empty()).then(|| self.to_string())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.result)?;
        self.fields.iter().try_for_each(|(name, value)| match value.get(..LONGEST_SHOWN) {
            Some(start) => write!(f, " {name}={start}..."),
            None => write!(f, " {name}={value}"),
        })
    }
}

pub(crate) fn changed_name(changed: bool) -> &'static str {
    if changed { "CHANGED" } else { "UNCHANGED" }
}

/// The name in capitals of an error's kind.
pub(crate) fn kind_name(error: &Error) -> String {
    capitals(&format!("{:?}", error.kind()))
}
