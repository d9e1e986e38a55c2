//! Calls to a store, as words, and what comes of them, as words.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use tokenstore::{
    Change, Created, CreatedOrExisting, Edit, Error, FamilyPolicy, Filter, Grants, Id, NewPair, NewToken,
    Query, Refresh, Result, Store, Token, TypeId, TypePolicy,
};

/// Who shows refresh values.
pub(crate) const CLIENT: &str = "client";
/// What stands for nothing.
pub(crate) const NONE: &str = "-";
/// What stands for all projects.
pub(crate) const ALL: &str = "*";

/// Makes a call; "ok" and what it answered, or "error" and its kind.
pub(crate) fn carry_out(store: &Store, words: &[&str]) -> String {
    call(store, words).map_or_else(|error| self::error(&error), |answer| format!("ok {answer}"))
}

/// An error, in words.
pub(crate) fn error(error: &Error) -> String {
    format!("error {:?} {error}", error.kind())
}

fn call(store: &Store, words: &[&str]) -> Result<String> {
    match words {
        ["verify", values @ ..] => Ok(verdicts(store, values, false)),
        ["look", values @ ..] => Ok(verdicts(store, values, true)),
        ["spin", value, seconds_ms] => Ok(spin(store, value, seconds_ms)),
        ["type", name] => Ok(store.find_type(name).map_or(NONE.into(), |found| found.number().to_string())),
        ["declare", rest @ ..] => Ok(store.declare(&policy(rest))?.number().to_string()),
        ["create", rest @ ..] => store.create(&new_token(store, rest)).map(|made| created(&made)),
        ["create-many", count, bytes, rest @ ..] => create_many(store, count, bytes, rest),
        ["create-if-absent", rest @ ..] => {
            store.create_if_absent(&new_token(store, rest)).map(|made| match made {
                CreatedOrExisting::Created(made) => format!("created {}", made.id),
                CreatedOrExisting::Existing(id) => format!("existing {id}"),
            })
        }
        ["register", value, rest @ ..] => {
            let made = store.create_from_value(&new_token(store, rest), value.as_bytes())?;
            Ok(format!("{} {value} {}", made.id, made.revision))
        }
        ["grant", id, project] => store.grant(of(id), project).map(changed),
        ["ungrant", id, project] => store.ungrant(of(id), project).map(changed),
        ["grant-all", id] => store.grant_all(of(id)).map(changed),
        ["revoke-grants", id] => store.revoke_grants(of(id)).map(changed),
        ["edit", id, projects, word] => {
            store.edit(of(id), &Edit::new().grants(grants(projects)).app_word(number(word))).map(changed)
        }
        ["disable", id] => store.disable(of(id)).map(changed),
        ["enable", id] => store.enable(of(id)).map(changed),
        ["revoke", id] => store.revoke(of(id)).map(changed),
        ["revoke-value", value] => store.revoke_value(value.as_bytes(), "", "").map(changed),
        ["delete", id] => store.delete(of(id)).map(changed),
        ["rotate", id, grace_ms] => {
            store.rotate(of(id), Duration::from_millis(number(grace_ms))).map(|made| created(&made))
        }
        ["remove-project", project] => store.remove_project(project, "", "").map(|count| count.to_string()),
        ["revoke-family", family] => store.revoke_family(of(family)).map(changed),
        ["revoke-owner", owner] => store.revoke_owner(owner, None, "", "").map(changed),
        ["prune"] => {
            // What died in this very moment, too.
            let soon = OffsetDateTime::now_utc() + Duration::from_secs(1);
            store.prune(soon, 1_000).map(|count| count.to_string())
        }
        ["pair", access, refresh, owner, word] => {
            let new = NewPair::new(found(store, access), found(store, refresh), owner, CLIENT);
            store.issue_pair(&new.app_word(number(word))).map(|pair| self::pair(&pair))
        }
        ["refresh", value] => Ok(match store.refresh(value.as_bytes(), CLIENT)? {
            Refresh::Rotated(pair) => format!("rotated {}", self::pair(&pair)),
            Refresh::Replayed(pair) => format!("replayed {}", self::pair(&pair)),
            Refresh::Refused(status) => status.to_string(),
        }),
        ["consume", value] => {
            Ok(store.consume(value.as_bytes(), &Query::any_type())?.verdict.status().to_string())
        }
        ["get", id] => store.get(of(id)).map(|token| line(&token)),
        ["list", owner, id] => listed(store, owner, of(id)),
        ["list-on", owner, millis] => {
            on_and_on(millis, || store.list(&Filter::new().owner(*owner)).map(drop))
        }
        ["create-on", millis, rest @ ..] => {
            on_and_on(millis, || store.create(&new_token(store, rest)).map(drop))
        }
        ["event", sequence] => {
            let events = store.events(number(sequence) - 1, 1)?;
            Ok(events.first().map_or(NONE.into(), |event| event.sequence.to_string()))
        }
        ["change-key", key] => {
            let key = number(key) as u8;
            store.change_key((key != 0).then_some(&[key; 32])).map(|()| String::new())
        }
        ["dump", owners, file @ ..] => dump(store, owners, &file.join(" ")),
        ["stats"] => {
            let stats = store.stats()?;
            Ok(format!("{} {} {}", stats.tokens, stats.first_event, stats.sequence))
        }
        ["flush"] => store.flush().map(|()| String::new()),
        ["close"] => store.close().map(|()| String::new()),
        _ => panic!("an order is {words:?}"),
    }
}

