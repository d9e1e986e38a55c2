//! A change of a shared store that was acknowledged survives a power cut, whichever process made it.
//!
//! Processes that share a store commit by other steps than one that has it alone: the header is written once more, the
//! allocator's state goes into each commit, and whoever comes next goes on from what another left in the file. So two
//! openings change one file in turns, and everything that either does to it is recorded, in one order. Then, for every
//! moment, the file is built as a power cut may leave it, as in `power_cuts.rs`, and opened by whoever comes then: alone,
//! and shared. It must be exactly what was acknowledged, by whomever, or that and the one change that was under way.
//!
//! What processes tell each other through memory, the board in the file's first page, is not part of the record: the
//! kernel writes it when it likes. In every image it is garbage.
//!
//! And a file that skips syncs is told the same story, and must be found out.
//!
//! `TOKENSTORE_LONG=1` tells longer stories and cuts them in more ways; `TOKENSTORE_SEED` repeats one.

mod support;

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use support::cuts::{Depth, cuts};
use support::disk::Image;
use support::life::{self, Life, Promise, Tally, check_life};
use support::quiet::quietly;
use support::random::{Random, long};
use support::recorder::{OnFile, put};
use support::story::{Opener, Place, Story};
use support::world::World;

/// Where the board is.
const BOARD: std::ops::Range<usize> = 2048..2064;

#[test]
fn what_one_of_two_processes_acknowledged_survives_a_power_cut_at_any_moment() {
    let seed = Random::seed();
    let start = Instant::now();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let (stories, turns) = if long() { (2, 60) } else { (1, 24) };
    let tally = Tally::default();
    for story in 0..stories {
        let seed = seed.wrapping_add(story);
        let life = tell(folder.path(), seed, turns);
        let depth = |is_last| Depth {
            tear_all: is_last && long(),
            tear_sectors: false,
            random: if long() { 6 } else { 1 },
            one_in: if long() { 1 } else { 3 },
        };
        let wrong = check_life(&life, &depth, seed, &tally, usize::MAX, &opened_by(folder.path()));
        assert!(wrong.is_empty(), "seed {seed}: {}", wrong.join("\n"));
    }
    writeln!(
        std::io::stdout(),
        "power cuts of a shared store: {tally}, opened alone and shared, 0 wrong, {:.1} s, seed {seed}",
        start.elapsed().as_secs_f64()
    )
    .expect("a standard output");
    assert!(tally.images.load(Ordering::Relaxed) >= 1_000);
}

#[test]
fn a_recovery_of_a_shared_store_can_be_cut_short_again() {
    let seed = Random::seed();
    let mut random = Random::new(seed);
    let start = Instant::now();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let (bases, turns) = if long() { (60, 60) } else { (6, 24) };
    let life = tell(folder.path(), seed, turns);
    let tally = Tally::default();
    let depth = |is_last| Depth {
        tear_all: is_last && long(),
        tear_sectors: false,
        random: 1,
        one_in: if long() { 1 } else { 3 },
    };
    for base in 0..bases {
        let moment = random.below(life.ops.len() + 1);
        let worlds = life.worlds(moment).expect("the store was made before");
        let (durable, unsynced) = life.at(moment);
        let path = folder.path().join(format!("base {base}"));
        let on_file = |image: &Image| {
            put(image, &path).expect("a file to write to");
            OnFile::new(&path, true)
        };
        // The power comes back, the store is opened by the first of those who share it, and the power goes again.
        let all = cuts(&unsynced, depth(true), &mut random);
        let image = random.pick(&all).image(&durable, &unsynced);
        let after = Life::of_recovery(image, Vec::new(), worlds, on_file);
        let after = after.unwrap_or_else(|wrong| panic!("seed {seed}, base {base}: {wrong}"));
        let wrong = check_life(&after, &depth, seed, &tally, usize::MAX, &opened_by(folder.path()));
        assert!(wrong.is_empty(), "seed {seed}, base {base} at {moment}: {}", wrong.join("\n"));
    }
    writeln!(
        std::io::stdout(),
        "cuts of {bases} shared recoveries: {tally}, 0 wrong, {:.1} s, seed {seed}",
        start.elapsed().as_secs_f64()
    )
    .expect("a standard output");
    assert!(tally.images.load(Ordering::Relaxed) >= 200);
}

