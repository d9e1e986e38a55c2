//! The store is opened twice at once, as two processes have it open: what one changes, the other's next call knows.

use std::sync::Arc;

use tokenstore::{
    Consumed, Created, ErrorKind, Grants, ManualClock, NewPair, NewToken, Options, Pair, Query, Refresh,
    Status, Store, Verdict,
};

use super::authorization::Types;
use super::host::{SERVER, no_request};
use super::options;
use super::place::Place;
use super::stage::{Answer as Said, Stage, Step};
use crate::failure::Failure;
use crate::text::mask;

const OWNER: &str = "account-17";
const CLIENT: &str = "shop@firm.example";
const PROJECT: &str = "AAAAA-11111";

pub(super) fn play(stage: &mut Stage, place: &Place, clock: &Arc<ManualClock>) -> Result<(), Failure> {
    let (exclusive, shared) = (options(place, clock), options(place, clock).shared(true));
    stage.chapter("Two processes, one store", "");
    match shared.open(place.store()) {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            stage.say("(Left out: this system, or the file system, cannot share a store.)");
            return Ok(());
        }
        opened => opened?.close()?,
    }
    stage.say("Each opening has a memory of its own, and verifies from it, as another process does.");
    let first = open(stage, "A service opens the store, and lets others in.", &shared, place)?;
    let second = open(stage, "A second one opens it, too.", &shared, place)?;
    let step = Step::new("Whoever wants it exclusively is told that it is open.")
        .asked(format!("Options::open({:?})", place.store()))
        .expects(Said::Error(ErrorKind::Locked));
    let _counted = stage.step(step, || exclusive.open(place.store()), |_| Said::text("opened"));

    revocation(stage, &first, &second)?;
    session(stage, &first, &second)?;
    ticket(stage, &first, &second)?;
    for (why, store) in [("The first one closes it.", &first), ("And the second one.", &second)] {
        let step = Step::new(why).asked("store.close()");
        let _counted = stage.step(step, || store.close(), |()| Said::text("done"));
    }
    Ok(())
}

fn open(stage: &mut Stage, why: &str, options: &Options, place: &Place) -> Result<Store, Failure> {
    let step = Step::new(why)
        .asked(format!("Options::shared(true).open({:?})", place.store()))
        .expects(Said::text("opened"));
    Ok(stage.step(step, || options.open(place.store()), |_| Said::text("opened"))?)
}

fn revocation(stage: &mut Stage, first: &Store, second: &Store) -> Result<(), Failure> {
    let server = first.find_type(SERVER).ok_or_else(no_request)?;
    let token = NewToken::new(server, OWNER).name("Shared").grants(Grants::All);
    let Created { id, value, .. } = create(stage, first, "The first makes a token.", &token)?;
    let query = Query::of_type(server).project(PROJECT);
    let verify = |stage: &mut Stage, why: &str, (who, store): (&str, &Store), query: &Query, expected| {
        let step = Step::new(why).asked(format!("{who}.verify({}, ...)", mask(value.as_str())));
        let read = |verdict: &Verdict| Said::Verdict(verdict.status());
        let _counted = stage.step(step.expects(expected), || store.verify(value.as_bytes(), query), read);
    };
    let (at_first, at_second) = (("first", first), ("second", second));
    let accepted = Said::Verdict(Status::Ok);
    verify(stage, "The second reads what is new, and accepts it.", at_second, &query, accepted.clone());
    verify(stage, "From then on its own memory is enough.", at_second, &query, accepted);

    let step = Step::new("The second takes its projects away.").asked("second.revoke_grants(id)");
    let _counted = stage.step(step, || second.revoke_grants(id), Said::change);
    verify(stage, "The first's next verify knows.", at_first, &query, Said::Verdict(Status::NoGrant));

    let step = Step::new("The first revokes it.").asked("first.revoke(id)");
    let _counted = stage.step(step, || first.revoke(id), Said::change);
    let why = "The second's next verify would have to read; one that may not wait says so.";
    verify(stage, why, at_second, &query.clone().no_wait(), Said::Error(ErrorKind::Stale));
    verify(stage, "One that may wait refuses it.", at_second, &query, Said::Verdict(Status::Revoked));
    Ok(())
}

fn session(stage: &mut Stage, first: &Store, second: &Store) -> Result<(), Failure> {
    let types = Types::of(first)?;
    let new = NewPair::new(types.access, types.refresh, OWNER, CLIENT);
    let step = Step::new("A client signs in at the first.")
        .asked("first.issue_pair(...)")
        .expects(Said::text("a pair"));
    let refresh = stage.step(step, || first.issue_pair(&new), |_| Said::text("a pair"))?.refresh.value;
    let step = Step::new("It refreshes at the second, and the reply is lost.")
        .asked("second.refresh(value, client)")
        .expects(Said::text("a new pair"));
    let next = stage.step(
        step,
        || second.refresh(refresh.as_bytes(), CLIENT),
        |next| Said::text(if matches!(next, Refresh::Rotated(_)) { "a new pair" } else { "no new pair" }),
    )?;
    let same = "the same pair again, byte for byte";
    let step = Step::new("So it asks again, and comes to the first.")
        .asked("first.refresh(value, client)")
        .expects(Said::text(same));
    let _counted = stage.step(
        step,
        || first.refresh(refresh.as_bytes(), CLIENT),
        |again| match (again, &next) {
            (Refresh::Replayed(again), Refresh::Rotated(next)) if is_same(again, next) => Said::text(same),
            _ => Said::text("not that pair"),
        },
    );
    Ok(())
}

fn is_same(one: &Pair, other: &Pair) -> bool {
    one.access.value.as_bytes() == other.access.value.as_bytes()
        && one.refresh.value.as_bytes() == other.refresh.value.as_bytes()
}

fn ticket(stage: &mut Stage, first: &Store, second: &Store) -> Result<(), Failure> {
    let types = Types::of(first)?;
    let why = "The first makes a ticket. In memory alone it would be the first's, so it is on the disk.";
    let ticket = create(stage, first, why, &NewToken::new(types.grant, OWNER))?.value;
    let query = Query::of_type(types.grant);
    let verdict = |consumed: &Consumed| Said::Verdict(consumed.verdict.status());
    for (why, asked, store, expected) in [
        ("It is spent at the second.", "second.consume(ticket, ...)", second, Status::Ok),
        ("At the first it is used up.", "first.consume(ticket, ...)", first, Status::Used),
    ] {
        let step = Step::new(why).asked(asked).expects(Said::Verdict(expected));
        let _counted = stage.step(step, || store.consume(ticket.as_bytes(), &query), verdict);
    }
    Ok(())
}

fn create(stage: &mut Stage, store: &Store, why: &str, token: &NewToken) -> Result<Created, Failure> {
    let step = Step::new(why).asked("first.create(...)").expects(Said::text("created"));
    Ok(stage.step(step, || store.create(token), |_| Said::text("created"))?)
}
