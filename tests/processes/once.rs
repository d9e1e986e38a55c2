//! What can be had once is had once, however many processes want it: a ticket, a name.

use std::time::Instant;

use super::crew::new_store;
use super::opening::Opening;
use super::orders::NONE;
use super::random::Random;
use super::talk::{Member, Reply};
use super::truth::fresh_opening;
use super::{folder, full_or, report};

const PROCESSES: usize = 4;

/// Has all of these carry out an order at the same time.
fn at_once(members: &mut [Member], order: &str) -> Vec<Reply> {
    members.iter_mut().for_each(|member| member.tell(order).expect("it listens"));
    members.iter_mut().map(|member| member.hear().expect("it replies")).collect()
}

#[test]
fn a_ticket_is_consumed_once_among_all_processes() {
    let (start, folder) = (Instant::now(), folder());
    let opening = Opening::of(folder.path().join("tokens.store"));
    new_store(&opening);
    let mut members: Vec<Member> = (0..PROCESSES).map(|_| Member::open(&opening)).collect();
    let (rounds, mut winners, mut used) = (full_or(500, 50), [0; PROCESSES], Vec::new());
    for round in 0..rounds {
        let order = format!("create ticket guest - {NONE} {round} {NONE}");
        let made = members[round % PROCESSES].ask(&order);
        let value = made.ok().split(' ').nth(1).expect("a value").to_owned();
        if round % 2 == 0 {
            // Half of the rounds, all know of it before.
            for reply in at_once(&mut members, &format!("verify {value} {NONE} {NONE}")) {
                assert!(reply.ok().starts_with("MUST_CONSUME/"), "{reply:?}");
            }
        }
        let replies = at_once(&mut members, &format!("consume {value}"));
        let won: Vec<usize> = (0..PROCESSES).filter(|member| replies[*member].ok() == "OK").collect();
        let lost = replies.iter().filter(|reply| reply.ok() == "USED").count();
        assert_eq!((won.len(), lost), (1, PROCESSES - 1), "round {round}: {replies:?}");
        winners[won[0]] += 1;
        used.push(value);
    }
    // Also to those who open it later: these tickets are on the disk.
    members.into_iter().for_each(Member::leave);
    let mut member = Member::open(&opening);
    for value in used {
        let reply = member.ask(&format!("consume {value}"));
        assert_eq!(reply.ok(), "USED");
    }
    report(format_args!(
        "once: {rounds} tickets, each wanted by {PROCESSES} processes at once, were had once each, {winners:?} by each; \
         {:.1} s",
        start.elapsed().as_secs_f64()
    ));
}

#[test]
fn of_processes_that_create_one_name_one_wins_and_the_others_are_told() {
    let (seed, start, folder) = (Random::seed(), Instant::now(), folder());
    let mut random = Random::new(seed);
    let opening = Opening::of(folder.path().join("tokens.store"));
    new_store(&opening);
    let mut members: Vec<Member> = (0..PROCESSES).map(|_| Member::open(&opening)).collect();
    let rounds = full_or(300, 30);
    for round in 0..rounds {
        let first = random.below(PROCESSES - 1);
        let pair = &mut members[first..first + 2];
        let order = format!("create server acme name-{round} {NONE} 0 {NONE}");
        let replies = at_once(pair, &order);
        let won = replies.iter().filter(|reply| reply.error().is_none()).count();
        let told = replies.iter().filter(|reply| reply.error() == Some("NameTaken")).count();
        assert_eq!((won, told), (1, 1), "round {round}: {replies:?}");

        let order = format!("create-if-absent server acme if-absent-{round} {NONE} 0 {NONE}");
        let replies = at_once(&mut members, &order);
        let mut ids: Vec<&str> = replies.iter().map(|reply| reply.ok()).collect();
        ids.sort_unstable();
        let id = ids[0].strip_prefix("created ").expect("one made it");
        assert!(ids[1..].iter().all(|other| *other == format!("existing {id}")), "round {round}: {ids:?}");

        // A name that is free again may be had again, once.
        members[random.below(PROCESSES)].ask(&format!("revoke {id}")).ok();
        let replies = at_once(&mut members, &order.replace("create-if-absent", "create"));
        let won = replies.iter().filter(|reply| reply.error().is_none()).count();
        assert_eq!(won, 1, "round {round}: {replies:?}");
    }
    members.into_iter().for_each(Member::leave);
    let (_events, dump) = fresh_opening(&opening, folder.path());
    assert_eq!(dump.lines().count(), 3 * rounds);
    let living = dump.lines().filter(|line| line.contains(" ACTIVE ")).count();
    assert_eq!(living, 2 * rounds);
    report(format_args!(
        "once: {rounds} names for 2 processes at once, and twice as many for {PROCESSES}, were had once each; {:.1} s, seed \
         {seed}",
        start.elapsed().as_secs_f64()
    ));
}

#[test]
fn of_processes_that_declare_a_type_at_once_all_have_the_same() {
    let (start, folder) = (Instant::now(), folder());
    let opening = Opening::of(folder.path().join("tokens.store"));
    opening.create();
    let mut members: Vec<Member> = (0..PROCESSES).map(|_| Member::open(&opening)).collect();
    let rounds = full_or(100, 20);
    for round in 0..rounds {
        let replies = at_once(&mut members, &format!("declare type-{round} t{round}"));
        let numbers: Vec<&str> = replies.iter().map(Reply::ok).collect();
        assert!(numbers.iter().all(|number| *number == numbers[0]), "round {round}: {numbers:?}");
        // One name, and two things that it is to be.
        let orders = ["coupon", "external"].map(|what| format!("declare other-{round} o{round} {what}"));
        for (place, member) in members.iter_mut().enumerate() {
            member.tell(&orders[place % 2]).expect("it listens");
        }
        let replies: Vec<Reply> =
            members.iter_mut().map(|member| member.hear().expect("it replies")).collect();
        for alike in [[0, 2], [1, 3]] {
            let [one, other] = alike.map(|place| replies[place].error());
            assert!(
                one == other && one.is_none_or(|kind| kind == "TypeConflict"),
                "round {round}: {replies:?}"
            );
        }
        assert_ne!(replies[0].error(), replies[1].error(), "round {round}: one of two is the type");
    }
    members.into_iter().for_each(Member::leave);
    let stats = Member::open(&opening).ask("stats");
    assert_eq!(stats.ok().rsplit(' ').next(), Some(&*(2 * rounds).to_string()), "an event for each type");
    report(format_args!(
        "once: {} types declared by {PROCESSES} processes at once, half of them in two ways; {:.1} s",
        2 * rounds,
        start.elapsed().as_secs_f64()
    ));
}
