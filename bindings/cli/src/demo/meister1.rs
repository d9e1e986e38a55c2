//! Meister1's authorization API: a client's secret gets a pair, a refresh token the next one.

use std::rc::Rc;
use std::time::Duration;

use time::OffsetDateTime;
use tokenstore::{
    Created, ErrorKind, EventDetail, FamilyPolicy, NewToken, PairValues, Status, Store, TypePolicy, Value,
};
use zeroize::Zeroizing;

use super::authorization::{self, Reply, Tokens, Types};
use super::host::{ACCESS, Call, GRANT, REFRESH, SECRET};
use super::stage::{Answer as Said, Stage, Step};
use super::{DAY, World, call, grant_url, jwt};
use crate::failure::Failure;
use crate::text::mask;

const SOURCE: &str = "https://docs.meister1.com/it/api/auth";
const SHOP: &str = "shop@firm.example";
pub(super) const SHOP_USER: &str = "user|1|4196";
const CRM: &str = "crm";
const CRM_USER: &str = "user|1|5207";
pub(super) const BACK_URL: &str = "https://shop.example/konto?tab=1&lang=it";
pub(super) const DEEP_PATH: &str = "/it/accounts/77";
pub(super) const SSO: Call = Call::Sso { back_url: BACK_URL, account: "77", locale: "it" };
/// How long an access token lives, by the documents.
const ACCESS_LIFETIME: Duration = Duration::from_secs(36_000);
/// How long a grant URL lives, by the documents.
pub(super) const GRANT_LIFETIME: Duration = Duration::from_secs(15);
/// How long a refresh token that was used gets the same pair again: the library's default.
const GRACE: Duration = Duration::from_secs(30);
pub(super) const MILLISECOND: Duration = Duration::from_millis(1);
const NEW_PAIR: &str = "200 a new pair: Bearer, expiresIn 36000";

pub(super) fn play(stage: &mut Stage, world: &mut World) -> Result<(), Failure> {
    stage.chapter("Meister1: authorization API", SOURCE);
    stage.say("(The clock is set right again: it was a day behind.)");
    world.clock.advance(DAY);
    let types = declare(stage, &world.store)?;
    let shop = client(stage, &world.store, types, SHOP_USER, SHOP)?;
    let secret = Rc::new(shop.value);
    let first = sign_in(stage, world, &secret)?;
    each_value_in_its_place(stage, world, &secret, &first)?;
    grant_url::play(stage, world, types, &first)?;
    let second = refresh(stage, world, &first)?;
    let third = access_expires(stage, world, &second)?;
    theft(stage, world, &second, &third)?;
    secret_is_revoked(stage, world, types, shop.id, &secret)?;
    values_made_elsewhere(stage, world, types)
}

/// A refresh token, and what its client hears: to ask again once the store was closed.
pub(super) struct Session {
    whose: String,
    client: &'static str,
    refresh: Rc<Value>,
    known: Vec<Tokens>,
    expected: Said,
}

impl Session {
    pub(super) fn play(&self, stage: &mut Stage, store: &Store, now: OffsetDateTime) -> Result<(), Failure> {
        let ask = Ask { store, now, values: PairValues::default(), known: &self.known };
        ask.refresh(stage, &self.whose, self.client, &self.refresh, self.expected.clone()).map(drop)
    }
}

fn declare(stage: &mut Stage, store: &Store) -> Result<Types, Failure> {
    let month = DAY * 30;
    let families = FamilyPolicy::new(ACCESS_LIFETIME, month, month * 3).grace(GRACE);
    let declared = [
        (
            "A client's secret is accepted where a secret is asked for, and nowhere else.",
            TypePolicy::new(SECRET, "m1s").by_name_only(true),
            ".by_name_only(true)",
        ),
        (
            "An access token may be a JWT, made elsewhere.",
            TypePolicy::new(ACCESS, "m1a").accepts_external(true),
            ".accepts_external(true)",
        ),
        (
            "Access tokens live for 36000 s; a sign-in can be refreshed for 90 days.",
            TypePolicy::new(REFRESH, "m1r").families(families),
            ".families(FamilyPolicy::new(36000 s, 30 days, 90 days).grace(30 s))",
        ),
        (
            "A grant URL has a ticket that lives for 15 s, in memory alone, and is good once.",
            TypePolicy::new(GRANT, "m1g").uses(1).default_lifetime(GRANT_LIFETIME).volatile(true),
            ".uses(1).default_lifetime(15 s).volatile(true)",
        ),
    ];
    for (why, policy, more) in declared {
        let (name, prefix) = (policy.name(), policy.prefix());
        let step =
            Step::new(why).asked(format!("store.declare(TypePolicy::new({name:?}, {prefix:?}){more})"));
        stage.step(step, || store.declare(&policy), |_| Said::text("done"))?;
    }
    Types::of(store)
}

