//! One truth, without turns: processes change tokens and post what they are, and others verify all the time, the token
//! that changed last first. No reply stands between a change and the verify that must see it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokenstore::{ErrorKind, Grants, Id, NewToken, Query, Status, Store};

use super::board::{Board, Posted};
use super::crew::new_store;
use super::opening::Opening;
use super::random::Random;
use super::talk::Member;
use super::{folder, full_or, report};

const WRITERS: usize = 2;
const VERIFIERS: usize = 4;
/// On how many threads each of them is at work.
const THREADS: usize = 2;
/// Every thread that writes has so many tokens of its own.
const LANES: usize = WRITERS * THREADS;
const TOKENS: usize = 300;
const PROJECT: &str = "free";
/// What a pointer on the board shows at the end.
const END: u32 = u32::MAX;

#[test]
fn what_a_process_posts_after_a_change_is_what_the_others_find() {
    let (seed, start, folder) = (Random::seed(), Instant::now(), folder());
    let opening = Opening::of(folder.path().join("tokens.store"));
    let board_path = folder.path().join("board");
    new_store(&opening);
    Board::make(&board_path, LANES * TOKENS);
    let mut writers: Vec<Member> = (0..WRITERS).map(|_| Member::open(&opening)).collect();
    for lane in 0..LANES {
        writers[lane % WRITERS].ask(&format!("free-prepare {lane} {}", board_path.display())).ok();
    }
    let mut verifiers: Vec<Member> = (0..VERIFIERS).map(|_| Member::open(&opening)).collect();
    for (number, verifier) in verifiers.iter_mut().enumerate() {
        let order = format!("free-verifier {} {}", seed ^ number as u64, board_path.display());
        verifier.tell(&order).expect("a process listens");
    }
    let millis = full_or(15_000, 1_500);
    for (number, writer) in writers.iter_mut().enumerate() {
        let seed = seed ^ (number as u64) << 32;
        let order = format!("free-writer {number} {seed} {millis} {}", board_path.display());
        writer.tell(&order).expect("a process listens");
    }
    let figures = |member: &mut Member| -> Vec<u64> {
        let reply = member.hear().expect("nobody kills it");
        reply.ok().split(' ').map(|figure| figure.parse().expect("a figure")).collect()
    };
    let changes: u64 = writers.iter_mut().map(|writer| figures(writer)[0]).sum();
    let mut sums = Figures::default();
    for verifier in &mut verifiers {
        sums.iter_mut().zip(figures(verifier)).for_each(|(sum, figure)| *sum += figure);
    }
    let [verifies, exact, first, stale, overtaken] = sums;
    assert!(first > changes / 2, "of {changes} changes, {first} were looked for in time");
    assert!(changes > millis as u64 / 200 && stale > 0, "{changes} changes, {stale} STALE");
    report(format_args!(
        "without turns: {verifies} verifies by {VERIFIERS} processes of {THREADS} threads beside {changes} changes by \
         {WRITERS} such: {exact} of tokens at rest, {first} the first after a change, 0 stale; {stale} STALE to calls that were not to wait; \
         {overtaken} overtaken by two changes; {:.1} s, seed {seed}",
        start.elapsed().as_secs_f64()
    ));
}

/// What a writing thread's tokens are: a file of ids and values.
fn list_of(board: &Path, lane: usize) -> PathBuf {
    board.with_extension(format!("list-{lane}"))
}

fn tokens_of(board: &Path, lane: usize) -> Vec<(Id, String)> {
    let list = std::fs::read_to_string(list_of(board, lane)).expect("a list");
    list.lines()
        .map(|line| {
            let (id, value) = line.split_once(' ').expect("an id and a value");
            (id.parse().expect("an id"), value.to_owned())
        })
        .collect()
}

/// Makes a writing thread's tokens, lists them, and posts what they are.
pub(crate) fn prepare(store: &Store, words: &[&str]) -> String {
    let [lane, path @ ..] = words else { panic!("an order is {words:?}") };
    let (lane, path): (usize, _) = (lane.parse().expect("a number"), PathBuf::from(path.join(" ")));
    let server = store.find_type("server").expect("a declared type");
    let board = Board::open(&path);
    let new = NewToken::new(server, format!("free-{lane}")).grants(Grants::projects([PROJECT]));
    let mut list = String::new();
    for (place, made) in store.create_many(&vec![new; TOKENS]).into_iter().enumerate() {
        let made = made.expect("a healthy disk");
        list.push_str(&format!("{} {}\n", made.id, made.value.as_str()));
        let posted = Posted { epoch: 0, before: 0, after: 0, revision: made.revision };
        board.post(lane * TOKENS + place, posted);
    }
    std::fs::write(list_of(&path, lane), list).expect("a file can be written");
    "ok".into()
}

