//! Pushwoosh's API access tokens: two types for two APIs, projects granted and taken away.

use std::rc::Rc;
use std::time::Duration;

use tokenstore::{
    Created, CreatedOrExisting, Edit, ErrorKind, Filter, Grants, Id, NewToken, Status, Store, TypeId,
    TypePolicy, Value,
};

use super::host::{Call, DEVICE, SERVER};
use super::stage::{Answer as Said, Stage, Step};
use super::{World, call};
use crate::failure::Failure;
use crate::token_row::TokenRow;

const SOURCE: &str = "https://docs.pushwoosh.com/developer/api-reference/api-access-token";
const ACCOUNT: &str = "account-17";
const DEFAULT_NAME: &str = "Pushwoosh Demo App";
const SHOP: &str = "AAAAA-11111";
const BLOG: &str = "BBBBB-22222";
const GAME: &str = "CCCCC-33333";
const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) fn play(stage: &mut Stage, world: &mut World) -> Result<(), Failure> {
    stage.chapter("Pushwoosh: API access tokens", SOURCE);
    let types = Types {
        server: declare(stage, &world.store, SERVER, "pws")?,
        device: declare(stage, &world.store, DEVICE, "pwd")?,
    };
    default_token(stage, world, &types)?;
    let newsletter = new_token(stage, &world.store, types.server, SERVER, "Newsletter")?;
    let (id, newsletter) = (newsletter.id, Rc::new(newsletter.value));
    no_access_until_granted(stage, &world.store, id, newsletter.as_str())?;
    each_api_its_own_type(stage, world, &types, &newsletter)?;
    revoke_all_projects(stage, &world.store, id, newsletter.as_str())?;
    rename_and_choose(stage, world, id, &newsletter)?;
    a_new_value_in_place_of_the_old(stage, world, &types)?;
    delete(stage, world, &types)
}

struct Types {
    server: TypeId,
    device: TypeId,
}

fn declare(stage: &mut Stage, store: &Store, name: &str, prefix: &str) -> Result<TypeId, Failure> {
    let step = Step::new(format!("{name} is one of the two types of tokens."))
        .asked(format!("store.declare(TypePolicy::new({name:?}, {prefix:?}))"));
    Ok(stage.step(step, || store.declare(&TypePolicy::new(name, prefix)), |_| Said::text("done"))?)
}

fn default_token(stage: &mut Stage, world: &mut World, types: &Types) -> Result<(), Failure> {
    let store = &world.store;
    let token = NewToken::new(types.server, ACCOUNT).name(DEFAULT_NAME);
    let asked = format!("store.create_if_absent({SERVER}, {ACCOUNT}, {DEFAULT_NAME:?})");
    let step = Step::new("Every account starts with a Server token of this name.")
        .asked(&asked)
        .expects(Said::text("created"));
    let made = stage.step(
        step,
        || store.create_if_absent(&token),
        |made| match made {
            CreatedOrExisting::Created(_) => Said::text("created"),
            CreatedOrExisting::Existing(_) => Said::text("there is one"),
        },
    )?;
    let CreatedOrExisting::Created(created) = made else { return Ok(()) };
    let step = Step::new("Asked again, the account still has that one token.")
        .asked(asked)
        .expects(Said::text("the same id, and no value"));
    let _counted = stage.step(
        step,
        || store.create_if_absent(&token),
        |found| match found {
            CreatedOrExisting::Existing(id) if *id == created.id => Said::text("the same id, and no value"),
            CreatedOrExisting::Existing(_) => Said::text("another id"),
            CreatedOrExisting::Created(_) => Said::text("a second token"),
        },
    );
    let value = Rc::new(created.value);
    world.remember(
        "The default token, which was never granted anything.",
        &value,
        Call::CreateMessage { application: SHOP },
        Status::NoGrant,
    );
    Ok(())
}

fn new_token(
    stage: &mut Stage,
    store: &Store,
    type_id: TypeId,
    type_name: &str,
    name: &str,
) -> Result<Created, Failure> {
    let step = Step::new("Generate New Token: a type and a name, and no project yet.")
        .asked(format!("store.create({type_name}, {ACCOUNT}, {name:?})"))
        .expects(Said::text("created"));
    let token = NewToken::new(type_id, ACCOUNT).name(name);
    Ok(stage.step(step, || store.create(&token), |_| Said::text("created"))?)
}

fn no_access_until_granted(stage: &mut Stage, store: &Store, id: Id, value: &str) -> Result<(), Failure> {
    let message = (Call::CreateMessage { application: SHOP }, value);
    call(stage, store, "The new token has access to nothing until it is granted.", message, Status::NoGrant)?;
    let step = Step::new("Grant access to all projects.").asked("store.grant_all(id)");
    let _counted = stage.step(step, || store.grant_all(id), Said::change);
    call(stage, store, "Now the server API takes it, in the body's field `auth`.", message, Status::Ok)
}

fn each_api_its_own_type(
    stage: &mut Stage,
    world: &mut World,
    types: &Types,
    newsletter: &Rc<Value>,
) -> Result<(), Failure> {
    let store = &world.store;
    let (message, register) =
        (Call::CreateMessage { application: SHOP }, Call::RegisterDevice { application: SHOP });
    let why = "A Server token on the Device API is an authentication error.";
    call(stage, store, why, (register, newsletter.as_str()), Status::WrongType)?;
    let created = new_token(stage, store, types.device, DEVICE, "Android app")?;
    let step = Step::new("Grant it one project.").asked(format!("store.grant(id, {SHOP:?})"));
    let _counted = stage.step(step, || store.grant(created.id, SHOP), Said::change);
    let value = Rc::new(created.value);
    let why = "The Device API takes it, as `Authorization: Token`.";
    call(stage, store, why, (register, value.as_str()), Status::Ok)?;
    let why = "A Device token on the server API is an authentication error.";
    call(stage, store, why, (message, value.as_str()), Status::WrongType)?;
    world.remember("Android app, on the API of its type.", &value, register, Status::Ok);
    world.remember("Android app, on the other API.", &value, message, Status::WrongType);
    Ok(())
}