fn client(
    stage: &mut Stage,
    store: &Store,
    types: Types,
    user: &str,
    client: &str,
) -> Result<Created, Failure> {
    let step = Step::new("A server user gets a client id and a secret, which is shown once.")
        .asked(format!("store.create({SECRET}, {user}, binding {client})"))
        .expects(Said::text("created"));
    let token = NewToken::new(types.secret, user).binding(client);
    Ok(stage.step(step, || store.create(&token), |_| Said::text("created"))?)
}

/// A client that asks `/v1/token`.
struct Ask<'a> {
    store: &'a Store,
    now: OffsetDateTime,
    values: PairValues<'a>,
    /// The pairs that it got before, the newest last.
    known: &'a [Tokens],
}

impl<'a> Ask<'a> {
    /// The same, answered by a service with an access value of its own.
    fn offers(self, access: &'a str) -> Ask<'a> {
        Ask { values: PairValues { access: Some(access.as_bytes()), refresh: None }, ..self }
    }

    fn sign_in(
        &self,
        stage: &mut Stage,
        why: &str,
        client: &'static str,
        secret: &str,
        expected: Said,
    ) -> Result<Option<Tokens>, Failure> {
        self.play(stage, why, Call::ClientCredentials { client }, secret, expected)
    }

    fn refresh(
        &self,
        stage: &mut Stage,
        why: &str,
        client: &'static str,
        value: &Value,
        expected: Said,
    ) -> Result<Option<Tokens>, Failure> {
        self.play(stage, why, Call::RefreshToken { client }, value.as_str(), expected)
    }

    fn play(
        &self,
        stage: &mut Stage,
        why: &str,
        call: Call,
        value: &str,
        expected: Said,
    ) -> Result<Option<Tokens>, Failure> {
        let request = call.request(value);
        let wish = authorization::read(self.store, &request)?;
        let types = Types::of(self.store)?;
        let step = Step::new(why).asked(call.request(&mask(value)).text()).expects(expected);
        let asked = || authorization::pair(self.store, types, &wish, self.values);
        // An error is an answer that differs from a pair, and counted where one was expected.
        Ok(match stage.step(step, asked, |reply| self.said(reply)) {
            Ok(Reply::Pair(tokens)) => Some(tokens),
            _ => None,
        })
    }

    fn said(&self, reply: &Reply) -> Said {
        let tokens = match reply {
            Reply::Pair(tokens) => tokens,
            Reply::Refused(status) => return Said::Verdict(*status),
        };
        let which = match self.known.last() {
            Some(last) if last.same(tokens) => "the same pair again, byte for byte",
            _ if self.known.iter().any(|known| known.shares(tokens)) => "a pair with an old value",
            _ => "a new pair",
        };
        let seconds = (tokens.access_expires - self.now).whole_seconds();
        Said::text(format!("200 {which}: Bearer, expiresIn {seconds}"))
    }
}

impl World {
    fn ask<'a>(&'a self, known: &'a [Tokens]) -> Ask<'a> {
        Ask { store: &self.store, now: self.clock.now(), values: PairValues::default(), known }
    }
}

/// The pair that the play goes on with.
fn expect_pair(tokens: Option<Tokens>) -> Result<Tokens, Failure> {
    tokens.ok_or_else(|| Failure::Trouble("the play cannot go on without a pair".to_owned()))
}

fn sign_in(stage: &mut Stage, world: &World, secret: &Value) -> Result<Tokens, Failure> {
    let ask = world.ask(&[]);
    let mut wrong = Zeroizing::new(secret.as_str().to_owned());
    let last = wrong.pop();
    wrong.push(if last == Some('x') { 'y' } else { 'x' });
    let why = "A secret that was mistyped.";
    ask.sign_in(stage, why, SHOP, &wrong, Said::Verdict(Status::Malformed))?;
    let why = "The secret, with the id of another client.";
    ask.sign_in(stage, why, CRM, secret.as_str(), Said::Verdict(Status::WrongBinding))?;
    let why = "Client id and secret get an access token, for 36000 s, and a refresh token.";
    expect_pair(ask.sign_in(stage, why, SHOP, secret.as_str(), Said::text(NEW_PAIR))?)
}

fn each_value_in_its_place(
    stage: &mut Stage,
    world: &World,
    secret: &Value,
    first: &Tokens,
) -> Result<(), Failure> {
    let store = &world.store;
    let cases = [
        ("The access token opens the API, as a Bearer token.", first.access.as_str(), Status::Ok),
        ("The refresh token does not.", first.refresh.as_str(), Status::WrongType),
        ("Nor does the client's secret.", secret.as_str(), Status::WrongType),
    ];
    for (why, value, expected) in cases {
        call(stage, store, why, (SSO, value), expected)?;
    }
    let known = [first.clone()];
    let ask = world.ask(&known);
    let why = "An access token is no refresh token.";
    ask.refresh(stage, why, SHOP, &first.access, Said::Verdict(Status::WrongType))?;
    let why = "The refresh token of another client changes nothing.";
    ask.refresh(stage, why, CRM, &first.refresh, Said::Verdict(Status::WrongBinding))?;
    Ok(())
}

fn refresh(stage: &mut Stage, world: &World, first: &Tokens) -> Result<Tokens, Failure> {
    let (store, clock) = (&world.store, &world.clock);
    let why = "Client id and refresh token, and no secret, get a new pair.";
    let known = [first.clone()];
    let tokens = world.ask(&known).refresh(stage, why, SHOP, &first.refresh, Said::text(NEW_PAIR))?;
    let second = expect_pair(tokens)?;
    call(stage, store, "The new access token works.", (SSO, second.access.as_str()), Status::Ok)?;
    let why = "The one before it ended with that.";
    call(stage, store, why, (SSO, first.access.as_str()), Status::Superseded)?;
    clock.advance(GRACE - MILLISECOND);
    let why = "The reply was lost, and the client asks again with its old refresh token, after 29.999 s.";
    let known = [first.clone(), second.clone()];
    let same = Said::text("200 the same pair again, byte for byte: Bearer, expiresIn 35970");
    for why in [why, "And once more."] {
        world.ask(&known).refresh(stage, why, SHOP, &first.refresh, same.clone())?;
    }
    Ok(second)
}

fn access_expires(stage: &mut Stage, world: &World, second: &Tokens) -> Result<Tokens, Failure> {
    let (store, clock) = (&world.store, &world.clock);
    clock.set(second.access_expires - MILLISECOND);
    let why = "The access token is good until its 36000 s are over: here is the last millisecond.";
    call(stage, store, why, (SSO, second.access.as_str()), Status::Ok)?;
    clock.advance(MILLISECOND);
    call(stage, store, "They are over.", (SSO, second.access.as_str()), Status::Expired)?;
    let known = [second.clone()];
    let why = "The refresh token lives, and gets a new pair.";
    expect_pair(world.ask(&known).refresh(stage, why, SHOP, &second.refresh, Said::text(NEW_PAIR))?)
}

fn theft(stage: &mut Stage, world: &mut World, second: &Tokens, third: &Tokens) -> Result<(), Failure> {
    let (store, clock) = (&world.store, &world.clock);
    clock.advance(GRACE);
    let known = [second.clone(), third.clone()];
    let reused = Said::Verdict(Status::Reused);
    let why = "Somebody shows the used refresh token after 30.000 s: it was stolen, and the sign-in ends.";
    world.ask(&known).refresh(stage, why, SHOP, &second.refresh, reused)?;
    let why = "The newest access token is refused with it,";
    call(stage, store, why, (SSO, third.access.as_str()), Status::Revoked)?;
    let revoked = Said::Verdict(Status::Revoked);
    let why = "and so is the newest refresh token.";
    world.ask(&known).refresh(stage, why, SHOP, &third.refresh, revoked.clone())?;
    let step = Step::new("The log says what happened.")
        .asked("store.events(...).last()")
        .expects(Said::text("reused, 1 back, 30 s after it was replaced"));
    let last = || store.stats().and_then(|stats| store.events(stats.sequence - 1, 1));
    let _counted = stage.step(step, last, |events| {
        Said::text(match events.first().map(|event| (event.kind.name(), &event.detail)) {
            Some((kind, Some(EventDetail::Reuse { distance, age }))) => {
                format!("{kind}, {distance} back, {} s after it was replaced", age.as_secs_f64())
            }
            Some((kind, _)) => kind.to_owned(),
            None => "nothing".to_owned(),
        })
    });
    world.remember("The access token of the stolen sign-in.", &third.access, SSO, Status::Revoked);
    world.sessions.push(Session {
        whose: "The refresh token of the stolen sign-in.".to_owned(),
        client: SHOP,
        refresh: Rc::clone(&third.refresh),
        known: known.to_vec(),
        expected: revoked,
    });
    Ok(())
}

fn secret_is_revoked(
    stage: &mut Stage,
    world: &mut World,
    types: Types,
    id: tokenstore::Id,
    secret: &Rc<Value>,
) -> Result<(), Failure> {
    let store = &world.store;
    let why = "The client signs in again, with its secret.";
    let ask = world.ask(&[]);
    let fourth = expect_pair(ask.sign_in(stage, why, SHOP, secret.as_str(), Said::text(NEW_PAIR))?)?;
    let url = grant_url::ask(stage, world, types, "And asks for a grant URL.", &fourth.access)?;
    let step = Step::new("The secret leaked, and is revoked.").asked("store.revoke(id)");
    let _counted = stage.step(step, || store.revoke(id), Said::change);
    let revoked = Said::Verdict(Status::Revoked);
    let why = "It gets no pair any more.";
    ask.sign_in(stage, why, SHOP, secret.as_str(), revoked.clone())?;
    let why = "The sign-in from before goes on by itself.";
    call(stage, store, why, (SSO, fourth.access.as_str()), Status::Ok)?;
    let step = Step::new("Unless it is ended, too: all that the user has so far, in one call.")
        .asked(format!("store.revoke_owner({SHOP_USER})"));
    let ended = || store.revoke_owner(SHOP_USER, None, "the operator", "the secret leaked");
    let _counted = stage.step(step, ended, Said::change);
    call(stage, store, "Its access token is refused,", (SSO, fourth.access.as_str()), Status::Revoked)?;
    ask.refresh(stage, "its refresh token,", SHOP, &fourth.refresh, revoked.clone())?;
    grant_url::open(stage, world, "and the grant URL that is still open.", &url, BACK_URL, revoked)?;
    let shop = Call::ClientCredentials { client: SHOP };
    world.remember("The client's secret, which was revoked.", secret, shop, Status::Revoked);
    world.remember("An access token of the user whose all was ended.", &fourth.access, SSO, Status::Revoked);
    Ok(())
}

fn values_made_elsewhere(stage: &mut Stage, world: &mut World, types: Types) -> Result<(), Failure> {
    let store = &world.store;
    let secret = client(stage, store, types, CRM_USER, CRM)?.value;
    let (first_jwt, second_jwt) = (jwt::longest()?, jwt::longest()?);
    let mut too_long = Zeroizing::new(String::with_capacity(first_jwt.len() + 1));
    too_long.push_str(&first_jwt);
    too_long.push('x');
    let invalid = Said::Error(ErrorKind::InvalidArgument);
    let why = "The access token may be a JWT of the service's own. One of 8193 bytes is too long.";
    world.ask(&[]).offers(&too_long).sign_in(stage, why, CRM, secret.as_str(), invalid)?;
    let why = "One of 8192 bytes is taken.";
    let ask = world.ask(&[]).offers(&first_jwt);
    let first = expect_pair(ask.sign_in(stage, why, CRM, secret.as_str(), Said::text(NEW_PAIR))?)?;
    call(stage, store, "It opens the API.", (SSO, &first_jwt), Status::Ok)?;
    call(
        stage,
        store,
        "A JWT that the store was not told of does not.",
        (SSO, &second_jwt),
        Status::Unknown,
    )?;
    let why = "The same JWT cannot be another access token.";
    let exists = Said::Error(ErrorKind::ValueExists);
    let known = [first.clone()];
    world.ask(&known).offers(&first_jwt).refresh(stage, why, CRM, &first.refresh, exists)?;
    let why = "A refresh gets the next JWT.";
    let ask = world.ask(&known).offers(&second_jwt);
    let second = expect_pair(ask.refresh(stage, why, CRM, &first.refresh, Said::text(NEW_PAIR))?)?;
    call(stage, store, "The next JWT opens the API.", (SSO, &second_jwt), Status::Ok)?;
    call(stage, store, "The one before does not any more.", (SSO, &first_jwt), Status::Superseded)?;
    let why = "Whoever lost the reply gets that JWT, whatever JWT is offered now.";
    let known = [first.clone(), second.clone()];
    let same = Said::text("200 the same pair again, byte for byte: Bearer, expiresIn 36000");
    let third_jwt = jwt::longest()?;
    world.ask(&known).offers(&third_jwt).refresh(stage, why, CRM, &first.refresh, same.clone())?;
    world.remember("The second JWT.", &second.access, SSO, Status::Ok);
    world.remember("The first JWT.", &first.access, SSO, Status::Superseded);
    world.sessions.push(Session {
        whose: "The reply that was lost is there after the restart, too.".to_owned(),
        client: CRM,
        refresh: first.refresh,
        known: known.to_vec(),
        expected: same,
    });
    Ok(())
}