/// A verdict for each value with its type and project: status, number and revision.
fn verdicts(store: &Store, values: &[&str], no_wait: bool) -> String {
    let mut verdicts = String::new();
    for check in values.chunks(3) {
        let [value, type_name, project] = check else { panic!("a check is {check:?}") };
        let mut query = match *type_name {
            NONE => Query::any_type(),
            name => match store.find_type(name) {
                Some(type_id) => Query::of_type(type_id),
                None => {
                    verdicts.push_str("!NoType ");
                    continue;
                }
            },
        };
        if *project != NONE {
            query = query.project(project);
        }
        if *type_name == "refresh" {
            query = query.binding(CLIENT);
        }
        if no_wait {
            query = query.no_wait();
        }
        let _infallible = match store.verify(value.as_bytes(), &query) {
            Err(error) => write!(verdicts, "!{:?} ", error.kind()),
            Ok(verdict) => match verdict.identity() {
                Some(who) => write!(verdicts, "{}/{}/{} ", verdict.status(), who.app_word, who.revision),
                None => write!(verdicts, "{} ", verdict.status()),
            },
        };
    }
    verdicts.truncate(verdicts.trim_end().len());
    verdicts
}

/// Verifies a value for some time, and so often that a busy machine lets some pass without a break: how long one took in
/// the fastest thousand, how many there were, and every answer that came. An error is the last.
fn spin(store: &Store, value: &str, millis: &str) -> String {
    let query = Query::any_type();
    let until = Instant::now() + Duration::from_millis(number(millis));
    let (mut fastest, mut count, mut answers) = (Duration::MAX, 0, Vec::new());
    while count < 50_000 || Instant::now() < until {
        let start = Instant::now();
        for _ in 0..1_000 {
            let answer = match store.verify(value.as_bytes(), &query) {
                Ok(verdict) => verdict.status().name(),
                Err(error) => return format!("0 {count} {:?}", error.kind()),
            };
            if answers.last() != Some(&answer) {
                answers.push(answer);
            }
        }
        fastest = fastest.min(start.elapsed() / 1_000);
        count += 1_000;
    }
    format!("{} {count} {}", fastest.as_nanos(), answers.join(" "))
}

/// Makes a call for some time: how often, and the longest it took in microseconds.
fn on_and_on(millis: &str, mut call: impl FnMut() -> Result<()>) -> Result<String> {
    let until = Instant::now() + Duration::from_millis(number(millis));
    let (mut count, mut longest) = (0, Duration::ZERO);
    while Instant::now() < until {
        let start = Instant::now();
        call()?;
        longest = longest.max(start.elapsed());
        count += 1;
    }
    Ok(format!("{count} {}", longest.as_micros()))
}

/// A type by its name and prefix, and what it can besides.
fn policy(words: &[&str]) -> TypePolicy {
    let [name, prefix, rest @ ..] = words else { panic!("a type is {words:?}") };
    let policy = TypePolicy::new(name, prefix);
    let day = Duration::from_secs(86_400);
    match rest {
        [] => policy,
        ["external"] => policy.accepts_external(true),
        ["ticket"] => policy.uses(1).default_lifetime(day).volatile(true),
        ["coupon"] => policy.uses(1),
        // Without a grace, a refresh value that was used is used again by a thief.
        ["families"] => policy.families(FamilyPolicy::new(day, day, 30 * day).grace(Duration::ZERO)),
        _ => panic!("a type is {words:?}"),
    }
}