fn revoke_all_projects(stage: &mut Stage, store: &Store, id: Id, value: &str) -> Result<(), Failure> {
    let step = Step::new("Revoke access from all projects.").asked("store.revoke_grants(id)");
    let _counted = stage.step(step, || store.revoke_grants(id), Said::change);
    let message = (Call::CreateMessage { application: SHOP }, value);
    call(stage, store, "The token cannot use the API until it is granted again.", message, Status::NoGrant)?;
    let step = Step::new("But it is there, and live.")
        .asked(format!("store.list(owner {ACCOUNT}, name prefix \"Newsletter\")"))
        .expects(Said::text("Newsletter, ACTIVE, projects: none"));
    let filter = Filter::new().owner(ACCOUNT).name_prefix("Newsletter");
    let _counted = stage.step(
        step,
        || store.list(&filter),
        |page| {
            let shown = page.tokens.iter().map(|token| TokenRow::new(store, token).summary());
            Said::text(shown.collect::<Vec<_>>().join("; "))
        },
    );
    Ok(())
}

fn rename_and_choose(stage: &mut Stage, world: &mut World, id: Id, value: &Rc<Value>) -> Result<(), Failure> {
    let store = &world.store;
    let step = Step::new("The edit screen: a new name and two projects, in one save.")
        .asked(format!("store.edit(id, name \"Newsletter EU\", projects {SHOP} and {BLOG})"))
        .expects(Said::text(format!("Newsletter EU, ACTIVE, projects: {SHOP}, {BLOG}")));
    let edit = Edit::new().name("Newsletter EU").grants(Grants::projects([SHOP, BLOG]));
    let edited = || store.edit(id, &edit).and_then(|_| store.get(id));
    let _counted = stage.step(step, edited, |token| Said::text(TokenRow::new(store, token).summary()));
    let message = |application| Call::CreateMessage { application };
    let cases = [
        ("The first project that was chosen is reached.", SHOP, Status::Ok),
        ("So is the second.", BLOG, Status::Ok),
        ("A project that was not chosen is not.", GAME, Status::NoGrant),
    ];
    for (why, application, expected) in cases {
        call(stage, store, why, (message(application), value.as_str()), expected)?;
    }
    let again = ["the first project", "the second project", "a project that was not chosen"];
    for (project, (_, application, expected)) in again.into_iter().zip(cases) {
        world.remember(&format!("Newsletter EU, {project}."), value, message(application), expected);
    }
    let register = Call::RegisterDevice { application: SHOP };
    world.remember("Newsletter EU, on the other API.", value, register, Status::WrongType);
    Ok(())
}

/// Pushwoosh shows a value again to whoever lost it. A store of hashes cannot: it makes a new one for the same token.
fn a_new_value_in_place_of_the_old(
    stage: &mut Stage,
    world: &mut World,
    types: &Types,
) -> Result<(), Failure> {
    let World { store, clock, .. } = world;
    let Created { id, value: old, .. } = new_token(stage, store, types.server, SERVER, "Checkout")?;
    let step = Step::new("It may use all projects.").asked("store.grant_all(id)");
    let _counted = stage.step(step, || store.grant_all(id), Said::change);
    let step = Step::new("The value was lost: here is a new one, and the one before works for an hour more.")
        .asked("store.rotate(id, 1 hour)")
        .expects(Said::text("the same id, and a new value"));
    let new = stage.step(
        step,
        || store.rotate(id, HOUR),
        |rotated| {
            let same = rotated.id == id && rotated.value.as_bytes() != old.as_bytes();
            Said::text(if same { "the same id, and a new value" } else { "another token" })
        },
    )?;
    let (old, new) = (Rc::new(old), Rc::new(new.value));
    let message = Call::CreateMessage { application: SHOP };
    call(stage, store, "The new value works, with the same projects.", (message, new.as_str()), Status::Ok)?;
    call(stage, store, "The old one does, too,", (message, old.as_str()), Status::Ok)?;
    clock.advance(HOUR);
    call(stage, store, "until the hour is over.", (message, old.as_str()), Status::Superseded)?;
    world.remember("Checkout, its new value.", &new, message, Status::Ok);
    world.remember("Checkout, its old value.", &old, message, Status::Superseded);
    Ok(())
}

fn delete(stage: &mut Stage, world: &mut World, types: &Types) -> Result<(), Failure> {
    let store = &world.store;
    let Created { id, value, .. } = new_token(stage, store, types.server, SERVER, "Old campaign")?;
    let step = Step::new("Delete it, for good.").asked("store.delete(id)");
    let _counted = stage.step(step, || store.delete(id), Said::change);
    let message = Call::CreateMessage { application: SHOP };
    call(stage, store, "Its value is nobody's now.", (message, value.as_str()), Status::Unknown)?;
    let step = Step::new("And it can be found no more.")
        .asked("store.get(id)")
        .expects(Said::Error(ErrorKind::NotFound));
    let _counted = stage.step(step, || store.get(id), |token| Said::text(token.state.name()));
    world.remember("Old campaign, which was deleted.", &Rc::new(value), message, Status::Unknown);
    Ok(())
}