/// Changes tokens for some time, on several threads; how many changes.
pub(crate) fn write(store: &Store, words: &[&str]) -> String {
    let [number, seed, millis, path @ ..] = words else { panic!("an order is {words:?}") };
    let (number, seed): (usize, u64) = (number.parse().expect("a number"), seed.parse().expect("a seed"));
    let path = PathBuf::from(path.join(" "));
    let until = Instant::now() + Duration::from_millis(millis.parse().expect("milliseconds"));
    let changes: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (number..LANES)
            .step_by(WRITERS)
            .map(|lane| {
                let (board, tokens) = (Board::open(&path), tokens_of(&path, lane));
                let random = Random::new(seed ^ (lane as u64) << 16);
                scope.spawn(move || change(store, &board, lane, &tokens, random, until))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread does not panic")).sum()
    });
    format!("ok {changes}")
}

/// Changes a thread's tokens, and posts what they are before and after.
fn change(
    store: &Store,
    board: &Board,
    lane: usize,
    tokens: &[(Id, String)],
    mut random: Random,
    until: Instant,
) -> usize {
    let mut changes = 0;
    while Instant::now() < until {
        let token = random.below(TOKENS);
        let (place, id) = (lane * TOKENS + token, tokens[token].0);
        let was = board.read(place);
        type Call = fn(&Store, Id) -> tokenstore::Result<tokenstore::Change>;
        let (after, call): (Status, Call) = match status(was.after) {
            Status::Ok if random.once_in(12) => (Status::Revoked, |store, id| store.revoke(id)),
            Status::Ok if random.once_in(12) => (Status::Unknown, |store, id| store.delete(id)),
            Status::Ok if random.once_in(2) => (Status::NoGrant, |store, id| store.ungrant(id, PROJECT)),
            Status::Ok => (Status::Disabled, |store, id| store.disable(id)),
            Status::NoGrant => (Status::Ok, |store, id| store.grant(id, PROJECT)),
            Status::Disabled => (Status::Ok, |store, id| store.enable(id)),
            _ => continue,
        };
        let after = after as i32 as u8;
        board.post(place, Posted { epoch: was.epoch + 1, after, ..was });
        let revision = call(store, id).expect("a healthy disk").revision;
        board.post(place, Posted { epoch: was.epoch + 2, before: after, after, revision });
        board.point_to(lane, place as u32);
        changes += 1;
    }
    board.point_to(lane, END);
    changes
}

/// Verifies what changed last, and others, on several threads until all writers are done. Answers how many verifies
/// there were, of tokens at rest, first after a change, STALE, and overtaken by more than one change.
pub(crate) fn verify(store: &Store, words: &[&str]) -> String {
    let [seed, path @ ..] = words else { panic!("an order is {words:?}") };
    let seed: u64 = seed.parse().expect("a seed");
    let path = PathBuf::from(path.join(" "));
    let lists = (0..LANES).flat_map(|lane| tokens_of(&path, lane));
    let values: Vec<String> = lists.map(|(_, value)| value).collect();
    let found: Vec<Result<Figures, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (board, values) = (Board::open(&path), &values);
                scope.spawn(move || look(store, &board, values, Random::new(seed ^ (thread as u64) << 16)))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread does not panic")).collect()
    });
    let mut sums = Figures::default();
    for figures in found {
        match figures {
            Ok(figures) => sums.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure),
            Err(wrong) => return wrong,
        }
    }
    format!("ok {}", sums.map(|sum| sum.to_string()).join(" "))
}

/// Verifies, at rest, first after a change, STALE, overtaken.
type Figures = [u64; 5];

fn look(store: &Store, board: &Board, values: &[String], mut random: Random) -> Result<Figures, String> {
    let query = Query::any_type().project(PROJECT);
    let impatient = query.clone().no_wait();
    let mut seen = vec![0; values.len()];
    let [mut verifies, mut exact, mut first, mut stale, mut overtaken] = Figures::default();
    loop {
        let pointers: Vec<u32> = (0..LANES).map(|lane| board.pointed_to(lane)).collect();
        if pointers.iter().all(|pointer| *pointer == END) {
            return Ok([verifies, exact, first, stale, overtaken]);
        }
        let places = pointers.into_iter().filter(|pointer| *pointer != END);
        for place in places.map(|pointer| pointer as usize).chain([random.below(values.len())]) {
            let before = board.read(place);
            let verify = |query| store.verify(values[place].as_bytes(), query);
            let mut answer = verify(if random.once_in(16) { &impatient } else { &query });
            if answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Stale) {
                stale += 1;
                answer = verify(&query);
            }
            let after = board.read(place);
            verifies += 1;
            let verdict = answer.map_err(|error| super::orders::error(&error))?;
            if after.epoch > before.epoch + 2 {
                overtaken += 1;
                continue;
            }
            let is = verdict.status() as i32 as u8;
            let may_be = [before.before, before.after, after.before, after.after];
            let revision = verdict.identity().map(|who| who.revision);
            if !may_be.contains(&is) || revision.is_some_and(|revision| revision < before.revision) {
                return Err(format!("stale: {verdict:?} between {before:?} and {after:?}"));
            }
            if before == after && before.before == before.after {
                exact += 1;
                first += u64::from(seen[place] < before.epoch);
                seen[place] = before.epoch;
            }
        }
        std::thread::yield_now();
    }
}

fn status(number: u8) -> Status {
    let found = Status::ALL.into_iter().find(|status| *status as i32 == i32::from(number));
    found.expect("a status")
}
