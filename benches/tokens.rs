//! The tokens that are measured. What each of them is follows from its number.

use std::time::Duration;

use tokenstore::{Expiry, Grants, NewToken, TypeId};

/// What the values begin with.
pub const PREFIX: &str = "srv";
/// A project that every token reaches.
pub const SHARED_PROJECT: &str = "A1B2C-D3E4F";

/// How many tokens an owner has.
const TOKENS_AN_OWNER: u64 = 10;
/// How many projects an owner has besides the shared one.
const PROJECTS_AN_OWNER: u64 = 5;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A typical token: an owner, a name, three projects, an expiry.
#[derive(Clone, Debug)]
pub struct Typical {
    /// Its number, which every contender must give back when it verifies the token.
    pub number: u64,
    /// Ten tokens have the same, made at different times.
    pub owner: String,
    /// Its owner's only one of this name.
    pub name: String,
    /// The one that all have and two of its owner's.
    pub projects: [String; 3],
    /// A month to a year and a month.
    pub lifetime: Duration,
}

impl Typical {
    /// The token of this number among `tokens`; one beyond them gets an owner of theirs, too.
    pub fn new(number: u64, tokens: u64) -> Typical {
        // Multiplying by a prime spreads an owner's tokens over the whole time in which tokens are made.
        let spread = u128::from(number) * 2_654_435_761 % u128::from(tokens);
        let spread = spread as u64;
        let (owner, place) = (spread / TOKENS_AN_OWNER, spread % TOKENS_AN_OWNER);
        let name =
            if number < tokens { format!("Deploy key {place}") } else { format!("Later key {number}") };
        let project = |which: u64| {
            let bits = mixed(owner * PROJECTS_AN_OWNER + which % PROJECTS_AN_OWNER);
            format!("{:05X}-{:05X}", bits & 0xf_ffff, bits >> 20 & 0xf_ffff)
        };
        Typical {
            number,
            owner: format!("account-{owner:07}"),
            name,
            projects: [SHARED_PROJECT.to_owned(), project(place), project(place + 1)],
            lifetime: DAY * (30 + (mixed(number) % 365) as u32),
        }
    }

    /// What tokenstore makes it from.
    pub fn to_new_token(&self, type_id: TypeId) -> NewToken {
        NewToken::new(type_id, &self.owner)
            .name(&self.name)
            .grants(Grants::projects(&self.projects))
            .expires(Expiry::In(self.lifetime))
            .app_word(self.number)
    }
}

/// A number's bits, mixed (SplitMix64's finalizer).
pub(crate) fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}
