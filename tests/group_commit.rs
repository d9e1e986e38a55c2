//! Many callers share a commit.
//!
//! A change is on the disk when its call returns, which takes two syncs. Whoever makes each of 64 threads wait for
//! syncs of its own is as slow as one thread; here those who come while a commit is under way share the next.

use std::io::Write as _;
use std::time::Instant;

use tokenstore::{Grants, NewToken, Options, TypePolicy};

/// Durable creates of 64 threads against one thread's, in turn, in one run on a real file.
#[test]
fn sixty_four_threads_share_their_commits() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = Options::new().create(folder.path().join("tokens.store")).unwrap();
    let server = store.declare(&TypePolicy::new("server", "srv").unique_names(false)).unwrap();
    let new =
        NewToken::new(server, "acme").name("a token like others").grants(Grants::projects(["a", "b", "c"]));
    let rate = |threads: usize, each: usize| {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..each).for_each(|_| drop(store.create(&new).unwrap())));
            }
        });
        (threads * each) as f64 / start.elapsed().as_secs_f64()
    };
    let mut gains: Vec<f64> = (0..5)
        .map(|_| {
            let one = rate(1, 100);
            rate(64, 40) / one
        })
        .collect();
    gains.sort_by(f64::total_cmp);
    writeln!(
        std::io::stdout(),
        "group commit: 64 threads create {:.1} times as fast as one (median of {gains:.1?})",
        gains[2]
    )
    .expect("a standard output");
    assert!(gains[2] >= 8.0, "64 threads gain only {gains:?}");
}
