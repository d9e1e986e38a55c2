//! The store itself, its clock, its key and its types.

use std::time::Duration;

use tokenstore::{FamilyPolicy, OldAccess, Options, Store, TypePolicy};

use crate::cases_support::Mistake;
use crate::cases_support::answer::Answer;
use crate::cases_support::args::{Args, number};
use crate::cases_support::cells::{Call, On};
use crate::cases_support::text::{encode, list};
use crate::cases_support::world::{Settings, World, time_at};

/// `advance MS` lets time pass; `clock MS` sets the wall clock alone.
pub(super) fn move_clock(world: &mut World, how: &str, mut args: Args) -> Result<(), Mistake> {
    let ms = args.next("a number of milliseconds")?;
    args.finish()?;
    // The store is made before the clock moves, also where no line says so.
    world.store()?;
    match how {
        "advance" => world.advance(number(&ms)?),
        _ => world.clock.set(time_at(number(&ms)?)?),
    }
    Ok(())
}

/// `store memory|file [key=] [max_events=]`.
pub(super) fn make(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let place = args.next("`memory` or `file`")?;
    world.settings = Settings::default();
    settings(world, &mut args)?;
    args.finish()?;
    if world.has_store() {
        return Err("a store is made once, in the first line of a scenario".to_owned());
    }
    let made = match place.as_str() {
        "memory" if !world.always_file() => world.options().in_memory(),
        "file" | "memory" => world.make_file(),
        _ => return Err(format!("a store is in memory or in a file, not in `{place}`")),
    };
    Ok(opened(world, made).cell(Call::MakeStore, On::Open))
}

/// Another store at the same path.
pub(super) fn create_again(world: &mut World, args: Args) -> Result<Answer, Mistake> {
    args.finish()?;
    must_have_file(world)?;
    let made = world.make_file().map(drop);
    Ok(Answer::done(made).cell(Call::MakeStore, On::Open))
}

/// The same file once more, while it is open.
pub(super) fn open_again(world: &mut World, args: Args) -> Result<Answer, Mistake> {
    args.finish()?;
    must_have_file(world)?;
    let path = world.path();
    Ok(Answer::done(world.options().open(path).map(drop)).cell(Call::OpenStore, On::Open))
}

/// A path where nothing is.
pub(super) fn open_elsewhere(world: &mut World, args: Args) -> Result<Answer, Mistake> {
    args.finish()?;
    let path = world.path().with_file_name("nothing.store");
    Ok(Answer::done(Options::new().open(path).map(drop)).cell(Call::OpenStore, On::Open))
}

/// `reopen [key=] [max_events=]`: closes the store if it is open, and opens it.
pub(super) fn reopen(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    settings(world, &mut args)?;
    args.finish()?;
    must_have_file(world)?;
    let store = world.store()?;
    if store.stats().is_ok()
        && let Err(error) = store.close()
    {
        return Ok(Answer::error(&error));
    }
    let path = world.path();
    world.forget_tickets();
    let opened = world.options().open(path);
    world.forget_wild_decisions();
    Ok(self::opened(world, opened).cell(Call::OpenStore, On::Open))
}

fn opened(world: &mut World, opened: tokenstore::Result<Store>) -> Answer {
    match opened {
        Ok(store) => {
            world.put_store(store);
            Answer::new("OK")
        }
        Err(error) => Answer::error(&error),
    }
}

fn settings(world: &mut World, args: &mut Args) -> Result<(), Mistake> {
    if let Some(word) = args.word("key") {
        world.settings.key = key(&word)?;
    }
    if let Some(events) = args.number("max_events")? {
        world.settings.max_events = Some(events);
    }
    Ok(())
}

/// A letter is the key of 32 such letters; `none` is no key.
fn key(word: &str) -> Result<Option<[u8; 32]>, Mistake> {
    match word.as_bytes() {
        b"none" => Ok(None),
        [letter] => Ok(Some([*letter; 32])),
        _ => Err(format!("a key is one letter or `none`, not `{word}`")),
    }
}

fn must_have_file(world: &World) -> Result<(), Mistake> {
    if world.has_file() { Ok(()) } else { Err("this needs `store file` in the first line".to_owned()) }
}

pub(super) fn close(world: &mut World, args: Args) -> Result<Answer, Mistake> {
    args.finish()?;
    Ok(Answer::done(world.store()?.close()).cell(Call::Close, On::Open))
}

