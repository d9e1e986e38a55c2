//! Opening a store, and its sizes when it is open.

use tokenstore_benches::{Report, Result, Settings, Target, median, progress};

use crate::load::Peers;
use crate::ours::Ours;
use crate::peer::Peer;

const OPENINGS: usize = 3;

pub(crate) fn measure(
    settings: &Settings,
    ours: &mut Ours,
    peers: &mut Peers,
    report: &mut Report,
) -> Result<()> {
    progress("closing and opening");
    let (mut times, mut ratios, mut huge) = (Vec::new(), Vec::new(), 0);
    for _ in 0..OPENINGS {
        let opening = ours.reopen()?;
        let scan = peers.redb.reopen_and_scan()?;
        times.push(opening.time.as_secs_f64() * 1e3);
        ratios.push(opening.time.as_secs_f64() / scan.as_secs_f64());
        huge = opening.huge_page_bytes;
    }
    report.aim(
        "open_vs_scan",
        median(ratios),
        Target::AtMost(3.0),
        "the time to open, everything checked, over redb's to open and read every value once",
    );
    report.add("open_ms", median(times), "the time to open, in ms, the file being in the system's cache");

    let stats = ours.store.stats()?;
    assert_eq!(stats.tokens, u64::from(settings.tokens), "a token was lost");
    let each = |bytes: u64| bytes as f64 / f64::from(settings.tokens);
    report.aim(
        "bytes_per_token_file",
        each(stats.file_bytes),
        Target::AtMost(250.0),
        "pages in use of the file over tokens, the newest 65,536 events included, none of them used yet",
    );
    report.aim(
        "bytes_per_token_index",
        each(stats.index_bytes),
        Target::AtMost(200.0),
        "memory of the index over tokens, after the store was opened anew",
    );
    report.add("sqlite_bytes_per_token", each(peers.sqlite.used_bytes()?), "pages in use of SQLite's file");
    report.add(
        "lmdb_bytes_per_token",
        each(peers.lmdb.used_bytes()?),
        "pages in use of LMDB's file: found by digest alone, no name is unique, no owner can be listed",
    );
    report.add(
        "redb_bytes_per_token",
        each(peers.redb.used_bytes()?),
        "pages in use of plain redb's file, likewise",
    );
    report.add(
        "index_on_huge_pages",
        huge as f64 / stats.index_bytes as f64,
        "how much of the index's memory the system gave huge pages, 1 is all",
    );
    Ok(())
}

/// The size once every token was used.
pub(crate) fn measure_used(settings: &Settings, ours: &mut Ours, report: &mut Report) -> Result<()> {
    ours.reopen()?;
    let stats = ours.store.stats()?;
    report.add(
        "bytes_per_token_file_used",
        stats.file_bytes as f64 / stats.tokens as f64,
        "the same when every token has a last use, and at most a few thousand were created since",
    );
    assert!(stats.tokens >= u64::from(settings.tokens), "a token was lost");
    Ok(())
}