/// If the check did not see that a sync is missing, it would not see it of a store that forgets one.
#[test]
fn a_file_that_skips_a_sync_is_found_out() {
    let seed = Random::seed();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let life = tell(folder.path(), seed, 14);
    for (what, skipped) in [("the first sync", 0), ("the second sync", 1)] {
        let life = life.without_syncs(|in_call| in_call == skipped);
        let tally = Tally::default();
        let depth = |_| Depth { tear_all: false, tear_sectors: false, random: 1, one_in: 1 };
        let wrong = check_life(&life, &depth, seed, &tally, 1, &opened_by(folder.path()));
        let first = wrong.first().and_then(|line| line.lines().next()).unwrap_or("nothing");
        writeln!(std::io::stdout(), "shared, without {what} of every call: wrong after {tally}: {first}")
            .expect("a standard output");
        assert!(!wrong.is_empty(), "seed {seed}: a file without {what} was not found out");
    }
}

/// Tells a story of changes by two openings in turns. What is recorded begins when there are types and tokens.
fn tell(folder: &Path, seed: u64, turns: usize) -> Life {
    let path = folder.join(format!("story {seed}"));
    let new = Opener::new().options(None).create(&path).expect("a new store");
    new.close().expect("a healthy disk");
    let mut story = Story::of_new(seed, OnFile::new(&path, true), None, 2);
    story.open().expect("the new store opens");
    story.first_steps(24).iter().for_each(|step| story.go(step));
    story.close().expect("a healthy disk");

    let durable = Image::of(&std::fs::read(&path).expect("the store's file"));
    story.disk.forget();
    let mut promises = vec![Promise::new(0, vec![Arc::new(story.world.clone())], "close")];
    promises.extend(life::tell(&mut story, Vec::new(), turns, &|| ()));
    Life { durable, pending: Vec::new(), ops: story.disk.ops(), promises }
}

/// Whether an image is what it must be, for whoever opens it alone and for whoever opens it shared: in the long form each
/// image for both, in the short form in turns.
fn opened_by(folder: &Path) -> impl Fn(&Image, Option<&[Arc<World>]>, bool) -> Result<(), String> + Sync {
    let number = AtomicUsize::new(0);
    move |image, worlds, closes| {
        let worlds = worlds.expect("the store was made before");
        let mut image = image.clone();
        let number = number.fetch_add(1, Ordering::Relaxed);
        image.write(BOARD.start, &garbage(number));
        for shared in [false, true].into_iter().filter(|shared| long() || *shared == number.is_multiple_of(2))
        {
            let path = folder.join(format!("image {number} {shared}"));
            put(&image, &path).map_err(|error| error.to_string())?;
            let file = OnFile::new(&path, shared);
            let checked = quietly(|| Opener::new().check(&file, worlds, closes)).and_then(|checked| checked);
            checked
                .map_err(|wrong| format!("opened {}: {wrong}", if shared { "shared" } else { "alone" }))?;
        }
        Ok(())
    }
}

/// Anything, and often a number of a change far ahead.
fn garbage(seed: usize) -> [u8; BOARD.end - BOARD.start] {
    let mut random = Random::new(seed as u64);
    let [a, b] = [random.next() >> random.below(64), random.next() >> random.below(64)];
    let mut bytes = [0; _];
    bytes[..8].copy_from_slice(&a.to_le_bytes());
    bytes[8..].copy_from_slice(&b.to_le_bytes());
    bytes
}
