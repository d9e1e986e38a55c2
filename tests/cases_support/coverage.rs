//! Which cells of the table the scenarios hit.

use std::collections::BTreeSet;

use super::cells::{Call, Cell, On};
use super::possible::possible;

/// The cells hit so far.
#[derive(Default)]
pub(crate) struct Coverage {
    hit: BTreeSet<Cell>,
}

impl Coverage {
    pub(crate) fn hit(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.hit.extend(cells);
    }

    /// Every cell that must be hit.
    pub(crate) fn wanted() -> BTreeSet<Cell> {
        let rows = Call::ALL.into_iter().flat_map(|call| On::ALL.into_iter().map(move |on| (call, on)));
        rows.flat_map(|(call, on)| {
            let cell = move |answer: &str| Cell { call, on, answer: answer.to_owned() };
            possible(call, on).into_iter().map(cell)
        })
        .collect()
    }

    /// How many of the cells that must be hit were.
    pub(crate) fn hit_count(&self) -> usize {
        self.hit.intersection(&Coverage::wanted()).count()
    }

    /// What is missing, and what was hit although the table says that it cannot be.
    pub(crate) fn faults(&self) -> Vec<String> {
        let wanted = Coverage::wanted();
        let line =
            |what: &str, cell: &Cell| format!("{what}: {:?} on {:?} -> {}", cell.call, cell.on, cell.answer);
        let missing = wanted.difference(&self.hit).map(|cell| line("no scenario has", cell));
        let impossible = self.hit.difference(&wanted).map(|cell| line("impossible, says the table", cell));
        missing.chain(impossible).collect()
    }
}
