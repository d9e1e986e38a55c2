//! meetergo's personal access tokens: a unique name, perhaps an expiry, and a Revoke button.

use std::rc::Rc;
use std::time::Duration;

use time::OffsetDateTime;
use tokenstore::{
    Created, ErrorKind, Expiry, Filter, NewToken, Page, Status, Store, TypeId, TypePolicy, Value,
};
use zeroize::Zeroizing;

use super::host::{Call, PERSONAL};
use super::stage::{Answer as Said, Stage, Step};
use super::{DAY, World, call};
use crate::failure::Failure;
use crate::text::time_text;
use crate::token_row::TokenRow;

const SOURCE: &str = "https://help.meetergo.com/en/integrations/automation/personal-access-token";
const ANNA: &str = "anna";
const BEN: &str = "ben";
const ZAPIER: &str = "Zapier";
const MILLISECOND: Duration = Duration::from_millis(1);

pub(super) fn play(stage: &mut Stage, world: &mut World) -> Result<(), Failure> {
    stage.chapter("meetergo: personal access tokens", SOURCE);
    let store = &world.store;
    let step = Step::new("There is one type. A name is unique among a user's live tokens.")
        .asked(format!("store.declare(TypePolicy::new({PERSONAL:?}, \"rgo\"))"));
    let policy = TypePolicy::new(PERSONAL, "rgo");
    let personal = stage.step(step, || store.declare(&policy), |_| Said::text("done"))?;

    let wish = Wish { personal, user: ANNA, name: ZAPIER, expires: None };
    let zapier = wish.create(stage, store, "Create Token: a name, and no expiry.")?;
    call(stage, store, "It is used as a Bearer token.", bearer(&zapier.value), Status::Ok)?;
    let wrong = mistyped(&zapier.value);
    let why = "Its last character mistyped: the check characters tell.";
    call(stage, store, why, (Call::MeetingTypes, wrong.as_str()), Status::Malformed)?;
    names_are_unique(stage, world, wish)?;

    let wish = Wish { name: "CI", expires: Some(world.clock.now() + DAY * 30), ..wish };
    let ci = wish.create(stage, &world.store, "Create Token: with an expiry, in 30 days.")?;
    list_shows_no_value(stage, &world.store, &[&zapier.value, &ci.value]);
    expiry_is_final(stage, world, &ci.value, &zapier.value)?;
    world.remember("anna's CI, which expired.", &Rc::new(ci.value), Call::MeetingTypes, Status::Expired);
    revoke(stage, world, Wish { name: ZAPIER, expires: None, ..wish }, zapier)?;
    a_value_is_lost(stage, world, Wish { user: BEN, name: "Laptop", expires: None, ..wish })
}

/// A token that a user asks for.
#[derive(Clone, Copy)]
struct Wish {
    personal: TypeId,
    user: &'static str,
    name: &'static str,
    expires: Option<OffsetDateTime>,
}

impl Wish {
    fn token(self) -> NewToken {
        let token = NewToken::new(self.personal, self.user).name(self.name);
        match self.expires {
            Some(time) => token.expires(Expiry::At(time)),
            None => token,
        }
    }

    fn asked(self) -> String {
        let expires = self.expires.map(|time| format!(", expires {}", time_text(time))).unwrap_or_default();
        format!("store.create({PERSONAL}, {}, {:?}{expires})", self.user, self.name)
    }

    fn create(self, stage: &mut Stage, store: &Store, why: &str) -> Result<Created, Failure> {
        let step = Step::new(why).asked(self.asked()).expects(Said::text("created"));
        let token = self.token();
        Ok(stage.step(step, || store.create(&token), |_| Said::text("created"))?)
    }
}

fn bearer(value: &Value) -> (Call, &str) {
    (Call::MeetingTypes, value.as_str())
}

/// The value with another last character.
fn mistyped(value: &Value) -> Zeroizing<String> {
    let mut text = Zeroizing::new(value.as_str().to_owned());
    let last = text.pop();
    text.push(if last == Some('x') { 'y' } else { 'x' });
    text
}

fn names_are_unique(stage: &mut Stage, world: &mut World, wish: Wish) -> Result<(), Failure> {
    let store = &world.store;
    let step = Step::new("A second token of that name is refused.")
        .asked(wish.asked())
        .expects(Said::Error(ErrorKind::NameTaken));
    let _counted = stage.step(step, || store.create(&wish.token()), |_| Said::text("created"));
    let of_ben =
        Wish { user: BEN, ..wish }.create(stage, store, "Another user may have one of the same name.")?;
    world.remember("ben's Zapier.", &Rc::new(of_ben.value), Call::MeetingTypes, Status::Ok);
    Ok(())
}

