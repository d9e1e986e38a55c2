//! A token as it is printed: a row of `list`, the fields of `show`, and the JSON of both.

use serde::Serialize;
use tokenstore::{Grants, Store, Token};

use crate::output::Row;
use crate::text::{Bytes, time_text};

/// How many projects a row names.
const PROJECTS_IN_A_ROW: usize = 3;

/// A token's fields. There is no value among them: the store has none.
#[derive(Serialize)]
pub(crate) struct TokenRow<'a> {
    id: String,
    #[serde(rename = "type")]
    type_name: &'a str,
    owner: Bytes<'a>,
    name: Option<&'a str>,
    state: &'static str,
    created: String,
    expires: Option<String>,
    last_used: Option<String>,
    all_projects: bool,
    projects: Vec<Bytes<'a>>,
    bound: bool,
    disabled: bool,
    revoked: Option<RevokedRow<'a>>,
    uses_left: Option<u32>,
    parent: Option<String>,
    family: Option<String>,
    refreshes: bool,
    old_value: Option<OldValueRow>,
    app_word: u64,
    app_data_hex: String,
    revision: u64,
}

#[derive(Serialize)]
struct RevokedRow<'a> {
    at: String,
    reason: &'a str,
}

/// The value before the last rotation.
#[derive(Serialize)]
struct OldValueRow {
    until: String,
    last_used: Option<String>,
}

impl<'a> TokenRow<'a> {
    pub(crate) fn new(store: &'a Store, token: &'a Token) -> TokenRow<'a> {
        let projects = match &token.grants {
            Grants::All => Vec::new(),
            Grants::Projects(projects) => projects.iter().map(|project| Bytes(project)).collect(),
        };
        let revoked = token.revocation.as_ref();
        TokenRow {
            id: token.id.to_string(),
            type_name: store.policy(token.type_id).map_or("", |policy| policy.name()),
            owner: Bytes(&token.owner),
            name: token.name.as_deref(),
            state: token.state.name(),
            created: time_text(token.created),
            expires: token.expires.map(time_text),
            last_used: token.last_used.map(time_text),
            all_projects: token.grants == Grants::All,
            projects,
            bound: token.bound,
            disabled: token.disabled,
            revoked: revoked.map(|revoked| RevokedRow { at: time_text(revoked.at), reason: &revoked.reason }),
            uses_left: token.uses_left,
            parent: token.parent.map(|parent| parent.to_string()),
            family: token.family.map(|family| family.to_string()),
            refreshes: token.refreshes,
            old_value: token.old_value.map(|old| OldValueRow {
                until: time_text(old.until),
                last_used: old.last_used.map(time_text),
            }),
            app_word: token.app_word,
            app_data_hex: Bytes(&token.app_data).hex(),
            revision: token.revision,
        }
    }

    /// The fields for people, the longest last.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let yes_or_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        let revoked = self.revoked.as_ref().map(|revoked| match revoked.reason {
            "" => revoked.at.clone(),
            reason => format!("{}, {reason}", revoked.at),
        });
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let old_value = self.old_value.as_ref().map(|old| match &old.last_used {
            Some(time) => format!("until {}, last used {time}", old.until),
            None => format!("until {}, not used since", old.until),
        });
        vec![
            ("id", self.id.clone()),
            ("name", self.name.unwrap_or("-").to_owned()),
            ("owner", self.owner.text()),
            ("type", self.type_name.to_owned()),
            ("state", self.state.to_owned()),
            ("created", self.created.clone()),
            ("expires", self.expires.clone().unwrap_or_else(|| "never".to_owned())),
            ("last used", self.last_used.clone().unwrap_or_else(|| "never".to_owned())),
            ("bound", yes_or_no(self.bound)),
            ("disabled", yes_or_no(self.disabled)),
            ("revoked", revoked.unwrap_or_else(|| "no".to_owned())),
            ("uses left", or_dash(self.uses_left.map(|uses| uses.to_string()))),
            ("parent", or_dash(self.parent.clone())),
            ("family", or_dash(self.family.clone())),
            ("refreshes", yes_or_no(self.refreshes)),
            ("old value", or_dash(old_value)),
            ("app word", self.app_word.to_string()),
            ("app data", format!("{} bytes", self.app_data_hex.len() / 2)),
            ("revision", self.revision.to_string()),
            ("projects", self.projects_text(usize::MAX)),
        ]
    }

    /// What people ask first, in a line.
    pub(crate) fn summary(&self) -> String {
        let projects = self.projects_text(PROJECTS_IN_A_ROW);
        format!("{}, {}, projects: {projects}", self.name.unwrap_or("-"), self.state)
    }

    /// What ends it besides itself.
    fn kin_text(&self) -> String {
        match (&self.family, &self.parent) {
            (Some(family), _) if self.refreshes => format!("refreshes family {family}"),
            (Some(family), _) => format!("family {family}"),
            (None, Some(parent)) => format!("parent {parent}"),
            (None, None) => "-".to_owned(),
        }
    }

    fn projects_text(&self, at_most: usize) -> String {
        if self.all_projects {
            return "all".to_owned();
        }
        let mut named: Vec<_> = self.projects.iter().take(at_most).map(|project| project.text()).collect();
        match self.projects.len() - named.len() {
            0 if named.is_empty() => return "none".to_owned(),
            0 => {}
            more => named.push(format!("and {more} more")),
        }
        named.join(", ")
    }
}

impl Row for TokenRow<'_> {
    const COLUMNS: &'static [&'static str] =
        &["ID", "NAME", "OWNER", "TYPE", "STATE", "EXPIRES", "LAST USED", "USES LEFT", "KIN", "PROJECTS"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.unwrap_or("-").to_owned(),
            self.owner.text(),
            self.type_name.to_owned(),
            self.state.to_owned(),
            self.expires.clone().unwrap_or_else(|| "never".to_owned()),
            self.last_used.clone().unwrap_or_else(|| "never".to_owned()),
            self.uses_left.map_or_else(|| "-".to_owned(), |uses| uses.to_string()),
            self.kin_text(),
            self.projects_text(PROJECTS_IN_A_ROW),
        ]
    }
}
