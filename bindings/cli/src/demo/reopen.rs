//! The store is closed and opened again: who may open it, and whether it still knows everything.

use std::collections::BTreeMap;

use tokenstore::{ErrorKind, Event, EventDetail, EventKind, Id, Options, State, Store, Token};

use super::place::Place;
use super::stage::{Answer as Said, Stage, Step};
use super::{DAY, Known, World, call, everything, options};
use crate::failure::Failure;

/// More events than the demo makes.
const ALL_EVENTS: usize = 1_000;

pub(super) fn play(stage: &mut Stage, world: World, place: &Place) -> Result<(), Failure> {
    stage.chapter("Close, and open again", "");
    let World { store, clock, known, sessions } = world;
    let options = options(place, &clock);
    let refused = |stage: &mut Stage, why: &str, options: &Options, kind| {
        let step =
            Step::new(why).asked(format!("Options::open({:?})", place.store())).expects(Said::Error(kind));
        let _counted = stage.step(step, || options.open(place.store()), |_| Said::text("opened"));
    };
    refused(stage, "While it is open, nobody else can open it.", &options, ErrorKind::Locked);
    let before = everything(&store)?;
    let _counted =
        stage.step(Step::new("Close.").asked("store.close()"), || store.close(), |()| Said::text("done"));
    drop(store);
    clock.set(clock.now() - DAY);

    let wrong = options.clone().key(&[0x55; 32]);
    refused(stage, "Another key does not open it.", &wrong, ErrorKind::WrongKey);
    refused(stage, "Nor does opening it without one.", &Options::new(), ErrorKind::WrongKey);
    let step = Step::new("Its own key does. The clock was set back by a day meanwhile.")
        .asked(format!("Options::open({:?})", place.store()))
        .expects(Said::text("opened"));
    let store = stage.step(step, || options.open(place.store()), |_| Said::text("opened"))?;

    for Known { whose, value, call: to, expected } in &known {
        call(stage, &store, whose, (*to, value.as_str()), *expected)?;
    }
    for session in &sessions {
        session.play(stage, &store, clock.now() + DAY)?;
    }
    list_is_the_same(stage, &store, &before);
    events_lead_to_the_list(stage, &store, &before);
    let step = Step::new("Close.").asked("store.close()");
    let _counted = stage.step(step, || store.close(), |()| Said::text("done"));
    Ok(())
}

fn list_is_the_same(stage: &mut Stage, store: &Store, before: &[Token]) {
    let same = format!("{} tokens, each as it was", before.len());
    let step = Step::new("The list is the one from before the close.")
        .asked("store.list(with the dead ones)")
        .expects(Said::text(&same));
    let unused = |token: &Token| {
        // Last uses are written at a close, to the minute; everything else must not have moved.
        let mut token = token.clone();
        token.last_used = None;
        if let Some(old) = &mut token.old_value {
            old.last_used = None;
        }
        token
    };
    let _counted = stage.step(
        step,
        || everything(store),
        |after| {
            let differ = after.len() != before.len()
                || after.iter().zip(before).any(|(after, before)| unused(after) != unused(before));
            Said::text(if differ { "another list" } else { &same })
        },
    );
}

fn events_lead_to_the_list(stage: &mut Stage, store: &Store, before: &[Token]) {
    let listed: BTreeMap<_, _> =
        before.iter().map(|token| (subject(token), token.state == State::Revoked)).collect();
    let owners: BTreeMap<_, _> =
        before.iter().map(|token| (subject(token), token.owner.as_slice())).collect();
    let agree = "no gap in their numbers; played back, they give the list";
    let step = Step::new("The log of events tells how it came to be.")
        .asked("store.events(0, 1000)")
        .expects(Said::text(agree));
    let _counted = stage.step(
        step,
        || store.events(0, ALL_EVENTS),
        |events| {
            let gapless = events.iter().zip(1..).all(|(event, number)| event.sequence == number);
            Said::text(match (gapless, played_back(events, &owners) == listed) {
                (true, true) => agree,
                (true, false) => "played back, they give another list",
                (false, _) => "an event is missing",
            })
        },
    );
}

/// What an event tells of when it tells of a token: members of a family come and go with it.
fn subject(token: &Token) -> Id {
    token.family.unwrap_or(token.id)
}

/// The tokens and families that are there after these events, and whether each is revoked.
fn played_back(events: &[Event], owners: &BTreeMap<Id, &[u8]>) -> BTreeMap<Id, bool> {
    let mut tokens = BTreeMap::new();
    for event in events {
        if let Some(EventDetail::Owner(owner)) = &event.detail {
            let theirs = |id: &Id| owners.get(id).is_some_and(|known| known == owner);
            tokens.iter_mut().filter(|(id, _)| theirs(id)).for_each(|(_, revoked)| *revoked = true);
        }
        let Some(id) = event.id else { continue };
        match event.kind {
            EventKind::Created | EventKind::PairIssued => {
                tokens.insert(id, false);
            }
            EventKind::Revoked | EventKind::FamilyRevoked | EventKind::Reused => {
                tokens.insert(id, true);
            }
            EventKind::Deleted => {
                tokens.remove(&id);
            }
            _ => {}
        }
    }
    tokens
}
