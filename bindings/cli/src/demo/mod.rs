//! `tokenstore demo`: three documented services, played on a real store and checked answer by answer.

mod authorization;
mod form;
mod grant_url;
mod host;
mod jwt;
mod meetergo;
mod meister1;
mod place;
mod pushwoosh;
mod reopen;
mod shared;
mod stage;

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use time::OffsetDateTime;
use tokenstore::{Clock, Filter, ManualClock, Options, Status, Store, Token, Value};

use self::host::{Call, judge};
use self::meister1::Session;
use self::place::Place;
use self::stage::{Answer as Said, Stage, Step};
use crate::args::Global;
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::text::mask;

/// Play three documented services on a store of its own, and check every answer
///
/// Pushwoosh's API access tokens, meetergo's personal access tokens and Meister1's authorization API, each request as
/// their documents print it. Then the store is closed, opened again, and asked everything once more; and opened twice at
/// once, as two processes open it. The store is a file like any other, under a key; its clock is moved by hand, to show
/// what expires. It lies in a temporary folder unless --keep says otherwise.
///
/// Exit code 1 if any answer differs from what the documents say.
#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Make the store here and leave it, with its key beside it in PATH.key
    #[arg(long, value_name = "PATH")]
    keep: Option<PathBuf>,
}

/// When the demo begins: any moment in the past will do, so that a store that is kept can be used afterwards.
const BEGIN_UNIX_S: i64 = 1_740_992_400; // 2025-03-03T09:00:00Z
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn run(global: &Global, args: &DemoArgs, output: &Output) -> Result<Answer, Failure> {
    if global.store.is_some() || global.key_file.is_some() || global.shared || global.exclusive {
        return Err(Failure::Usage(
            "the demo makes a store of its own; --keep PATH leaves it there".to_owned(),
        ));
    }
    let place = Place::new(args.keep.as_deref())?;
    let mut stage = Stage::new(output.json());
    play(&mut stage, &place)?;
    if args.keep.is_some() && !output.json() {
        stage.say("");
        stage.say("The store is kept. To look at it:");
        stage.say(&format!(
            "  tokenstore --store {} --key-file {} list --with-dead",
            place.store(),
            place.key_file()
        ));
    }
    stage.finish()
}

fn play(stage: &mut Stage, place: &Place) -> Result<(), Failure> {
    stage.say("A token store at work: what three services document, asked of a real store file.");
    stage.say("To OK a service answers HTTP 200, to NO_GRANT 403, and to any other verdict 401. Trouble");
    stage.say("with the store would be 503: it says nothing about a token. The times are the store's alone.");
    let mut world = World::begin(stage, place)?;
    pushwoosh::play(stage, &mut world)?;
    meetergo::play(stage, &mut world)?;
    meister1::play(stage, &mut world)?;
    let clock = Arc::clone(&world.clock);
    reopen::play(stage, world, place)?;
    shared::play(stage, place, &clock)
}

/// The store, its clock, and every value that was handed out, with what is to become of it.
struct World {
    store: Store,
    clock: Arc<ManualClock>,
    known: Vec<Known>,
    sessions: Vec<Session>,
}

/// A value, a call that it is shown in, and the answer that is right from now on.
struct Known {
    whose: String,
    value: Rc<Value>,
    call: Call,
    expected: Status,
}

impl World {
    fn begin(stage: &mut Stage, place: &Place) -> Result<World, Failure> {
        let begin = OffsetDateTime::from_unix_timestamp(BEGIN_UNIX_S).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let clock = ManualClock::new(begin);
        stage.chapter("The store", "");
        let step = Step::new("It is one file, under 32 bytes of key that are kept elsewhere.")
            .asked(format!("Options::new().key(...).clock(...).create({:?})", place.store()))
            .expects(Said::text("created"));
        let store =
            stage.step(step, || options(place, &clock).create(place.store()), |_| Said::text("created"))?;
        Ok(World { store, clock, known: Vec::new(), sessions: Vec::new() })
    }

    /// Remembers what a value is good for, to ask again once the store was closed.
    fn remember(&mut self, whose: &str, value: &Rc<Value>, call: Call, expected: Status) {
        self.known.push(Known { whose: whose.to_owned(), value: Rc::clone(value), call, expected });
    }
}

fn options(place: &Place, clock: &Arc<ManualClock>) -> Options {
    Options::new().key(place.key()).clock(Clock::Manual(Arc::clone(clock)))
}

/// Plays one call to a service.
fn call(
    stage: &mut Stage,
    store: &Store,
    why: &str,
    (call, value): (Call, &str),
    expected: Status,
) -> Result<(), Failure> {
    let request = call.request(value);
    let presented = host::read(store, &request)?;
    let step = Step::new(why).asked(call.request(&mask(value)).text()).expects(Said::Verdict(expected));
    // An error is an answer that differs, and counted as one.
    let _counted = stage.step(step, || judge(store, &presented), |verdict| Said::Verdict(verdict.status()));
    Ok(())
}

/// Every token of the store, dead ones included.
fn everything(store: &Store) -> tokenstore::Result<Vec<Token>> {
    let (mut tokens, mut filter) = (Vec::new(), Filter::new().with_dead());
    loop {
        let page = store.list(&filter)?;
        tokens.extend(page.tokens);
        match page.next {
            Some(next) => filter = filter.after(next),
            None => return Ok(tokens),
        }
    }
}
