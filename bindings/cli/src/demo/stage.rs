//! Plays steps: says what is asked, asks it, compares the answer with the documented one, and counts.

use std::fmt;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use tokenstore::{Change, ErrorKind, Status};

use super::host::http_status;
use crate::failure::{self, Failure};
use crate::text::elapsed_text;

/// Where the times begin, if the answer is short enough.
const TIME_COLUMN: usize = 72;

/// What a service hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A verdict on a value.
    Verdict(Status),
    /// A refused change, or trouble with the store.
    Error(ErrorKind),
    /// Anything else, in words that are made from the store's answer.
    Text(String),
}

impl Answer {
    pub(super) fn text(text: impl Into<String>) -> Answer {
        Answer::Text(text.into())
    }

    /// What a change did.
    pub(super) fn change(change: &Change) -> Answer {
        Answer::text(if change.changed { "done" } else { "nothing was changed" })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Verdict(status) => write!(f, "{} {status}", http_status(*status)),
            Answer::Error(kind) => write!(f, "refused: {}", kind.name()),
            Answer::Text(text) => f.write_str(text),
        }
    }
}

/// One question, and the answer that the documents give.
pub(super) struct Step {
    why: String,
    asked: String,
    expected: Answer,
}

impl Step {
    /// A step that shows this.
    pub(super) fn new(why: impl Into<String>) -> Step {
        Step { why: why.into(), asked: String::new(), expected: Answer::text("done") }
    }

    /// What is asked: a request, or a call of the library.
    pub(super) fn asked(mut self, asked: impl Into<String>) -> Step {
        self.asked = asked.into();
        self
    }

    /// The right answer; "done", unless it is said.
    pub(super) fn expects(mut self, expected: Answer) -> Step {
        self.expected = expected;
        self
    }
}

/// A step with its answer, as JSON.
#[derive(Serialize)]
struct StepLine<'a> {
    step: usize,
    chapter: &'a str,
    why: &'a str,
    asked: &'a str,
    expected: String,
    answer: String,
    agrees: bool,
    nanoseconds: u64,
}

/// What was played so far.
pub(super) struct Stage {
    json: bool,
    chapter: String,
    steps: usize,
    differences: usize,
    began: Instant,
    /// The first failure to write. The play goes on, for its exit code.
    unwritten: Option<io::Error>,
}

impl Stage {
    pub(super) fn new(json: bool) -> Stage {
        Stage {
            json,
            chapter: String::new(),
            steps: 0,
            differences: 0,
            began: Instant::now(),
            unwritten: None,
        }
    }

    pub(super) fn chapter(&mut self, title: &str, source: &str) {
        title.clone_into(&mut self.chapter);
        self.say("");
        self.say(title);
        if !source.is_empty() {
            self.say(source);
        }
    }

    /// A line for people.
    pub(super) fn say(&mut self, line: &str) {
        if !self.json {
            self.write(line);
        }
    }

    /// Asks, times the asking, and compares what `read` makes of the answer. What the store said is returned for the
    /// steps that go on with it.
    pub(super) fn step<T>(
        &mut self,
        step: Step,
        ask: impl FnOnce() -> tokenstore::Result<T>,
        read: impl FnOnce(&T) -> Answer,
    ) -> tokenstore::Result<T> {
        let began = Instant::now();
        let said = ask();
        let elapsed = began.elapsed();
        let answer = match &said {
            Ok(said) => read(said),
            Err(error) => Answer::Error(error.kind()),
        };
        self.steps += 1;
        self.differences += usize::from(answer != step.expected);
        self.report(&step, &answer, elapsed);
        said
    }

    fn report(&mut self, step: &Step, answer: &Answer, elapsed: Duration) {
        let agrees = *answer == step.expected;
        if self.json {
            let line = StepLine {
                step: self.steps,
                chapter: &self.chapter,
                why: &step.why,
                asked: &step.asked,
                expected: step.expected.to_string(),
                answer: answer.to_string(),
                agrees,
                nanoseconds: u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX),
            };
            return self.write(&serde_json::to_string(&line).unwrap_or_default());
        }
        self.write(&format!("{:>3}  {}", self.steps, step.why));
        for line in step.asked.lines() {
            self.write(&format!("       {line}"));
        }
        let answered = format!("    -> {answer}");
        let elapsed = elapsed_text(elapsed);
        self.write(&format!("{answered:TIME_COLUMN$}  {elapsed:>8}"));
        if !agrees {
            self.write(&format!("    !! the documents say: {}", step.expected));
        }
    }

    /// Counts up, and says by the exit code whether all was as documented.
    pub(super) fn finish(mut self) -> Result<failure::Answer, Failure> {
        let (steps, differences) = (self.steps, self.differences);
        if self.json {
            self.write(&json!({ "steps": steps, "differences": differences }).to_string());
        } else {
            let took = elapsed_text(self.began.elapsed());
            let noun = if differences == 1 { "difference" } else { "differences" };
            self.write("");
            self.write(&format!("{steps} steps, {differences} {noun} from the documents, in {took}."));
        }
        let answer = if differences == 0 { failure::Answer::Yes } else { failure::Answer::No };
        match self.unwritten {
            // Whoever has read enough still gets the exit code.
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(answer),
        }
    }

    fn write(&mut self, line: &str) {
        if self.unwritten.is_none() {
            self.unwritten = writeln!(io::stdout(), "{line}").err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A demo that cannot fail would show nothing.
    #[test]
    fn an_answer_that_differs_is_counted() {
        let mut stage = Stage::new(true);
        stage.unwritten = Some(io::ErrorKind::BrokenPipe.into()); // Quietly.
        let step = |expected| Step::new("a test").expects(expected);
        let verdict = |status: &Status| Answer::Verdict(*status);
        assert!(stage.step(step(Answer::Verdict(Status::Ok)), || Ok(Status::Ok), verdict).is_ok());
        assert_eq!((stage.steps, stage.differences), (1, 0));
        assert!(stage.step(step(Answer::Verdict(Status::Revoked)), || Ok(Status::Ok), verdict).is_ok());
        assert_eq!((stage.steps, stage.differences), (2, 1));
        let error = || "no id".parse::<tokenstore::Id>();
        assert!(stage.step(step(Answer::text("done")), error, |_| Answer::text("done")).is_err());
        assert_eq!((stage.steps, stage.differences), (3, 2));
        assert!(matches!(stage.finish(), Ok(failure::Answer::No)));
    }
}
