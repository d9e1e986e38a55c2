//! Making tokens.

use tokenstore::{Created, CreatedOrExisting, Error, NewToken, Registered, TypeId};

use super::change::subject;
use crate::cases_support::Mistake;
use crate::cases_support::answer::Answer;
use crate::cases_support::args::Args;
use crate::cases_support::cells::{Call, On};
use crate::cases_support::text::list;
use crate::cases_support::world::World;

/// A token to be made, and what its name and type say about the cell that it stands in.
struct Wanted {
    token: NewToken,
    type_id: TypeId,
    owner: Vec<u8>,
    /// What the token is that it is to hang on.
    parent: Option<On>,
}

/// What a name says about the cell of a creation, and what a parent does.
struct Places {
    namesake: On,
    parent: Option<On>,
}

/// `type= owner= [expires=|lifetime=] [projects=] [binding=] [parent=] [data=] [word=] [by=]`; the name is taken apart.
fn wanted(world: &mut World, args: &mut Args) -> Result<Wanted, Mistake> {
    let type_id = world.type_id(&args.required("type")?)?;
    let owner = args.bytes("owner")?.ok_or("`owner=` is missing")?;
    let mut token = NewToken::new(type_id, &owner);
    if let Some(expiry) = args.expiry()? {
        token = token.expires(expiry);
    }
    if let Some(grants) = args.grants()? {
        token = token.grants(grants);
    }
    if let Some(binding) = args.bytes("binding")? {
        token = token.binding(binding);
    }
    let mut parent = None;
    if let Some(word) = args.word("parent") {
        let id = subject(world, &word)?;
        token = token.parent(id);
        parent = Some(world.on(id));
    }
    if let Some(data) = args.bytes("data")? {
        token = token.app_data(data);
    }
    if let Some(word) = args.number("word")? {
        token = token.app_word(word);
    }
    if let Some(by) = args.text("by")? {
        token = token.by(by);
    }
    Ok(Wanted { token, type_id, owner, parent })
}

/// A token to be made, with its `name=`, and the states of the token that holds this name and of its parent.
fn wanted_with_name(world: &mut World, mut args: Args) -> Result<(NewToken, Places), Mistake> {
    let name = args.name()?.flatten();
    let Wanted { mut token, type_id, owner, parent } = wanted(world, &mut args)?;
    args.finish()?;
    let on = world.on_namesake(type_id, &owner, name.as_deref(), None);
    if on.dead() == Some("EXPIRED") {
        // Its name is found free, and stays so whatever the clock does.
        world.decide();
    }
    if let Some(name) = name {
        token = token.name(name);
    }
    Ok((token, Places { namesake: on, parent }))
}

/// What is refused for another reason than a name counts as nobody's.
fn on_of(answer: &Answer, namesake: On) -> On {
    match answer.result.as_str() {
        "CREATED" | "EXISTING" | "NAME_TAKEN" => namesake,
        _ => On::Nobody,
    }
}

/// An answer to a creation with its cells: what is refused where a parent was named is its parent's.
fn placed(answer: Answer, call: Call, places: &Places) -> Answer {
    let on = on_of(&answer, places.namesake);
    match (places.parent, answer.result.as_str()) {
        (None, _) | (Some(_), "EXISTING" | "NAME_TAKEN") => answer.cell(call, on),
        (Some(parent), "CREATED") => answer.cell(call, on).cell(Call::CreateChild, parent),
        (Some(parent), _) => answer.cell(Call::CreateChild, parent),
    }
}

fn created(world: &mut World, name: &str, created: Result<Created, Error>) -> Result<Answer, Mistake> {
    match created {
        Ok(Created { id, value, revision, .. }) => {
            world.name_token(name, id, value.as_bytes())?;
            Ok(Answer::new("CREATED").field("revision", revision))
        }
        Err(error) => Ok(Answer::error(&error)),
    }
}

/// `create TOKEN type= owner= ...`.
pub(super) fn create(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let name = args.next("a name for the token")?;
    let (token, places) = wanted_with_name(world, args)?;
    let made = world.store()?.create(&token);
    Ok(placed(created(world, &name, made)?, Call::Create, &places))
}

/// `create_many TOKEN,TOKEN,... [names=NAME,NAME,...] type= owner= ...`: alike but for their names.
pub(super) fn create_many(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let tokens: Vec<String> = args.next("names for the tokens")?.split(',').map(str::to_owned).collect();
    let names: Vec<String> =
        args.text("names")?.map_or(vec![], |names| names.split(',').map(str::to_owned).collect());
    let Wanted { token, type_id, owner, parent } = wanted(world, &mut args)?;
    args.finish()?;
    let wanted: Vec<NewToken> = (0..tokens.len())
        .map(|place| match names.get(place) {
            Some(name) => token.clone().name(name),
            None => token.clone(),
        })
        .collect();
    let before: Vec<On> = (0..tokens.len())
        .map(|place| world.on_namesake(type_id, &owner, names.get(place).map(String::as_str), None))
        .collect();
    let made = world.store()?.create_many(&wanted);
    let (mut cells, mut results) = (Vec::new(), Vec::new());
    for ((made, name), on) in made.into_iter().zip(&tokens).zip(before) {
        let answer = created(world, name, made)?;
        // A name may be taken by a token of the same call.
        let by_another = answer.result == "NAME_TAKEN" && !on.is_live();
        let places = Places { namesake: if by_another { On::Active } else { on }, parent };
        let answer = placed(answer, Call::CreateMany, &places);
        results.push(answer.result);
        cells.extend(answer.cells);
    }
    let mut answer = Answer::new(list(results));
    answer.cells = cells;
    Ok(answer)
}

/// `create_if_absent TOKEN type= owner= name= ...`; EXISTING gives TOKEN to nobody.
pub(super) fn create_if_absent(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let name = args.next("a name for the token")?;
    let (token, places) = wanted_with_name(world, args)?;
    let answer = match world.store()?.create_if_absent(&token) {
        Ok(CreatedOrExisting::Created(made)) => created(world, &name, Ok(made))?,
        Ok(CreatedOrExisting::Existing(id)) => Answer::new("EXISTING").field("token", world.name_of(id)),
        Err(error) => Answer::error(&error),
    };
    Ok(placed(answer, Call::CreateIfAbsent, &places))
}

/// `create_from_value TOKEN value= type= owner= ...`.
pub(super) fn create_from_value(world: &mut World, mut args: Args) -> Result<Answer, Mistake> {
    let name = args.next("a name for the token")?;
    // The value of a token that a line made, or any bytes.
    let value = match args.word("value_of") {
        Some(token) => world.known(&token)?.value.clone(),
        None => args.bytes("value")?.ok_or("`value=` is missing")?,
    };
    let (token, places) = wanted_with_name(world, args)?;
    let held = world.on_value(&value);
    let answer = match world.store()?.create_from_value(&token, &value) {
        Ok(Registered { id, revision, .. }) => {
            world.name_token(&name, id, &value)?;
            Answer::new("CREATED").field("revision", revision)
        }
        Err(error) => Answer::error(&error),
    };
    Ok(match answer.result.as_str() {
        "CREATED" => placed(answer, Call::CreateFromValue, &places).cell(Call::CreateFromHeldValue, held),
        "VALUE_EXISTS" => answer.cell(Call::CreateFromHeldValue, held),
        _ => placed(answer, Call::CreateFromValue, &places),
    })
}