/// A token by type, owner, name, projects, number and parent.
fn new_token(store: &Store, words: &[&str]) -> NewToken {
    let [type_name, owner, name, projects, word, parent] = words else { panic!("a token is {words:?}") };
    let mut token =
        NewToken::new(found(store, type_name), owner).grants(grants(projects)).app_word(number(word));
    if *name != NONE {
        token = token.name(*name);
    }
    if *parent != NONE {
        token = token.parent(of(parent));
    }
    token
}

/// Many alike, with so many bytes each, which take room in the file.
fn create_many(store: &Store, count: &str, bytes: &str, words: &[&str]) -> Result<String> {
    let token = new_token(store, words).app_data(vec![7; number(bytes) as usize]);
    let tokens = vec![token; number(count) as usize];
    let made: Vec<String> = store
        .create_many(&tokens)
        .into_iter()
        .map(|made| made.map(|made| created(&made)))
        .collect::<Result<_>>()?;
    Ok(made.join(" "))
}

/// A type that the orders before have declared.
fn found(store: &Store, name: &str) -> TypeId {
    store.find_type(name).unwrap_or_else(|| panic!("there is no type {name:?}"))
}

fn of(id: &str) -> Id {
    id.parse().expect("an id")
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("a number is {text:?}"))
}

/// Projects with commas between them.
fn grants(projects: &str) -> Grants {
    match projects {
        ALL => Grants::All,
        NONE => Grants::none(),
        some => Grants::projects(some.split(',')),
    }
}

fn changed(change: Change) -> String {
    format!("{} {}", change.changed, change.revision)
}

fn created(made: &Created) -> String {
    format!("{} {} {}", made.id, made.value.as_str(), made.revision)
}

fn pair(pair: &tokenstore::Pair) -> String {
    let (access, refresh) = (&pair.access, &pair.refresh);
    let values = [access.value.as_str(), refresh.value.as_str()];
    format!("{} {} {} {} {} {}", pair.family, access.id, values[0], refresh.id, values[1], pair.revision)
}

/// A token as the store shows it, the same in every process: last uses are each process's own until they are written.
fn line(token: &Token) -> String {
    let grants = match &token.grants {
        Grants::All => ALL.to_owned(),
        Grants::Projects(projects) if projects.is_empty() => NONE.to_owned(),
        Grants::Projects(projects) => {
            let names: Vec<String> =
                projects.iter().map(|project| String::from_utf8_lossy(project).into_owned()).collect();
            names.join(",")
        }
    };
    let (owner, name) = (String::from_utf8_lossy(&token.owner), token.name.as_deref().unwrap_or(NONE));
    let Token { id, disabled, app_word, revision, .. } = token;
    let revoked = token.revocation.is_some();
    format!("{id} {owner} {name} {} {disabled} {revoked} {grants} {app_word} {revision}", token.state.name())
}

/// The line of a token, as its owner's list shows it.
fn listed(store: &Store, owner: &str, id: Id) -> Result<String> {
    let mut filter = Filter::new().owner(owner).with_dead();
    loop {
        let page = store.list(&filter)?;
        if let Some(token) = page.tokens.iter().find(|token| token.id == id) {
            return Ok(line(token));
        }
        match page.next {
            Some(next) => filter = filter.after(next),
            None => return Ok(NONE.into()),
        }
    }
}

/// Writes a line for every token of owners whose names begin so, or of all, as list and get show it. Those must be alike.
fn dump(store: &Store, owners: &str, file: &str) -> Result<String> {
    let (mut text, mut filter, mut tokens) = (String::new(), Filter::new().with_dead(), 0);
    loop {
        let page = store.list(&filter)?;
        let is_meant = |token: &&Token| owners == NONE || token.owner.starts_with(owners.as_bytes());
        for token in page.tokens.iter().filter(is_meant) {
            let (listed, got) = (line(token), line(&store.get(token.id)?));
            assert_eq!(listed, got, "list and get show different things");
            let _infallible = writeln!(text, "{listed}");
            tokens += 1;
        }
        match page.next {
            Some(next) => filter = filter.after(next),
            None => break,
        }
    }
    std::fs::write(file, text).expect("a file can be written");
    Ok(tokens.to_string())
}