pub(super) fn flush(world: &mut World, args: Args) -> Result<Answer, Mistake> {
    args.finish()?;
    Ok(Answer::done(world.store()?.flush()).cell(Call::Flush, On::Open))
}

/// `change_key key=`.
pub(super) fn change_key(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let key = key(&args.required("key")?)?;
    args.finish()?;
    let changed = world.store()?.change_key(key.as_ref());
    if changed.is_ok() {
        world.settings.key = key;
    }
    Ok(Answer::done(changed).cell(Call::ChangeKey, On::Open))
}

/// `type NAME prefix= [default=] [max=] [unique_names=] [by_name_only=] [external=] [uses=] [volatile=] [access= refresh=
/// family= [grace=] [old_access=]]`.
pub(super) fn declare(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let name = args.next_if_any();
    // A name that is no word stands in `name=`.
    let name = match name {
        Some(name) => name,
        None => args.text("name")?.ok_or("a type has a name")?,
    };
    let prefix = args.text("prefix")?.ok_or("`prefix=` is missing")?;
    let mut policy = TypePolicy::new(&name, &prefix);
    if let Some(ms) = args.number("default")? {
        policy = policy.default_lifetime(Duration::from_millis(ms));
    }
    if let Some(ms) = args.number("max")? {
        policy = policy.max_lifetime(Duration::from_millis(ms));
    }
    let unique_names = args.flag("unique_names")?.unwrap_or(true);
    policy = policy.unique_names(unique_names);
    policy = policy.by_name_only(args.flag("by_name_only")?.unwrap_or(false));
    policy = policy.accepts_external(args.flag("external")?.unwrap_or(false));
    if let Some(uses) = args.number("uses")? {
        if uses == 0 {
            return Err("`uses` is from 1 on; without it there is no use count".to_owned());
        }
        policy = policy.uses(uses);
    }
    policy = policy.volatile(args.flag("volatile")?.unwrap_or(false));
    if let Some(families) = families(&mut args)? {
        policy = policy.families(families);
    }
    args.finish()?;
    let answer = match world.store()?.declare(&policy) {
        Ok(id) => {
            world.declared(&policy, id, unique_names);
            world.decide();
            Answer::new("OK").field("number", id.number())
        }
        Err(error) => Answer::error(&error),
    };
    Ok(answer.cell(Call::Declare, On::Open))
}

/// `access= refresh= family= [grace=MS|none] [old_access=now|grace|on]`, of a type of refresh values.
fn families(args: &mut Args) -> Result<Option<FamilyPolicy>, Mistake> {
    let mut ms = |key: &str| Ok::<_, Mistake>(args.number(key)?.map(Duration::from_millis));
    let lifetimes = (ms("access")?, ms("refresh")?, ms("family")?);
    let mut policy = match lifetimes {
        (Some(access), Some(refresh), Some(family)) => FamilyPolicy::new(access, refresh, family),
        (None, None, None) => return Ok(None),
        _ => return Err("`access`, `refresh` and `family` stand together".to_owned()),
    };
    policy = match args.word("grace").as_deref() {
        None => policy,
        Some("none") => policy.grace(Duration::ZERO),
        Some("0") => return Err("no grace is `grace=none`".to_owned()),
        Some(grace) => policy.grace(Duration::from_millis(number(grace)?)),
    };
    match args.word("old_access").as_deref() {
        None => Ok(Some(policy)),
        Some("now") => Ok(Some(policy.old_access(OldAccess::EndsNow))),
        Some("grace") => Ok(Some(policy.old_access(OldAccess::EndsWithGrace))),
        Some("on") => Ok(Some(policy.old_access(OldAccess::LivesOn))),
        Some(other) => Err(format!("`old_access` is now, grace or on, not `{other}`")),
    }
}

pub(super) fn find_type(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let name = args.next("a type's name")?;
    args.finish()?;
    let store = world.store()?;
    let answer = match store.find_type(&name) {
        Some(id) => {
            let prefix = store.policy(id).map_or("?", TypePolicy::prefix).to_owned();
            Answer::new("OK").field("number", id.number()).field("prefix", prefix)
        }
        None => Answer::new("NONE"),
    };
    Ok(answer.cell(Call::FindType, On::Open))
}

pub(super) fn types(world: &mut World, args: Args) -> Result<Answer, Mistake> {
    args.finish()?;
    let names = list(world.store()?.types().map(|(_, policy)| encode(policy.name().as_bytes())));
    Ok(Answer::new("OK").field("list", names).cell(Call::Types, On::Open))
}
