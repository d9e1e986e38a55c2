//! A store that some processes have open all the time, while something happens to another.

use std::time::{Duration, Instant};

use super::crew::new_store;
use super::opening::Opening;
use super::orders::NONE;
use super::talk::{Member, Reply};
use super::truth::fresh_opening;

/// What a busy machine may add to a bound.
pub(crate) const SLACK: Duration = Duration::from_millis(1_500);

/// How many tokens are made at once, in one commit.
pub(crate) const BATCH: usize = 40;

/// The place of a token that is revoked from the beginning.
const SPENT: usize = 0;

pub(crate) struct Scene {
    folder: tempfile::TempDir,
    pub(crate) opening: Opening,
    /// It makes changes.
    pub(crate) writer: Member,
    /// They only verify.
    pub(crate) verifiers: Vec<Member>,
    tokens: Vec<Token>,
    /// The longest wait of any call that was to end within the bound.
    pub(crate) longest: Duration,
}

/// A token, and what it must be; None where nobody was told.
struct Token {
    id: String,
    value: String,
    status: Option<&'static str>,
}

impl Scene {
    /// A new store in which changes wait so long for the place to write.
    pub(crate) fn new(busy: Duration) -> Scene {
        let folder = super::folder();
        let opening = Opening::of(folder.path().join("tokens.store")).busy(busy);
        new_store(&opening);
        let verifiers = (0..2).map(|_| Member::open(&opening)).collect();
        let writer = Member::open(&opening);
        let (tokens, longest) = (Vec::new(), Duration::ZERO);
        let mut scene = Scene { folder, opening, writer, verifiers, tokens, longest };
        let spent = scene.token();
        scene.revoke(spent);
        assert_eq!(spent, SPENT);
        scene
    }

    /// Makes a token: its place among the tokens.
    pub(crate) fn token(&mut self) -> usize {
        let reply = self.writer.ask(&format!("create server scene - {NONE} 0 {NONE}"));
        let words: Vec<&str> = reply.ok().split(' ').collect();
        let [id, value, _revision] = words[..] else { panic!("{reply:?}") };
        self.tokens.push(Token { id: id.into(), value: value.into(), status: Some("OK") });
        self.tokens.len() - 1
    }

    pub(crate) fn id(&self, place: usize) -> &str {
        &self.tokens[place].id
    }

    /// The check of a token, as an order to verify it.
    pub(crate) fn verify(&self, place: usize) -> String {
        format!("verify {} {NONE} {NONE}", self.tokens[place].value)
    }

    pub(crate) fn value(&self, place: usize) -> &str {
        &self.tokens[place].value
    }

    /// A token is this from now on.
    pub(crate) fn is_now(&mut self, place: usize, status: &'static str) {
        self.tokens[place].status = Some(status);
    }

    /// A token was touched by a call that did not come back.
    pub(crate) fn is_open(&mut self, place: usize) {
        self.tokens[place].status = None;
    }

    /// Has the writing process revoke a token, within the bound.
    pub(crate) fn revoke(&mut self, place: usize) {
        let order = format!("revoke {}", self.tokens[place].id);
        let reply = self.writer.ask(&order);
        self.in_time(&reply);
        assert!(reply.ok().starts_with("true "), "{order}: {reply:?}");
        self.is_now(place, "REVOKED");
    }

    /// All who verify know all that there is, so that they have nothing to catch up with by themselves.
    pub(crate) fn all_know(&mut self, place: usize) {
        let order = self.verify(place);
        let status = self.status(place);
        self.verifiers.iter_mut().for_each(|verifier| assert_eq!(status_of(&verifier.ask(&order)), status));
    }

    /// Whoever comes first after something happened: the next writer, an opener, a verifier, or a writer that finds nothing
    /// to do. Writers and openers must come through within the bound.
    pub(crate) fn comes_first(&mut self, who: usize, touched: usize) {
        match who % 4 {
            0 => {
                let other = self.token();
                self.revoke(other);
            }
            1 => self.opener().leave(),
            2 => {
                // It writes nothing, but it saw what there is, and what it says from now on the others say, too.
                let reply = self.writer.ask(&format!("revoke {}", self.tokens[SPENT].id));
                self.in_time(&reply);
                assert!(reply.ok().starts_with("false "), "{reply:?}");
                let order = self.verify(touched);
                let knows = status_of(&self.writer.ask(&order)).to_owned();
                for verifier in &mut self.verifiers {
                    let reply = verifier.ask(&order);
                    assert_eq!(status_of(&reply), knows, "the writer knows better");
                }
            }
            _ => {
                let order = self.verify(touched);
                for verifier in &mut self.verifiers {
                    // Nobody was told of the change, so that they need not know of it yet.
                    let reply = verifier.ask(&order);
                    assert!(matches!(status_of(&reply), "OK" | "REVOKED" | "UNKNOWN"), "{reply:?}");
                }
            }
        }
    }

