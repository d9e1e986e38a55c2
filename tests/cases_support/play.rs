//! Playing scenarios: each on a world of its own, line by line, to the end.

use super::Mistake;
use super::coverage::Coverage;
use super::ops;
use super::scenario::{CaseFile, Line, Scenario, Turn};
use super::world::World;

/// What playing came to.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) files: usize,
    pub(crate) scenarios: usize,
    /// Lines that were answered as expected.
    pub(crate) lines: usize,
    /// The same with every turn of `for` and `repeat` counted.
    pub(crate) operations: usize,
    /// One entry a line that failed: where, what was expected, what came.
    pub(crate) failures: Vec<String>,
    pub(crate) coverage: Coverage,
}

/// How the store stands between two lines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    /// As the lines say.
    StaysOpen,
    /// Closed and opened again before every line.
    Reopened,
    /// Open twice, as two processes have it: each line is asked of the one that the line before was not asked of.
    Shared,
}

/// Scenarios of tickets, which a close forgets, and another opening does not.
const SHARED_ALL_THE_SAME: [&str; 4] = [
    "a_ticket_to_its_last_millisecond",
    "a_ticket_of_two_uses_that_is_bound",
    "an_owners_tickets",
    "an_account_is_closed",
];

/// What is only so where a store is one opening's.
const NOT_SHARED: [&str; 2] = ["one_file_one_store", "what_a_ticket_cannot_have"];

impl Report {
    pub(crate) fn play(&mut self, file: &CaseFile, between: Between) {
        self.files += 1;
        if file.scenarios.is_empty() {
            self.failures.push(format!("{}: a file without a scenario", file.name));
        }
        for scenario in file.scenarios.iter().filter(|scenario| between.suits(scenario)) {
            self.scenarios += 1;
            let mut world = World::new(between);
            for line in &scenario.lines {
                if let Err(failure) = self.play_line(&mut world, line, between) {
                    self.failures.push(format!("{} ({}): {failure}", line.place, scenario.name));
                }
            }
        }
    }

    fn play_line(&mut self, world: &mut World, line: &Line, between: Between) -> Result<(), Mistake> {
        match between {
            Between::StaysOpen => {}
            Between::Reopened => world.reopen_quietly()?,
            Between::Shared => world.take_turns()?,
        }
        for turn in &line.turns {
            self.play_turn(world, turn)
                .map_err(|failure| format!("`{}`: {failure}", turn.words.join(" ")))?;
        }
        self.lines += 1;
        Ok(())
    }

    fn play_turn(&mut self, world: &mut World, turn: &Turn) -> Result<(), Mistake> {
        let answer = ops::run(world, &turn.words)?;
        match (&answer, &turn.expected) {
            (None, None) => {}
            (None, Some(_)) => return Err("this operation answers nothing".to_owned()),
            (Some(answer), None) => return Err(format!("no answer is expected; {answer} came")),
            (Some(answer), Some(expected)) => {
                if let Some(came) = answer.difference(expected) {
                    return Err(format!("expected {expected}; {came} came"));
                }
            }
        }
        self.operations += 1;
        self.coverage.hit(answer.into_iter().flat_map(|answer| answer.cells));
        Ok(())
    }
}

impl Between {
    /// Whether a scenario is to be played so.
    fn suits(self, scenario: &Scenario) -> bool {
        match self {
            Between::StaysOpen => true,
            Between::Reopened => !scenario.keep_open,
            Between::Shared => match scenario.keep_open {
                true => SHARED_ALL_THE_SAME.contains(&&*scenario.name),
                false => !NOT_SHARED.contains(&&*scenario.name),
            },
        }
    }
}
