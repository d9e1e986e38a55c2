//! Meister1's grant URLs: a ticket that signs a user in, once, for 15 s.

use std::rc::Rc;

use tokenstore::{Query, Status, Value};

use super::authorization::{self, Carried, GrantUrl, Tokens, Types, unix_ms};
use super::host::{self, Call, GRANT};
use super::meister1::{BACK_URL, DEEP_PATH, GRANT_LIFETIME, MILLISECOND, SHOP_USER, SSO};
use super::stage::{Answer as Said, Stage, Step};
use super::{World, call};
use crate::failure::Failure;
use crate::text::mask;

pub(super) fn play(
    stage: &mut Stage,
    world: &mut World,
    types: Types,
    first: &Tokens,
) -> Result<(), Failure> {
    let (store, clock) = (&world.store, &world.clock);
    let why = "An access token gets a URL that signs its user in, good for 15 s.";
    let url = ask(stage, world, types, why, &first.access)?;
    let why = "The ticket in it is no access token.";
    call(stage, store, why, (SSO, url.ticket.as_str()), Status::WrongType)?;
    let step = Step::new("A scanner that follows every link looks at it: that spends nothing.")
        .asked(format!("store.verify(ticket, {GRANT})"))
        .expects(Said::Verdict(Status::MustConsume));
    let looked = || authorization::look(store, types, &url.ticket);
    let _counted = stage.step(step, looked, |status| Said::Verdict(*status));
    clock.advance(GRANT_LIFETIME - MILLISECOND);
    let in_time = "Opened after 14.999 s, with another backUrl put in: what the ticket carries counts.";
    let expected = led(SHOP_USER, DEEP_PATH, BACK_URL);
    open(stage, world, in_time, &url, "https://evil.example/", expected.clone())?;
    let why = "Opened a second time: it was good once.";
    open(stage, world, why, &url, BACK_URL, Said::Verdict(Status::Used))?;

    let url = ask(stage, world, types, "Another grant URL.", &first.access)?;
    clock.advance(GRANT_LIFETIME);
    let why = "Opened after 15.000 s: too late.";
    open(stage, world, why, &url, BACK_URL, Said::Verdict(Status::Expired))?;

    let url = ask(stage, world, types, "A third one.", &first.access)?;
    opened_at_once(stage, world, types, &url);
    let url = ask(stage, world, types, "A fourth one, which nobody opens yet.", &first.access)?;
    let opened = Call::GrantUrl {
        user: SHOP_USER,
        timestamp_ms: url.carried.timestamp_ms,
        back_url: BACK_URL,
        deep_path: DEEP_PATH,
    };
    world.remember("A grant URL, forgotten at the close.", &Rc::new(url.ticket), opened, Status::Unknown);
    Ok(())
}

/// Several browsers open one URL at the same moment.
fn opened_at_once(stage: &mut Stage, world: &World, types: Types, url: &GrantUrl) {
    let (store, ticket) = (&world.store, &url.ticket);
    let step = Step::new("Opened by eight browsers at once.")
        .asked("eight threads: store.consume(ticket)")
        .expects(Said::text("one is let in, and seven hear USED"));
    let query = Query::of_type(types.grant);
    let opened = || -> tokenstore::Result<Vec<Status>> {
        std::thread::scope(|scope| {
            let open = || store.consume(ticket.as_bytes(), &query).map(|consumed| consumed.verdict.status());
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            // A thread that failed inside is no answer, and missing below.
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        })
    };
    let _counted = stage.step(step, opened, |statuses| {
        let of = |wanted| statuses.iter().filter(|status| **status == wanted).count();
        Said::text(match (of(Status::Ok), of(Status::Used)) {
            (1, 7) => "one is let in, and seven hear USED".to_owned(),
            (let_in, used) => format!("{let_in} are let in, and {used} hear USED"),
        })
    });
}

/// Asks `/v1/sso` for a grant URL.
pub(super) fn ask(
    stage: &mut Stage,
    world: &World,
    types: Types,
    why: &str,
    access: &Value,
) -> Result<GrantUrl, Failure> {
    let (store, now) = (&world.store, world.clock.now());
    let request = SSO.request(access.as_str());
    let presented = host::read(store, &request)?;
    let text = |carried: &Carried| {
        let Carried { user, timestamp_ms, back_url, deep_path } = carried;
        Said::text(format!(
            "200 grantUrl?token=…&userId={user}&timestamp={timestamp_ms}&backUrl={back_url}&deepPath={deep_path}, \
             expiresIn 15"
        ))
    };
    let step = Step::new(why)
        .asked(SSO.request(&mask(access.as_str())).text())
        .expects(text(&carried(SHOP_USER, unix_ms(now))));
    let said = |granted: &Result<GrantUrl, Status>| match granted {
        Ok(url) => text(&url.carried),
        Err(status) => Said::Verdict(*status),
    };
    let granted = stage.step(step, || authorization::grant(store, types, &request, &presented, now), said)?;
    granted.map_err(|status| Failure::Trouble(format!("the play cannot go on without a grant URL: {status}")))
}

fn carried(user: &str, timestamp_ms: i64) -> Carried {
    Carried {
        user: user.to_owned(),
        timestamp_ms,
        back_url: BACK_URL.to_owned(),
        deep_path: DEEP_PATH.to_owned(),
    }
}

/// A user opens a grant URL; where it leads is what the ticket carries.
pub(super) fn open(
    stage: &mut Stage,
    world: &World,
    why: &str,
    url: &GrantUrl,
    back_url: &'static str,
    expected: Said,
) -> Result<(), Failure> {
    let store = &world.store;
    let opened = Call::GrantUrl {
        user: SHOP_USER,
        timestamp_ms: url.carried.timestamp_ms,
        back_url,
        deep_path: DEEP_PATH,
    };
    let request = opened.request(url.ticket.as_str());
    let presented = host::read(store, &request)?;
    let step = Step::new(why).asked(opened.request(&mask(url.ticket.as_str())).text()).expects(expected);
    let _counted = stage.step(
        step,
        || host::open(store, &presented),
        |consumed| {
            let carried = consumed.app_data.as_deref().map(serde_json::from_slice::<Carried>);
            match carried {
                Some(Ok(Carried { user, back_url, deep_path, .. })) => led(&user, &deep_path, &back_url),
                Some(Err(_)) => Said::text("what the ticket carries cannot be read"),
                None => Said::Verdict(consumed.verdict.status()),
            }
        },
    );
    Ok(())
}

/// What a user sees who opens a good grant URL.
fn led(user: &str, deep_path: &str, back_url: &str) -> Said {
    Said::text(format!("200 {user} is at {deep_path}, and goes back to {back_url}"))
}
