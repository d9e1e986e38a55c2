//! How long the first verify takes after another process changed something.

use tokenstore::{Edit, Query, Status};
use tokenstore_benches::{Prepared, Report, Result, Settings, Values, Worker, percentile, progress};

use crate::child::Mode;
use crate::crew;

/// How many changes are made for each round that is asked for.
const CHANGES_A_ROUND: usize = 200;

/// What a worker said of a value, and how long it took, in us.
struct Look {
    us: f64,
    status: String,
    word: u64,
}

pub(crate) fn measure(settings: &Settings, prepared: &Prepared, report: &mut Report) -> Result<()> {
    progress("changing here, verifying there");
    let values = Values::read(&prepared.values, &prepared.numbers)?;
    let path = prepared.store_for("changed")?;
    let store = Mode::Shared.options().open(&path)?;
    let mut worker = crew::start("reader", Mode::Shared, &path, prepared)?;
    worker.ready()?;

    // From the one end tokens are changed, at the other the ones that are not.
    let tokens = settings.tokens as usize;
    let changes = (settings.rounds * CHANGES_A_ROUND).min(tokens / 2);
    let (mut follows, mut plain) = (Vec::new(), Vec::new());
    for place in 0..changes {
        let (value, number) = values.window(place..place + 1).iter().next().ok_or("no such place")?;
        let verdict = store.verify(value, &Query::any_type())?;
        let who = verdict.identity().filter(|who| who.app_word == number).ok_or("a token is missing")?;
        let expected = if place % 2 == 0 {
            assert!(store.revoke(who.id)?.changed);
            (Status::Revoked, number)
        } else {
            let word = number + u64::from(settings.tokens);
            assert!(store.edit(who.id, &Edit::new().app_word(word))?.changed);
            (Status::Ok, word)
        };
        let look = look(&mut worker, place)?;
        assert_eq!(
            (look.status.as_str(), look.word),
            (expected.0.name(), expected.1),
            "a change was not seen"
        );
        follows.push(look.us);

        let place = tokens - 1 - place;
        let (_, number) = values.window(place..place + 1).iter().next().ok_or("no such place")?;
        let look = self::look(&mut worker, place)?;
        assert_eq!((look.status.as_str(), look.word), (Status::Ok.name(), number));
        plain.push(look.us);
    }
    worker.end()?;
    store.close()?;

    report.add(
        "changes",
        changes as f64,
        "revocations and edits in one process, each told to another when it is done",
    );
    let meanings = [
        "the other's next verify, in us, as all that follow; it reads what was changed: half are faster",
        "the same: 99 of 100 are faster",
        "the same: the longest",
    ];
    tell("follow", &follows, meanings, report);
    let meanings = [
        "a verify that is told the same way when nothing was changed: half are faster",
        "the same: 99 of 100 are faster",
        "the same: the longest",
    ];
    tell("plain", &plain, meanings, report);
    Ok(())
}

fn look(worker: &mut Worker, place: usize) -> Result<Look> {
    worker.tell(&format!("look {place}"))?;
    match &crew::words(&worker.hear()?)[..] {
        [ns, status, word] => {
            Ok(Look { us: ns.parse::<f64>()? / 1e3, status: status.clone(), word: word.parse()? })
        }
        other => Err(format!("{other:?} is no answer").into()),
    }
}

fn tell(name: &str, times_us: &[f64], meanings: [&str; 3], report: &mut Report) {
    for ((percent, which), meaning) in
        [(50.0, "p50"), (99.0, "p99"), (100.0, "max")].into_iter().zip(meanings)
    {
        report.add(format!("{name}_{which}_us"), percentile(times_us.to_vec(), percent), meaning);
    }
}
