//! `tokenstore verify`: judges a value.

use clap::Args;
use serde::Serialize;
use tokenstore::{Store, Verdict};

use super::presented::{IdentityRow, PresentedArgs, owner_of};
use super::with_store;
use crate::args::Global;
use crate::failure::{Answer, Failure};
use crate::output::Output;

/// Judge a value, read from standard input
///
/// The first line is OK, or why not: MALFORMED, UNKNOWN, REVOKED, SUPERSEDED, USED, EXPIRED, DISABLED,
/// WRONG_TYPE, WRONG_BINDING, NO_GRANT, MUST_REFRESH or MUST_CONSUME. Whose it is follows, where that is known. Exit
/// code 0 is OK, 1 is any other answer; 2 and 3 say nothing about the value.
///
/// Every byte of the value counts, but for one newline at its end. A refresh value never verifies, nor does a token
/// with a use count: see `pair refresh` and `consume`.
#[derive(Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    presented: PresentedArgs,
    /// Read a whole Authorization header value: the value bare, or after `Bearer` or `Token`
    #[arg(long)]
    header: bool,
}

#[derive(Serialize)]
struct VerdictRow<'a> {
    status: &'a str,
    allowed: bool,
    identity: Option<IdentityRow<'a>>,
}

pub(crate) fn run(global: &Global, args: &VerifyArgs, output: &Output) -> Result<Answer, Failure> {
    let presented = args.presented.read()?;
    with_store(global, |store| judge(store, args, &presented, output))
}

fn judge(store: &Store, args: &VerifyArgs, presented: &[u8], output: &Output) -> Result<Answer, Failure> {
    let query = args.presented.query(store)?;
    let verdict = if args.header {
        store.verify_authorization(presented, &query)?
    } else {
        store.verify(presented, &query)?
    };
    match print(store, &verdict, output) {
        // The exit code is an answer of its own, for whoever reads no text.
        Err(failure) if failure.is_lost_reader() => {}
        printed => printed?,
    }
    Ok(Answer::yes_if(verdict.allowed()))
}

fn print(store: &Store, verdict: &Verdict, output: &Output) -> Result<(), Failure> {
    let owner = owner_of(store, verdict)?;
    let identity = verdict.identity().map(|identity| IdentityRow::new(store, identity, owner.as_deref()));
    let fields: Vec<_> = identity.iter().flat_map(IdentityRow::fields).collect();
    let status = verdict.status().name();
    let row = VerdictRow { status, allowed: verdict.allowed(), identity };
    output.fields(Some(status), &fields, &row)
}
