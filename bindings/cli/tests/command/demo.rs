//! `demo`: the first thing a newcomer runs, and what it leaves.

use crate::bench::run;

#[test]
fn every_answer_is_the_documented_one() {
    let ran = run(&["demo"], b"").code(0);
    let last = ran.out.lines().last().expect("a summary");
    assert!(last.contains(" steps, 0 differences from the documents, in "), "{last}");
    for step in [
        "Pushwoosh: API access tokens",
        "POST https://api.pushwoosh.com/json/1.3/createMessage",
        r#"{"request":{"application":"AAAAA-11111","auth":"pws_"#,
        r#"…","notifications":[{"send_date":"now","content":"Hello"}]}}"#,
        "Authorization: Token pwd_",
        "Authorization: Bearer rgo_",
        "-> 200 OK",
        "-> 401 WRONG_TYPE",
        "-> 403 NO_GRANT",
        "-> 401 UNKNOWN",
        "-> the same id, and no value",
        "-> refused: NAME_TAKEN",
        "-> 401 SUPERSEDED",
        "Meister1: authorization API",
        "&clientId=shop%40firm.example&grantType=client_credentials",
        "-> 200 a new pair: Bearer, expiresIn 36000",
        "-> 200 the same pair again, byte for byte: Bearer, expiresIn 35970",
        "-> 401 REUSED",
        "-> 401 USED",
        "-> one is let in, and seven hear USED",
        "-> 200 user|1|4196 is at /it/accounts/77, and goes back to https://shop.example/konto?tab=1&lang=it",
        "Opened after 15.000 s: too late.",
        "One of 8192 bytes is taken.",
        "-> 401 EXPIRED",
        "-> 401 REVOKED",
        "-> refused: WRONG_KEY",
        "-> refused: LOCKED",
        "Two processes, one store",
        "second.verify(pws_",
        "-> refused: STALE",
        "-> the same pair again, byte for byte",
    ] {
        assert!(ran.out.contains(step), "{step:?} in {}", ran.out);
    }
    assert_eq!(ran.err, "");
}

#[test]
fn its_steps_are_counted_and_compared() {
    let lines = run(&["demo", "--json"], b"").code(0).json_lines();
    let (summary, steps) = lines.split_last().expect("a summary");
    assert_eq!(summary["steps"], steps.len());
    assert_eq!(summary["differences"], 0);
    for (step, number) in steps.iter().zip(1..) {
        assert_eq!(step["step"], number);
        assert_eq!(step["agrees"], true);
        assert_eq!(step["expected"], step["answer"]);
        assert!(step["nanoseconds"].as_u64().is_some_and(|taken| taken > 0));
    }
    assert!(steps.len() > 150, "{}", steps.len());
    let last = &steps[steps.len() - 1];
    assert_eq!(last["chapter"], "Two processes, one store");
}

#[test]
fn no_whole_value_is_shown() {
    // A value has 30 random characters and 6 to check them after its prefix.
    let shows_a_value = |text: &str| {
        text.split(|character: char| !character.is_ascii_alphanumeric()).any(|word| word.len() >= 36)
    };
    assert!(shows_a_value("auth srv_0123456789abcdefghijABCDEFGHIJ012345."));
    let ran = run(&["demo"], b"").code(0);
    assert!(!shows_a_value(&ran.out));
}

#[test]
fn a_kept_store_opens_with_the_key_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (store, key) = (path("kept"), path("kept.key"));
    let ran = run(&["demo", "--keep", &store], b"").code(0);
    assert!(ran.out.contains(&format!("tokenstore --store {store} --key-file {key} list --with-dead")));
    let list = run(&["--store", &store, "--key-file", &key, "--json", "list", "--with-dead"], b"").code(0);
    let named = |name: &str| list.json_lines().iter().filter(|token| token["name"] == name).count();
    assert_eq!((named("Pushwoosh Demo App"), named("Zapier"), named("CI")), (1, 3, 1));
    run(&["--store", &store, "list"], b"").code(3);
    // What is there already is not touched.
    run(&["demo", "--keep", &store], b"").code(2);
    run(&["--store", &store, "--key-file", &key, "stats"], b"").code(0);
}

#[test]
fn it_uses_no_store_but_its_own() {
    for option in [&["--store", "/tmp/somebody's"][..], &["--key-file", "/tmp/somebody's"], &["--exclusive"]]
    {
        run(&[&["demo"], option].concat(), b"").code(2);
    }
}
