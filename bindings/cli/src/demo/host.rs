//! The services' side: requests as the documents print them, and how a service reads one and asks the store.

use std::borrow::Cow;
use std::fmt::{self, Write};

use serde::Deserialize;
use tokenstore::{Query, Status, Store, Verdict};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Pushwoosh's types of tokens, and meetergo's one.
pub(super) const SERVER: &str = "Server";
pub(super) const DEVICE: &str = "Device";
pub(super) const PERSONAL: &str = "Personal Access Token";

/// A call to one of the services.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    /// Pushwoosh's server API: the value is in the body.
    CreateMessage { application: &'static str },
    /// Pushwoosh's Device API: the value is in a header.
    RegisterDevice { application: &'static str },
    /// meetergo: the value is in a header.
    MeetingTypes,
}

const CREATE_MESSAGE: &str = "POST https://api.pushwoosh.com/json/1.3/createMessage";
const REGISTER_DEVICE: &str = "POST https://api.pushwoosh.com/json/1.3/registerDevice";
const MEETING_TYPES: &str = "GET https://api.meetergo.com/v4/meeting-type";

/// What travels. It is wiped when it is dropped: a value is in it.
pub(super) struct Request {
    line: &'static str,
    authorization: Option<Zeroizing<String>>,
    body: Option<Zeroizing<String>>,
}

impl Call {
    /// The request that shows `value`.
    pub(super) fn request(self, value: &str) -> Request {
        match self {
            Call::CreateMessage { application } => Request {
                line: CREATE_MESSAGE,
                authorization: None,
                body: Some(sealed(format_args!(
                    r#"{{"request":{{"application":"{application}","auth":"{value}","notifications":[{{"send_date":"now","content":"Hello"}}]}}}}"#
                ))),
            },
            Call::RegisterDevice { application } => Request {
                line: REGISTER_DEVICE,
                authorization: Some(sealed(format_args!("Token {value}"))),
                body: Some(sealed(format_args!(
                    r#"{{"request":{{"application":"{application}","hwid":"1CA68A12-8DAC","device_type":1}}}}"#
                ))),
            },
            Call::MeetingTypes => Request {
                line: MEETING_TYPES,
                authorization: Some(sealed(format_args!("Bearer {value}"))),
                body: None,
            },
        }
    }
}

/// Text that is wiped when it is dropped, in a place it does not grow out of.
fn sealed(text: fmt::Arguments<'_>) -> Zeroizing<String> {
    let mut sealed = Zeroizing::new(String::with_capacity(1024));
    // Writing to a String does not fail.
    let _infallible = sealed.write_fmt(text);
    sealed
}

impl Request {
    /// The request in print: for one that was made with a masked value.
    pub(super) fn text(&self) -> String {
        let header = self.authorization.as_ref().map(|header| format!("Authorization: {}", header.as_str()));
        let body = self.body.as_ref().map(|body| body.to_string());
        let lines: Vec<_> = [Some(self.line.to_owned()), header, body].into_iter().flatten().collect();
        lines.join("\n")
    }

    fn parse<'r, T: Deserialize<'r>>(&'r self) -> Result<T, Failure> {
        let body = self.body.as_ref().map_or("", |body| body);
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
    Body(Cow<'r, str>),
    Header(&'r str),
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
        _ => Err(no_request()),
    }
}

/// Asks the store.
pub(super) fn judge(store: &Store, presented: &Presented<'_>) -> tokenstore::Result<Verdict> {
    match &presented.value {
        Where::Body(value) => store.verify(value.as_bytes(), &presented.query),
        Where::Header(header) => store.verify_authorization(header.as_bytes(), &presented.query),
    }
}

/// What a service answers to a verdict: 401 where it does not know who asks, 403 where it does and says no.
pub(super) fn http_status(status: Status) -> u16 {
    match status {
        Status::Ok => 200,
        Status::NoGrant => 403,
        _ => 401,
    }
}

fn no_request() -> Failure {
    Failure::Usage("the request is none that the service knows".to_owned())
}
