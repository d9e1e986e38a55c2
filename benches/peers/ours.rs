//! tokenstore itself.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokenstore::{NewToken, Options, Query, Store, TypeId, TypePolicy, Verdict};
use tokenstore_benches::{PREFIX, Result, SHARED_PROJECT, Values, Window, huge_page_bytes};

/// How many values a batch has.
pub(crate) const BATCH: usize = 256;
const TYPE_NAME: &str = "server";

/// A store with everything at its default.
pub(crate) struct Ours {
    pub(crate) store: Store,
    pub(crate) type_id: TypeId,
    path: PathBuf,
}

/// An open, and what it found.
pub(crate) struct Opening {
    pub(crate) time: Duration,
    /// What the open put on huge pages.
    pub(crate) huge_page_bytes: u64,
}

impl Ours {
    pub(crate) fn create(folder: &Path) -> Result<Ours> {
        let path = folder.join("tokenstore");
        let store = Options::new().create(&path)?;
        let type_id = store.declare(&policy())?;
        Ok(Ours { store, type_id, path })
    }

    /// Closes the store and opens it anew.
    pub(crate) fn reopen(&mut self) -> Result<Opening> {
        self.store.close()?;
        // The old index is let go with the old store.
        self.store = Options::new().in_memory()?;
        let before = huge_page_bytes();
        let start = Instant::now();
        self.store = Options::new().open(&self.path)?;
        let time = start.elapsed();
        Ok(Opening { time, huge_page_bytes: huge_page_bytes().saturating_sub(before) })
    }

    pub(crate) fn query(&self) -> Query {
        Query::of_type(self.type_id)
    }

    pub(crate) fn project_query(&self) -> Query {
        self.query().project(SHARED_PROJECT)
    }

    /// Verifies one value after the other, by one query.
    pub(crate) fn verifier(&self, query: Query) -> impl FnMut(&[u8]) -> Option<u64> {
        move |value| number(&self.store.verify(value, &query).expect("the query is good"))
    }

    /// Verifies for a project that comes with each value, as with requests.
    pub(crate) fn project_verifier(&self) -> impl FnMut(&[u8]) -> Option<u64> {
        move |value| {
            let query = self.query().project(std::hint::black_box(SHARED_PROJECT));
            number(&self.store.verify(value, &query).expect("the query is good"))
        }
    }

    /// Verifies values in batches and returns the time that took.
    ///
    /// # Panics
    /// Unless every answer was the right token.
    #[inline(never)]
    pub(crate) fn time_batches(&self, window: Window<'_>, query: &Query) -> Duration {
        let mut verdicts = [Verdict::default(); BATCH];
        let mut right = 0;
        let start = Instant::now();
        for batch in window.chunks(BATCH) {
            let mut values = [&[][..]; BATCH];
            for (place, value) in values.iter_mut().zip(batch.values()) {
                *place = value;
            }
            let (values, verdicts) = (&values[..batch.len()], &mut verdicts[..batch.len()]);
            let allowed = self.store.verify_many(values, query, verdicts).expect("the query is good");
            let answers = batch.iter().zip(verdicts.iter());
            right += answers.filter(|((_, expected), verdict)| number(verdict) == Some(*expected)).count();
            assert_eq!(allowed, batch.len());
        }
        let time = start.elapsed();
        assert_eq!(right, window.len(), "a verify took a token for another");
        time
    }
}

/// Values that are made like those of the tokens, and are nobody's.
pub(crate) struct Strangers {
    pub(crate) unknown: Values,
    /// The same with a wrong check character.
    pub(crate) garbled: Values,
}

impl Strangers {
    pub(crate) fn new(count: usize) -> Result<Strangers> {
        let made = spare_values(count)?;
        let width = made.first().map_or(0, Vec::len);
        let places = u32::try_from(count)?;
        let (mut unknown, mut garbled) = (Values::new(places, width), Values::new(places, width));
        for (number, mut value) in made.into_iter().enumerate() {
            unknown.put(number, &value);
            if let Some(last) = value.last_mut() {
                *last = if *last == b'0' { b'1' } else { b'0' };
            }
            garbled.put(number, &value);
        }
        Ok(Strangers { unknown, garbled })
    }
}

/// So many values of a store that is no more.
pub(crate) fn spare_values(count: usize) -> Result<Vec<Vec<u8>>> {
    let store = Options::new().max_events(1).in_memory()?;
    let token = NewToken::new(store.declare(&policy())?, "nobody");
    let made = store.create_many(std::iter::repeat_n(&token, count));
    made.into_iter().map(|created| Ok(created?.value.as_bytes().to_vec())).collect()
}

fn policy() -> TypePolicy {
    TypePolicy::new(TYPE_NAME, PREFIX)
}

#[inline]
fn number(verdict: &Verdict) -> Option<u64> {
    verdict.identity().filter(|_| verdict.allowed()).map(|who| who.app_word)
}
