//! `tokenstore list`: shows tokens, never their values.

use clap::{Args, ValueEnum};
use time::OffsetDateTime;
use tokenstore::{Filter, Id, State, Store};

use super::type_of;
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::text::parse_time;
use crate::token_row::TokenRow;

/// List tokens, in the order of their creation
///
/// Live ones, unless told otherwise. A list of many pages is no snapshot: each page of 1,000 is what it is when it is
/// read.
#[derive(Args)]
pub(crate) struct ListArgs {
    /// Only those of this owner
    #[arg(long)]
    owner: Option<String>,
    /// Only those of this type
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// Only those in this state; may be repeated
    #[arg(long, value_name = "STATE", ignore_case = true)]
    state: Vec<StateArg>,
    /// Only those whose name begins so
    #[arg(long, value_name = "TEXT")]
    name_prefix: Option<String>,
    /// Only those that reach this project, by name or because they reach all
    #[arg(long)]
    project: Option<String>,
    /// Only those that expire before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires_before: Option<OffsetDateTime>,
    /// Only those not used since this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    unused_since: Option<OffsetDateTime>,
    /// The dead ones too: revoked, superseded, used up, expired
    #[arg(long)]
    with_dead: bool,
    /// Begin after the token with this id
    #[arg(long, value_name = "ID")]
    after: Option<Id>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Clone, Copy, ValueEnum)]
enum StateArg {
    Active,
    Disabled,
    Expired,
    Used,
    Superseded,
    Revoked,
}

impl From<StateArg> for State {
    fn from(state: StateArg) -> State {
        match state {
            StateArg::Active => State::Active,
            StateArg::Disabled => State::Disabled,
            StateArg::Expired => State::Expired,
            StateArg::Used => State::Used,
            StateArg::Superseded => State::Superseded,
            StateArg::Revoked => State::Revoked,
        }
    }
}

pub(crate) fn run(store: &Store, args: &ListArgs, output: &Output) -> Result<Answer, Failure> {
    let mut filter = filter(store, args)?;
    let mut left = args.limit.unwrap_or(usize::MAX);
    let mut table = output.table::<TokenRow<'_>>()?;
    while left > 0 {
        let page = store.list(&filter.clone().limit(left.min(Filter::MAX_LIMIT)))?;
        for token in &page.tokens {
            table.row(&TokenRow::new(store, token))?;
        }
        left -= page.tokens.len();
        match page.next {
            Some(next) => filter = filter.after(next),
            None => break,
        }
    }
    table.finish()?;
    Ok(Answer::Yes)
}

fn filter(store: &Store, args: &ListArgs) -> Result<Filter, Failure> {
    let mut filter = Filter::new();
    if let Some(owner) = &args.owner {
        filter = filter.owner(owner);
    }
    if let Some(name) = &args.type_name {
        filter = filter.of_type(type_of(store, name)?);
    }
    if !args.state.is_empty() {
        filter = filter.states(args.state.iter().map(|state| State::from(*state)));
    }
    if let Some(prefix) = &args.name_prefix {
        filter = filter.name_prefix(prefix);
    }
    if let Some(project) = &args.project {
        filter = filter.project(project);
    }
    if let Some(time) = args.expires_before {
        filter = filter.expires_before(time);
    }
    if let Some(time) = args.unused_since {
        filter = filter.unused_since(time);
    }
    if args.with_dead {
        filter = filter.with_dead();
    }
    if let Some(id) = args.after {
        filter = filter.after(id);
    }
    Ok(filter)
}
