//! An embedded engine that issues, verifies and revokes API tokens inside your own process. It keeps only hashes of
//! tokens, with name, owner, type, project grants, expiry and revocation, in one transactional file.
//!
//! ```
//! use tokenstore::{Grants, NewToken, Options, Query, Status, TypePolicy};
//!
//! # fn main() -> tokenstore::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("tokens.store");
//! let store = Options::new().create(path)?;
//! let server = store.declare(&TypePolicy::new("server", "srv"))?;
//! let new = NewToken::new(server, "acme").name("deploy").grants(Grants::projects(["A-1"]));
//! let created = store.create(&new)?;
//! let value = created.value.as_str(); // shown once; the store keeps a hash
//!
//! let query = Query::of_type(server).project("A-1");
//! assert!(store.verify(value.as_bytes(), &query)?.allowed());
//! store.revoke(created.id)?;
//! assert_eq!(store.verify(value.as_bytes(), &query)?.status(), Status::Revoked);
//! store.close()?;
//! # Ok(()) }
//! ```
//!
//! # Words
//!
//! * A **token** is the record; its **value** is the secret text, shown once; its **id** is public and proves nothing.
//! * An **owner** is whoever the token is for: an account, a user. A **type** is declared once by name, with a
//!   [policy](TypePolicy) that holds for all its tokens.
//! * A **grant** is a **project** that a token reaches. A **binding** is what a presenter must show besides the value.
//!
//! # Which call for what
//!
//! | to | call |
//! |---|---|
//! | make or open a store | [`Options::create`], [`Options::open`] |
//! | have several processes | [`Options::shared`]; in an event loop [`Query::no_wait`] |
//! | declare a type | [`Store::declare`] |
//! | issue a token | [`Store::create`], [`Store::create_if_absent`], [`Store::create_many`], [`Store::create_from_value`] |
//! | check a value | [`Store::verify`], [`Store::verify_authorization`], [`Store::verify_many`] |
//! | rename, prolong, choose projects | [`Store::edit`], [`Store::grant`], [`Store::ungrant`], [`Store::grant_all`], [`Store::revoke_grants`], [`Store::remove_project`] |
//! | spend a use of a ticket | [`Store::consume`] |
//! | sign in, and stay so | [`Store::issue_pair`], [`Store::refresh`] |
//! | give a token another value | [`Store::rotate`] |
//! | end a token | [`Store::revoke`], [`Store::revoke_value`], [`Store::delete`]; for a while: [`Store::disable`] |
//! | end many | [`Store::revoke_family`], [`Store::revoke_owner`]; a parent's [revocation](NewToken::parent) |
//! | take out what died long ago | [`Store::prune`] |
//! | show tokens to people | [`Store::get`], [`Store::list`], [`Store::events`] |
//!
//! # What it is not
//!
//! It hashes no passwords: a fast hash is right for 178 random bits and wrong for what people choose. It is no server.
//! A store is open in one process at a time, or in many of one machine that all open it [shared](Options::shared).

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub use crate::clock::{Clock, ManualClock};
pub use crate::edit::{Change, Edit, Target};
pub use crate::engine::Stats;
pub use crate::error::{Error, ErrorKind, Result};
pub use crate::event::{Event, EventDetail, EventKind};
pub use crate::expiry::Expiry;
pub use crate::filter::{Filter, Page};
pub use crate::grants::Grants;
pub use crate::id::Id;
pub use crate::limits::{
    MAX_APP_DATA_BYTES, MAX_BINDING_BYTES, MAX_OWNER_BYTES, MAX_PROJECT_BYTES, MAX_PROJECTS, MAX_TEXT_BYTES,
};
pub use crate::new_token::{Created, CreatedOrExisting, NewToken, Registered};
pub use crate::options::Options;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub use crate::options::WrapDisk;
pub use crate::pair::{Issued, NewPair, Pair, PairValues, Refresh};
pub use crate::policy::{FamilyPolicy, MAX_PREFIX_BYTES, MAX_TYPES, OldAccess, TypeId, TypePolicy};
pub use crate::store::{Consumed, Owner, Store};
pub use crate::token::{OldValue, Revocation, State, Token};
pub use crate::value::{MAX_VALUE_BYTES, MIN_EXTERNAL_BYTES, Value};
pub use crate::verdict::{Identity, OwnerRef, Query, Status, Verdict};

mod board;
mod clock;
mod edit;
mod engine;
mod error;
mod event;
mod expiry;
// Unit tests are linked with the library itself, which has the same symbols.
#[cfg(not(test))]
#[allow(unsafe_code)]
pub mod ffi;
mod filter;
mod grants;
mod id;
mod index;
mod key;
mod limits;
mod new_token;
mod options;
mod packed;
mod pair;
mod plan;
mod policy;
mod record;
mod sealed;
mod storage;
mod store;
#[allow(unsafe_code)]
mod sys;
mod token;
mod value;
mod verdict;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
