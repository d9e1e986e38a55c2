//! The services' side: requests as the documents print them, and how a service reads one and asks the store.

use std::borrow::Cow;
use std::fmt::{self, Write};

use serde::Deserialize;
use tokenstore::{Consumed, Query, Status, Store, Verdict};
use zeroize::Zeroizing;

use super::form::{encode, field};
use crate::failure::Failure;

/// Pushwoosh's types of tokens, meetergo's one, and Meister1's.
pub(super) const SERVER: &str = "Server";
pub(super) const DEVICE: &str = "Device";
pub(super) const PERSONAL: &str = "Personal Access Token";
pub(super) const SECRET: &str = "Client Secret";
pub(super) const ACCESS: &str = "Access Token";
pub(super) const REFRESH: &str = "Refresh Token";
pub(super) const GRANT: &str = "SSO Grant";

/// A call to one of the services.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    /// Pushwoosh's server API: the value is in the body.
    CreateMessage { application: &'static str },
    /// Pushwoosh's Device API: the value is in a header.
    RegisterDevice { application: &'static str },
    /// meetergo: the value is in a header.
    MeetingTypes,
    /// Meister1, for a pair: the value, a client's secret, is in a form.
    ClientCredentials { client: &'static str },
    /// Meister1, for the next pair: the value, a refresh token, is in a form.
    RefreshToken { client: &'static str },
    /// Meister1, for a grant URL: the value, an access token, is in a header.
    Sso { back_url: &'static str, account: &'static str, locale: &'static str },
    /// Meister1's grant URL, opened: the value, a ticket, is in the address.
    GrantUrl { user: &'static str, timestamp_ms: i64, back_url: &'static str, deep_path: &'static str },
}

const CREATE_MESSAGE: &str = "POST https://api.pushwoosh.com/json/1.3/createMessage";
const REGISTER_DEVICE: &str = "POST https://api.pushwoosh.com/json/1.3/registerDevice";
const MEETING_TYPES: &str = "GET https://api.meetergo.com/v4/meeting-type";

const TOKEN: &str = "POST https://auth.meister1.com/v1/token";
const SSO: &str = "POST https://auth.meister1.com/v1/sso";
const GRANT_URL: &str = "GET grantUrl";

/// What travels. It is wiped when it is dropped: a value is in it.
pub(super) struct Request {
    line: &'static str,
    address_query: Option<Zeroizing<String>>,
    authorization: Option<Zeroizing<String>>,
    body: Option<Zeroizing<String>>,
}

impl Call {
    /// The request that shows `value`, which is made of characters that need no escape anywhere.
    pub(super) fn request(self, value: &str) -> Request {
        let bare = |line| Request { line, address_query: None, authorization: None, body: None };
        match self {
            Call::CreateMessage { application } => Request {
                body: Some(sealed(format_args!(
                    r#"{{"request":{{"application":"{application}","auth":"{value}","notifications":[{{"send_date":"now","content":"Hello"}}]}}}}"#
                ))),
                ..bare(CREATE_MESSAGE)
            },
            Call::RegisterDevice { application } => Request {
                authorization: Some(sealed(format_args!("Token {value}"))),
                body: Some(sealed(format_args!(
                    r#"{{"request":{{"application":"{application}","hwid":"1CA68A12-8DAC","device_type":1}}}}"#
                ))),
                ..bare(REGISTER_DEVICE)
            },
            Call::MeetingTypes => Request { authorization: Some(bearer(value)), ..bare(MEETING_TYPES) },
            Call::ClientCredentials { client } => Request {
                body: Some(sealed(format_args!(
                    "clientSecret={value}&clientId={}&grantType=client_credentials",
                    encode(client)
                ))),
                ..bare(TOKEN)
            },
            Call::RefreshToken { client } => Request {
                body: Some(sealed(format_args!(
                    "clientId={}&grantType=refresh_token&refreshToken={value}",
                    encode(client)
                ))),
                ..bare(TOKEN)
            },
            Call::Sso { back_url, account, locale } => Request {
                authorization: Some(bearer(value)),
                body: Some(sealed(format_args!(
                    "backUrl={}&accountId={}&locale={}",
                    encode(back_url),
                    encode(account),
                    encode(locale)
                ))),
                ..bare(SSO)
            },
            Call::GrantUrl { user, timestamp_ms, back_url, deep_path } => Request {
                address_query: Some(sealed(format_args!(
                    "token={value}&userId={}&timestamp={timestamp_ms}&backUrl={}&deepPath={}",
                    encode(user),
                    encode(back_url),
                    encode(deep_path)
                ))),
                ..bare(GRANT_URL)
            },
        }
    }
}

fn bearer(value: &str) -> Zeroizing<String> {
    sealed(format_args!("Bearer {value}"))
}

/// Text that is wiped when it is dropped, in a place it does not grow out of.
fn sealed(text: fmt::Arguments<'_>) -> Zeroizing<String> {
    let mut sealed = Zeroizing::new(String::with_capacity(2 * tokenstore::MAX_VALUE_BYTES));
    // Writing to a String does not fail.
    let _infallible = sealed.write_fmt(text);
    sealed
}

impl Request {
    /// The request in print: for one that was made with a masked value.
    pub(super) fn text(&self) -> String {
        let header = self.authorization.as_ref().map(|header| format!("Authorization: {}", header.as_str()));
        let body = self.body.as_ref().map(|body| body.to_string());
        let address = match &self.address_query {
            Some(query) => format!("{}?{}", self.line, query.as_str()),
            None => self.line.to_owned(),
        };
        let lines: Vec<_> = [Some(address), header, body].into_iter().flatten().collect();
        lines.join("\n")
    }

    pub(super) fn body(&self) -> &str {
        self.body.as_ref().map_or("", |body| body)
    }

    fn parse<'r, T: Deserialize<'r>>(&'r self) -> Result<T, Failure> {
        let body = self.body();
        // The words of a parser might repeat the value.
        serde_json::from_str::<Body<T>>(body).map(|body| body.request).map_err(|_| no_request())
    }
}

/// What a service takes from a request: a value, and what to ask of it.
pub(super) struct Presented<'r> {
    value: Where<'r>,
    query: Query,
}

enum Where<'r> {
    /// In the body.
    Body(Cow<'r, str>),
    /// In the `Authorization` header.
    Header(&'r str),
    /// In the address, of a ticket: it is consumed.
    Address(Cow<'r, str>),
}

/// A body. A service reads many more fields; these are what access depends on.
#[derive(Deserialize)]
struct Body<T> {
    request: T,
}

#[derive(Deserialize)]
struct CreateMessage<'r> {
    #[serde(borrow)]
    application: Cow<'r, str>,
    #[serde(borrow)]
    auth: Cow<'r, str>,
}

#[derive(Deserialize)]
struct RegisterDevice<'r> {
    #[serde(borrow)]
    application: Cow<'r, str>,
}

/// Reads a request as the service at its address does. Each names the one type of token that it takes.
pub(super) fn read<'r>(store: &Store, request: &'r Request) -> Result<Presented<'r>, Failure> {
    let of_type = |name| store.find_type(name).map(Query::of_type).ok_or_else(no_request);
    let header = || request.authorization.as_ref().map(|header| Where::Header(header)).ok_or_else(no_request);
    match request.line {
        CREATE_MESSAGE => {
            let CreateMessage { application, auth } = request.parse()?;
            Ok(Presented { value: Where::Body(auth), query: of_type(SERVER)?.project(&*application) })
        }
        REGISTER_DEVICE => {
            let RegisterDevice { application } = request.parse()?;
            Ok(Presented { value: header()?, query: of_type(DEVICE)?.project(&*application) })
        }
        MEETING_TYPES => Ok(Presented { value: header()?, query: of_type(PERSONAL)? }),
        TOKEN => {
            let in_form = |name| field(request.body(), name).ok_or_else(no_request);
            let query = of_type(SECRET)?.binding(&*in_form("clientId")?);
            Ok(Presented { value: Where::Body(in_form("clientSecret")?), query })
        }
        SSO => Ok(Presented { value: header()?, query: of_type(ACCESS)? }),
        GRANT_URL => {
            let query = request.address_query.as_ref().and_then(|query| field(query, "token"));
            Ok(Presented { value: Where::Address(query.ok_or_else(no_request)?), query: of_type(GRANT)? })
        }
        _ => Err(no_request()),
    }
}

/// Asks the store.
pub(super) fn judge(store: &Store, presented: &Presented<'_>) -> tokenstore::Result<Verdict> {
    match &presented.value {
        Where::Body(value) => store.verify(value.as_bytes(), &presented.query),
        Where::Header(header) => store.verify_authorization(header.as_bytes(), &presented.query),
        Where::Address(_) => open(store, presented).map(|consumed| consumed.verdict),
    }
}

/// Opens a grant URL: its ticket is good once.
pub(super) fn open(store: &Store, presented: &Presented<'_>) -> tokenstore::Result<Consumed> {
    let value = match &presented.value {
        Where::Body(value) | Where::Address(value) => value,
        Where::Header(value) => *value,
    };
    store.consume(value.as_bytes(), &presented.query)
}

/// What a service answers to a verdict: 401 where it does not know who asks, 403 where it does and says no.
pub(super) fn http_status(status: Status) -> u16 {
    match status {
        Status::Ok => 200,
        Status::NoGrant => 403,
        _ => 401,
    }
}

pub(super) fn no_request() -> Failure {
    Failure::Usage("the request is none that the service knows".to_owned())
}