fn list_shows_no_value(stage: &mut Stage, store: &Store, values: &[&Value]) {
    let step = Step::new("The list shows names; a value cannot be seen again.")
        .asked(format!("store.list(owner {ANNA})"))
        .expects(Said::text("Zapier, CI; no value in all that is listed"));
    let listed = |page: &Page| {
        let names: Vec<_> = page.tokens.iter().filter_map(|token| token.name.as_deref()).collect();
        let rows: Vec<_> = page.tokens.iter().map(|token| TokenRow::new(store, token)).collect();
        let all = serde_json::to_string(&rows).unwrap_or_default() + &format!("{page:?}");
        let leaked = values.iter().any(|value| all.contains(value.as_str()));
        let found = if leaked { "with a value" } else { "no value in all that is listed" };
        Said::text(format!("{}; {found}", names.join(", ")))
    };
    let _counted = stage.step(step, || store.list(&Filter::new().owner(ANNA)), listed);
}

fn expiry_is_final(stage: &mut Stage, world: &World, ci: &Value, zapier: &Value) -> Result<(), Failure> {
    let World { store, clock, .. } = world;
    clock.advance(DAY * 30 - MILLISECOND);
    let at = |what: &str| format!("{what} It is {}.", time_text(clock.now()));
    call(stage, store, &at("The last millisecond before the expiry: accepted."), bearer(ci), Status::Ok)?;
    clock.advance(MILLISECOND);
    call(stage, store, &at("The expiry is reached: refused."), bearer(ci), Status::Expired)?;
    clock.set(clock.now() - DAY);
    call(stage, store, &at("Setting the clock back does not revive it."), bearer(ci), Status::Expired)?;
    call(stage, store, "A token without an expiry goes on.", bearer(zapier), Status::Ok)
}

fn revoke(stage: &mut Stage, world: &mut World, wish: Wish, zapier: Created) -> Result<(), Failure> {
    let store = &world.store;
    let step = Step::new("The Revoke button beside Zapier.").asked("store.revoke(id)");
    let _counted = stage.step(step, || store.revoke(zapier.id), Said::change);
    call(stage, store, "It is refused at once.", bearer(&zapier.value), Status::Revoked)?;
    let again = wish.create(stage, store, "The name is free for a new token.")?;
    call(stage, store, "Which is accepted.", bearer(&again.value), Status::Ok)?;
    call(stage, store, "The old one stays refused.", bearer(&zapier.value), Status::Revoked)?;
    world.remember(
        "anna's first Zapier, which was revoked.",
        &Rc::new(zapier.value),
        Call::MeetingTypes,
        Status::Revoked,
    );
    world.remember("anna's second Zapier.", &Rc::new(again.value), Call::MeetingTypes, Status::Ok);
    Ok(())
}

fn a_value_is_lost(stage: &mut Stage, world: &mut World, wish: Wish) -> Result<(), Failure> {
    let store = &world.store;
    let Created { id, value: old, .. } = wish.create(stage, store, "Create Token: another one.")?;
    let step = Step::new("Its value was lost, and is shown to nobody again. The token gets a new one.")
        .asked("store.rotate(id, no grace)")
        .expects(Said::text("a new value for Laptop"));
    let rotated = || store.rotate(id, Duration::ZERO).and_then(|new| Ok((new, store.get(id)?)));
    let (new, _) = stage.step(step, rotated, |(new, token)| {
        let whose = token.name.as_deref().unwrap_or("nobody");
        let how = if new.value.as_bytes() == old.as_bytes() { "the old" } else { "a new" };
        Said::text(format!("{how} value for {whose}"))
    })?;
    call(stage, store, "The new value is accepted.", bearer(&new.value), Status::Ok)?;
    call(stage, store, "The lost one is good for nobody who finds it.", bearer(&old), Status::Superseded)?;
    world.remember("ben's Laptop.", &Rc::new(new.value), Call::MeetingTypes, Status::Ok);
    world.remember("ben's Laptop, the lost value.", &Rc::new(old), Call::MeetingTypes, Status::Superseded);
    Ok(())
}
