//! What Meister1's authorization API does with the store: pairs for a client's secret, the next pair for a refresh
//! token, a grant URL for an access token.

use std::borrow::Cow;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use tokenstore::{NewPair, NewToken, Pair, PairValues, Query, Refresh, Status, Store, TypeId, Value};

use super::form::field;
use super::host::{self, ACCESS, GRANT, Presented, REFRESH, Request, SECRET, no_request};
use crate::failure::Failure;

/// The types of a server that issues pairs and grants.
#[derive(Clone, Copy)]
pub(super) struct Types {
    pub(super) secret: TypeId,
    pub(super) access: TypeId,
    pub(super) refresh: TypeId,
    pub(super) grant: TypeId,
}

impl Types {
    /// The types, of a store that has them.
    pub(super) fn of(store: &Store) -> Result<Types, Failure> {
        let of_name = |name| store.find_type(name).ok_or_else(no_request);
        Ok(Types {
            secret: of_name(SECRET)?,
            access: of_name(ACCESS)?,
            refresh: of_name(REFRESH)?,
            grant: of_name(GRANT)?,
        })
    }
}

/// A request for a pair, read.
pub(super) enum Wish<'r> {
    /// By a client that shows its secret.
    Credentials { client: Cow<'r, str>, secret: Box<Presented<'r>> },
    /// By a client that shows a refresh token, and no secret.
    Refresh { client: Cow<'r, str>, value: Cow<'r, str> },
}

/// What the service answers to it.
pub(super) enum Reply {
    Pair(Tokens),
    Refused(Status),
}

/// What a client gets and keeps.
#[derive(Clone)]
pub(super) struct Tokens {
    pub(super) access: Rc<Value>,
    pub(super) refresh: Rc<Value>,
    pub(super) access_expires: OffsetDateTime,
}

impl From<Pair> for Tokens {
    fn from(pair: Pair) -> Tokens {
        let Pair { access, refresh, .. } = pair;
        Tokens {
            access: Rc::new(access.value),
            refresh: Rc::new(refresh.value),
            access_expires: access.expires,
        }
    }
}

impl Tokens {
    /// Whether both values are the same.
    pub(super) fn same(&self, other: &Tokens) -> bool {
        self.access.as_bytes() == other.access.as_bytes()
            && self.refresh.as_bytes() == other.refresh.as_bytes()
    }

    /// Whether any of its values is among another's.
    pub(super) fn shares(&self, other: &Tokens) -> bool {
        self.access.as_bytes() == other.access.as_bytes()
            || self.refresh.as_bytes() == other.refresh.as_bytes()
    }
}

/// Reads a request to `/v1/token`.
pub(super) fn read<'r>(store: &Store, request: &'r Request) -> Result<Wish<'r>, Failure> {
    let in_form = |name| field(request.body(), name).ok_or_else(no_request);
    let client = in_form("clientId")?;
    match in_form("grantType")?.as_ref() {
        "client_credentials" => {
            Ok(Wish::Credentials { client, secret: Box::new(host::read(store, request)?) })
        }
        "refresh_token" => Ok(Wish::Refresh { client, value: in_form("refreshToken")? }),
        _ => Err(no_request()),
    }
}

/// Answers it. The values of the pair are the store's, or made elsewhere.
pub(super) fn pair(
    store: &Store,
    types: Types,
    wish: &Wish<'_>,
    values: PairValues<'_>,
) -> tokenstore::Result<Reply> {
    match wish {
        Wish::Credentials { client, secret } => {
            let verdict = host::judge(store, secret)?;
            let owner = verdict.identity().map(|who| store.owner(who.owner)).transpose()?.flatten();
            match (verdict.status(), owner) {
                (Status::Ok, Some(owner)) => {
                    let new = NewPair::new(types.access, types.refresh, &*owner, client.as_bytes());
                    store.issue_pair_from_values(&new, values).map(|pair| Reply::Pair(pair.into()))
                }
                // The token was deleted since it was judged.
                (Status::Ok, None) => Ok(Reply::Refused(Status::Unknown)),
                (refused, _) => Ok(Reply::Refused(refused)),
            }
        }
        Wish::Refresh { client, value } => {
            Ok(match store.refresh_to_values(value.as_bytes(), client.as_bytes(), values, client)? {
                Refresh::Rotated(pair) | Refresh::Replayed(pair) => Reply::Pair(pair.into()),
                Refresh::Refused(status) => Reply::Refused(status),
            })
        }
    }
}

/// What a ticket carries, for whoever opens the grant URL.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Carried {
    pub(super) user: String,
    pub(super) timestamp_ms: i64,
    pub(super) back_url: String,
    pub(super) deep_path: String,
}

/// A grant URL: its ticket, and what the ticket carries.
pub(super) struct GrantUrl {
    pub(super) ticket: Value,
    pub(super) carried: Carried,
}

/// Answers a request to `/v1/sso`.
pub(super) fn grant(
    store: &Store,
    types: Types,
    request: &Request,
    presented: &Presented<'_>,
    now: OffsetDateTime,
) -> tokenstore::Result<Result<GrantUrl, Status>> {
    let verdict = host::judge(store, presented)?;
    let owner = verdict.identity().map(|who| store.owner(who.owner)).transpose()?.flatten();
    let owner = match (verdict.status(), owner) {
        (Status::Ok, Some(owner)) => owner,
        (Status::Ok, None) => return Ok(Err(Status::Unknown)),
        (refused, _) => return Ok(Err(refused)),
    };
    let asked = |name| field(request.body(), name).unwrap_or_default();
    let carried = Carried {
        user: String::from_utf8_lossy(&owner).into_owned(),
        timestamp_ms: unix_ms(now),
        back_url: asked("backUrl").into_owned(),
        deep_path: format!("/{}/accounts/{}", asked("locale"), asked("accountId")),
    };
    let new = NewToken::new(types.grant, &*owner).app_data(json!(carried).to_string());
    Ok(Ok(GrantUrl { ticket: store.create(&new)?.value, carried }))
}

/// Looks at a ticket, as a scanner of mails does that follows every link.
pub(super) fn look(store: &Store, types: Types, ticket: &Value) -> tokenstore::Result<Status> {
    Ok(store.verify(ticket.as_bytes(), &Query::of_type(types.grant))?.status())
}

/// Milliseconds since the Unix epoch.
pub(super) fn unix_ms(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
