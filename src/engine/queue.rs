//! The queue: many callers, one commit.
//!
//! There is no thread and no timer. Whoever comes first leads: it runs its own operations and those of all who came
//! while the leader before it was at work, hands each its answers, and lets the next one lead. So the time a commit
//! takes is the time in which the next batch gathers.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Answer, Op};

/// The most operations in a batch.
pub(crate) const MAX_BATCH_OPS: usize = 4_096;
/// About the most bytes in a batch.
pub(crate) const MAX_BATCH_BYTES: usize = 8 << 20;

pub(super) struct Queue {
    state: Mutex<State>,
}

struct State {
    waiting: VecDeque<Arc<Waiter>>,
    has_leader: bool,
}

struct Waiter {
    since: Instant,
    ops: Mutex<Vec<Op>>,
    answers: Mutex<Vec<Result<Answer>>>,
    weight: (usize, usize),
    /// What it is told: to wait, to lead, or that it has its answers.
    told: AtomicU8,
    thread: Thread,
}

const WAIT: u8 = 0;
const LEAD: u8 = 1;
const DONE: u8 = 2;

/// No panic is let through while one of these is held, so that a poisoned one is as good as another.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    pub(super) fn new() -> Queue {
        Queue { state: Mutex::new(State { waiting: VecDeque::new(), has_leader: false }) }
    }

    /// Has `ops` run, with others' or alone, and returns an answer for each.
    ///
    /// `run` runs a batch, whose leader waited for so long already: nobody waits for the place to write longer than once.
    /// If it panics, `panicked` is called and everybody in the batch hears PANIC.
    pub(super) fn submit(
        &self,
        ops: Vec<Op>,
        run: impl FnOnce(Vec<Op>, Duration) -> Vec<Result<Answer>>,
        panicked: impl FnOnce(),
    ) -> Vec<Result<Answer>> {
        let weight = (ops.len(), ops.iter().map(Op::weight).sum());
        let me = Arc::new(Waiter {
            since: Instant::now(),
            ops: Mutex::new(ops),
            answers: Mutex::default(),
            weight,
            told: AtomicU8::new(WAIT),
            thread: std::thread::current(),
        });
        let leads = {
            let mut state = lock(&self.state);
            state.waiting.push_back(Arc::clone(&me));
            !std::mem::replace(&mut state.has_leader, true)
        };
        if !leads {
            while me.told.load(Ordering::Acquire) == WAIT {
                std::thread::park();
            }
        }
        if me.told.load(Ordering::Acquire) != DONE {
            self.lead(|ops| run(ops, me.since.elapsed()), panicked);
        }
        std::mem::take(&mut *lock(&me.answers))
    }

    /// Runs the batch at the front of the queue, in which the leader's own operations are.
    fn lead(&self, run: impl FnOnce(Vec<Op>) -> Vec<Result<Answer>>, panicked: impl FnOnce()) {
        let batch = self.take_batch();
        let counts: Vec<usize> = batch.iter().map(|waiter| waiter.weight.0).collect();
        let ops = batch.iter().flat_map(|waiter| std::mem::take(&mut *lock(&waiter.ops))).collect();
        let mut answers = match catch_unwind(AssertUnwindSafe(|| run(ops))) {
            Ok(answers) => answers,
            Err(_) => {
                panicked();
                Vec::new()
            }
        }
        .into_iter();
        for (waiter, count) in batch.iter().zip(counts) {
            let missing = || Err(Error::new(ErrorKind::Panic, "the library failed inside; reopen the store"));
            *lock(&waiter.answers) = (0..count).map(|_| answers.next().unwrap_or_else(missing)).collect();
            waiter.told.store(DONE, Ordering::Release);
            waiter.thread.unpark();
        }
        let mut state = lock(&self.state);
        match state.waiting.front() {
            Some(next) => {
                next.told.store(LEAD, Ordering::Release);
                next.thread.unpark();
            }
            None => state.has_leader = false,
        }
    }

    fn take_batch(&self) -> Vec<Arc<Waiter>> {
        let mut state = lock(&self.state);
        let (mut batch, mut ops, mut bytes) = (Vec::new(), 0, 0);
        while let Some(waiter) = state.waiting.front() {
            ops += waiter.weight.0;
            bytes += waiter.weight.1;
            // The first is always taken: it is the leader, and what it brings was bounded when it came.
            if !batch.is_empty() && (ops > MAX_BATCH_OPS || bytes > MAX_BATCH_BYTES) {
                break;
            }
            batch.extend(state.waiting.pop_front());
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::Target;
    use crate::id::Id;
    use crate::plan::Action;

    fn op(n: u8) -> Op {
        Op::Change(Target::new(Id::from_bytes([n; 16])), Action::Revoke)
    }

    fn echo(ops: Vec<Op>) -> Vec<Result<Answer>> {
        ops.into_iter()
            .map(|op| match op {
                Op::Change(target, _) => Ok(Answer::Existing(target.id)),
                _ => Err(Error::not_found()),
            })
            .collect()
    }

    #[test]
    fn everybody_gets_its_own_answer_and_batches_gather() {
        let (queue, runs) = (Queue::new(), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for n in 0..32 {
                let (queue, runs) = (&queue, &runs);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let run = |ops: Vec<Op>, _| {
                            lock(runs).push(ops.len());
                            std::thread::yield_now();
                            echo(ops)
                        };
                        let answers = queue.submit(vec![op(n), op(n + 100)], run, || unreachable!());
                        let ids: Vec<Id> = answers
                            .iter()
                            .map(|answer| match answer {
                                Ok(Answer::Existing(id)) => *id,
                                other => unreachable!("{other:?}"),
                            })
                            .collect();
                        assert_eq!(ids, [Id::from_bytes([n; 16]), Id::from_bytes([n + 100; 16])]);
                    }
                });
            }
        });
        let runs = runs.into_inner().unwrap();
        assert_eq!(runs.iter().sum::<usize>(), 32 * 200 * 2);
        assert!(runs.len() < 32 * 200, "no two operations ever shared a batch");
    }

    #[test]
    fn a_panic_is_everybodys_answer_and_nobody_is_left_waiting() {
        let (queue, panics) = (Queue::new(), AtomicU8::new(0));
        std::thread::scope(|scope| {
            for n in 0..16 {
                let (queue, panics) = (&queue, &panics);
                scope.spawn(move || {
                    let run = |ops: Vec<Op>, _| {
                        if ops.len() > 1 { echo(ops) } else { panic!("a test's panic") }
                    };
                    let answers = queue.submit(vec![op(n)], run, || {
                        panics.fetch_add(1, Ordering::SeqCst);
                    });
                    assert_eq!(answers.len(), 1);
                    if let Err(error) = &answers[0] {
                        assert_eq!(error.kind(), ErrorKind::Panic);
                    }
                });
            }
        });
        assert!(panics.load(Ordering::SeqCst) >= 1);
        assert_eq!(queue.submit(vec![op(1)], |ops, _| echo(ops), || unreachable!()).len(), 1);
    }
}
