//! Random numbers that one seed reproduces: splitmix64.

/// A generator. Whoever draws the same from the same seed gets the same.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The seed that `TOKENSTORE_SEED` names, or one from the clock: print it, so that a run can be had again.
    pub(crate) fn seed() -> u64 {
        match std::env::var("TOKENSTORE_SEED") {
            Ok(seed) => seed.parse().expect("TOKENSTORE_SEED is a number"),
            Err(_) => {
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                now.map_or(1, |now| now.as_nanos() as u64)
            }
        }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True once in `n` times.
    pub(crate) fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Whether the long runs were asked for: `TOKENSTORE_LONG=1`.
pub(crate) fn long() -> bool {
    std::env::var_os("TOKENSTORE_LONG").is_some_and(|value| value != "0")
}
