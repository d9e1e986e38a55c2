//! The operations, each named as in a scenario.

mod change;
mod create;
mod line;
mod pair;
mod read;
mod store;
mod verify;

use super::Mistake;
use super::answer::Answer;
use super::args::Args;
use super::world::World;

/// Runs one line. `None` is an operation that answers nothing: a move of the clock.
pub(crate) fn run(world: &mut World, words: &[String]) -> Result<Option<Answer>, Mistake> {
    let (name, rest) = words.split_first().ok_or("a line has an operation")?;
    let args = Args::new(rest)?;
    let answer = match name.as_str() {
        "advance" | "clock" => {
            store::move_clock(world, name, args)?;
            return Ok(None);
        }
        "store" => store::make(world, args),
        "create_again" => store::create_again(world, args),
        "open_again" => store::open_again(world, args),
        "open_elsewhere" => store::open_elsewhere(world, args),
        "reopen" => store::reopen(world, args),
        "close" => store::close(world, args),
        "flush" => store::flush(world, args),
        "change_key" => store::change_key(world, args),
        "type" => store::declare(world, args),
        "find_type" => store::find_type(world, args),
        "types" => store::types(world, args),
        "create" => create::create(world, args),
        "create_many" => create::create_many(world, args),
        "create_if_absent" => create::create_if_absent(world, args),
        "create_from_value" => create::create_from_value(world, args),
        "verify" => verify::verify(world, args),
        "authorization" => verify::authorization(world, args),
        "verify_many" => verify::verify_many(world, args),
        "consume" => verify::consume(world, args),
        "issue_pair" => pair::issue_pair(world, args),
        "refresh" => pair::refresh(world, args),
        "revoke_family" => pair::revoke_family(world, args),
        "revoke_owner" => line::revoke_owner(world, args),
        "rotate" => line::rotate(world, args),
        "prune" => line::prune(world, args),
        "revoke_value" => verify::revoke_value(world, args),
        "value" => read::value(world, args),
        "owner" => read::owner(world, args),
        "get" => read::get(world, args),
        "list" => read::list(world, args),
        "events" => read::events(world, args),
        "event" => read::event(world, args),
        "stats" => read::stats(world, args),
        "edit" => change::edit(world, args),
        "grant" => change::grant(world, args),
        "ungrant" => change::ungrant(world, args),
        "remove_project" => change::remove_project(world, args),
        "grant_all" | "revoke_grants" | "disable" | "enable" | "revoke" | "delete" => {
            change::plain(world, name, args)
        }
        _ => Err(format!("there is no operation `{name}`")),
    };
    answer.map(Some)
}
