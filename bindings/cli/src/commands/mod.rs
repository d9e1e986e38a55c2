//! The commands, one a file: each has its arguments and asks the store.

pub(crate) mod change;
pub(crate) mod consume;
pub(crate) mod create;
pub(crate) mod edit;
pub(crate) mod events;
pub(crate) mod grants;
mod hand_over;
pub(crate) mod init;
pub(crate) mod kills;
pub(crate) mod list;
mod opening;
pub(crate) mod pair;
mod presented;
pub(crate) mod prune;
pub(crate) mod revoke;
pub(crate) mod rotate;
pub(crate) mod show;
pub(crate) mod stats;
pub(crate) mod types;
pub(crate) mod verify;

use tokenstore::{Store, TypeId};

use crate::args::{Cli, Command, Global};
use crate::demo;
use crate::failure::{Answer, Failure};
use crate::output::Output;

/// Runs what the line says.
pub(crate) fn run(cli: &Cli, output: &Output) -> Result<Answer, Failure> {
    let global = &cli.global;
    match &cli.command {
        Command::Demo(args) => demo::run(global, args, output),
        Command::Init(_) => init::run(global, output),
        Command::Type(args) => with_store(global, |store| types::run(store, args, output)),
        Command::Create(args) => create::run(global, args, output),
        Command::Verify(args) => verify::run(global, args, output),
        Command::Consume(args) => consume::run(global, args, output),
        Command::Pair(args) => pair::run(global, args, output),
        Command::List(args) => with_store(global, |store| list::run(store, args, output)),
        Command::Show(args) => with_store(global, |store| show::run(store, args, output)),
        Command::Edit(args) => with_store(global, |store| edit::run(store, args, output)),
        Command::Grant(args) => with_store(global, |store| grants::grant(store, args, output)),
        Command::Ungrant(args) => with_store(global, |store| grants::ungrant(store, args, output)),
        Command::RemoveProject(args) => with_store(global, |store| grants::remove(store, args, output)),
        Command::Rotate(args) => with_store(global, |store| rotate::run(store, args, output)),
        Command::Revoke(args) => revoke::run(global, args, output),
        Command::Family(args) => with_store(global, |store| kills::family(store, args, output)),
        Command::Owner(args) => with_store(global, |store| kills::owner(store, args, output)),
        Command::Delete(args) => with_store(global, |store| change::delete(store, args, output)),
        Command::Disable(args) => with_store(global, |store| change::disable(store, args, output)),
        Command::Enable(args) => with_store(global, |store| change::enable(store, args, output)),
        Command::Prune(args) => with_store(global, |store| prune::run(store, args, output)),
        Command::Stats(_) => with_store(global, |store| stats::run(store, output)),
        Command::Events(args) => with_store(global, |store| events::run(store, args, output)),
    }
}

/// Opens the store for one command, and closes it whatever became of that. What is read from standard input is read
/// before: nobody who wants the store exclusively can open it meanwhile.
fn with_store(
    global: &Global,
    command: impl FnOnce(&Store) -> Result<Answer, Failure>,
) -> Result<Answer, Failure> {
    let store = opening::open(global)?;
    let answer = command(&store);
    match (store.close(), answer) {
        (Err(error), Ok(_)) => Err(error.into()),
        (Err(error), Err(failure)) if failure.is_lost_reader() => Err(error.into()),
        (_, answer) => answer,
    }
}

/// The type of this name. One that is not declared is a wrong argument, and says nothing about any token.
fn type_of(store: &Store, name: &str) -> Result<TypeId, Failure> {
    // The name is not repeated: it may be a value in the wrong place.
    let undeclared =
        || Failure::Usage("the store has no such type; type list shows the ones it has".to_owned());
    store.find_type(name).ok_or_else(undeclared)
}
