//! What verify and consume share: the value that is shown, what is asked of it, and who it turns out to be.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use serde::Serialize;
use tokenstore::{Identity, Owner, Query, Store, Verdict};
use zeroize::Zeroizing;

use super::type_of;
use crate::failure::Failure;
use crate::file::read_value;
use crate::text::{Bytes, time_text};

/// A value, and what must hold of it.
#[derive(Args)]
#[command(group = ArgGroup::new("expected").required(true).args(["type_name", "any_type"]))]
pub(super) struct PresentedArgs {
    /// Accept tokens of this type alone
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// Accept tokens of any type but those that are accepted by name only
    #[arg(long)]
    any_type: bool,
    /// The token must reach this project
    #[arg(long)]
    project: Option<String>,
    /// The token must be bound to this
    #[arg(long)]
    binding: Option<String>,
    /// Read from this file instead, `-` being standard input
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
}

impl PresentedArgs {
    pub(super) fn read(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        read_value(self.value_file.as_deref())
    }

    pub(super) fn query(&self, store: &Store) -> Result<Query, Failure> {
        let mut query = match &self.type_name {
            Some(name) => Query::of_type(type_of(store, name)?),
            None => Query::any_type(),
        };
        if let Some(project) = &self.project {
            query = query.project(project);
        }
        if let Some(binding) = &self.binding {
            query = query.binding(binding);
        }
        Ok(query)
    }
}

/// The owner that a verdict tells of.
pub(super) fn owner_of(store: &Store, verdict: &Verdict) -> tokenstore::Result<Option<Owner>> {
    match verdict.identity() {
        Some(identity) => store.owner(identity.owner),
        None => Ok(None),
    }
}

/// Who presented the value.
#[derive(Serialize)]
pub(super) struct IdentityRow<'a> {
    id: String,
    #[serde(rename = "type")]
    type_name: &'a str,
    owner: Option<Bytes<'a>>,
    expires: Option<String>,
    all_projects: bool,
    no_projects: bool,
    old_value: bool,
    app_word: u64,
    revision: u64,
}

impl<'a> IdentityRow<'a> {
    pub(super) fn new(store: &'a Store, identity: &Identity, owner: Option<&'a [u8]>) -> IdentityRow<'a> {
        IdentityRow {
            id: identity.id.to_string(),
            type_name: store.policy(identity.type_id).map_or("", |policy| policy.name()),
            owner: owner.map(Bytes),
            expires: identity.expires().map(time_text),
            all_projects: identity.all_projects(),
            no_projects: identity.no_projects(),
            old_value: identity.old_value(),
            app_word: identity.app_word,
            revision: identity.revision,
        }
    }

    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        let projects = match self {
            IdentityRow { all_projects: true, .. } => "all",
            IdentityRow { no_projects: true, .. } => "none",
            _ => "some",
        };
        let mut fields = vec![
            ("id", self.id.clone()),
            ("type", self.type_name.to_owned()),
            ("owner", self.owner.map_or_else(|| "-".to_owned(), Bytes::text)),
            ("expires", self.expires.clone().unwrap_or_else(|| "never".to_owned())),
            ("projects", projects.to_owned()),
            ("app word", self.app_word.to_string()),
            ("revision", self.revision.to_string()),
        ];
        if self.old_value {
            fields.push(("old value", "yes: the token has a newer one".to_owned()));
        }
        fields
    }
}