    /// Opens the store once more, within the bound.
    pub(crate) fn opener(&mut self) -> Member {
        let mut member = Member::start(&self.opening, |_| ());
        let reply = member.hear().expect("it opens the store");
        self.in_time(&reply);
        reply.ok();
        member
    }

    /// Whether a call took no longer than it may.
    pub(crate) fn in_time(&mut self, reply: &Reply) {
        assert!(reply.took < self.opening.busy + SLACK, "a call took too long: {reply:?}");
        self.longest = self.longest.max(reply.took);
    }

    /// Whether a change was refused with BUSY, at the bound and not before.
    pub(crate) fn is_busy(&mut self, reply: &Reply) -> bool {
        self.in_time(reply);
        let busy = reply.error() == Some("Busy");
        assert!(!busy || reply.took + Duration::from_millis(50) > self.opening.busy, "too early: {reply:?}");
        busy
    }

    /// Every process, and one that opens the store now, must say the same of everything, and what is known of it.
    pub(crate) fn all_agree(&mut self) {
        let opener = self.opener();
        let values: Vec<String> =
            self.tokens.iter().map(|token| format!("{} {NONE} {NONE}", token.value)).collect();
        let order = format!("verify {}", values.join(" "));
        let file = self.folder.path().join("dump");
        let mut said: Option<(String, String)> = None;
        let mut opened = [opener];
        let members = opened.iter_mut().chain(&mut self.verifiers).chain([&mut self.writer]);
        for member in members {
            let verdicts = member.ask(&order);
            member.ask(&format!("dump {NONE} {}", file.display())).ok();
            let dump = std::fs::read_to_string(&file).expect("a dump");
            let says = (verdicts.ok().to_owned(), dump);
            let first = said.get_or_insert_with(|| says.clone());
            assert_eq!(*first, says, "process {} disagrees with a fresh opening", member.pid());
        }
        let [opener] = opened;
        opener.leave();
        let (verdicts, _) = said.expect("somebody was asked");
        for (token, verdict) in self.tokens.iter_mut().zip(verdicts.split(' ')) {
            let status = verdict.split('/').next().expect("a status");
            match token.status {
                Some(known) => assert_eq!(status, known, "what was acknowledged of {}", token.id),
                None if status == "OK" => token.status = Some("OK"),
                None => {
                    token.status = Some(
                        ["REVOKED", "UNKNOWN"]
                            .into_iter()
                            .find(|known| *known == status)
                            .expect("what was or was not done"),
                    )
                }
            }
        }
    }

    /// How many batches of tokens there are. None may be there in part.
    pub(crate) fn batches(&mut self) -> usize {
        let file = self.folder.path().join("batches");
        let reply = self.writer.ask(&format!("dump batch {}", file.display()));
        let tokens: usize = reply.ok().parse().expect("a number");
        assert_eq!(tokens % BATCH, 0, "a part of a batch is there");
        tokens / BATCH
    }

    /// What became of a token, once all agreed.
    pub(crate) fn status(&self, place: usize) -> &'static str {
        self.tokens[place].status.expect("all agreed")
    }

    /// Everybody leaves, and the store stays as long as its folder.
    pub(crate) fn leave(self) -> tempfile::TempDir {
        let Scene { folder, writer, verifiers, .. } = self;
        writer.leave();
        verifiers.into_iter().for_each(Member::leave);
        folder
    }

    /// Everybody leaves. The file must be whole, and hold what was known last.
    pub(crate) fn end(mut self) {
        self.all_agree();
        let Scene { folder, opening, mut writer, verifiers, .. } = self;
        let file = folder.path().join("last dump");
        writer.ask(&format!("dump {NONE} {}", file.display())).ok();
        writer.leave();
        verifiers.into_iter().for_each(Member::leave);
        let lines = std::fs::read_to_string(&file).expect("a dump");
        let (_events, dump) = fresh_opening(&opening, folder.path());
        assert_eq!(dump, lines, "a fresh opening shows something else");
    }
}

/// The status of a verify's one answer, or its error.
pub(crate) fn status_of(reply: &Reply) -> &str {
    reply.ok().split('/').next().expect("a status")
}

/// How long something takes.
pub(crate) fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = run();
    (done, start.elapsed())
}
