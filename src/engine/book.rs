//! Who owns what, and which names are taken: what changes and lists look up, and verifies do not.
//!
//! Owners and names are looked up by 32 bits of a keyed hash. Whoever finds an id here reads its record and compares.

use std::collections::{BTreeSet, HashMap};

use crate::id::Id;
use crate::key::Keys;
use crate::record::Record;

#[derive(Default)]
pub(super) struct Book {
    owned: BTreeSet<(u32, Id)>,
    named: BTreeSet<(u32, Id)>,
    /// The members of families that live, or did when they were last looked at.
    members: HashMap<Id, Vec<Id>>,
}

/// The smallest and the largest id.
const ALL: (Id, Id) = (Id::NONE, Id::from_bytes([0xff; 16]));

impl Book {
    /// A book of all these records; `names` says whether a record's name is one to be unique.
    pub(super) fn of<'a>(entries: impl Iterator<Item = (Option<u32>, u32, Id)> + Clone + 'a) -> Book {
        // From sorted vectors the trees are built dense.
        let mut owned: Vec<(u32, Id)> = entries.clone().map(|(_, owner, id)| (owner, id)).collect();
        owned.sort_unstable();
        let mut named: Vec<(u32, Id)> = entries.filter_map(|(name, _, id)| Some((name?, id))).collect();
        named.sort_unstable();
        Book {
            owned: owned.into_iter().collect(),
            named: named.into_iter().collect(),
            members: HashMap::new(),
        }
    }

    pub(super) fn add(&mut self, keys: &Keys, record: &Record) {
        self.owned.insert((owner_hash(keys, &record.owner), record.id));
    }

    pub(super) fn remove(&mut self, keys: &Keys, record: &Record) {
        self.owned.remove(&(owner_hash(keys, &record.owner), record.id));
    }

    /// The ids that may be this owner's, behind `after`, ascending; at most `limit`.
    pub(super) fn owned_by(&self, keys: &Keys, owner: &[u8], after: Option<Id>, limit: usize) -> Vec<Id> {
        let hash = owner_hash(keys, owner);
        let first = std::ops::Bound::Excluded((hash, after.unwrap_or(ALL.0)));
        let last = std::ops::Bound::Included((hash, ALL.1));
        self.owned.range((first, last)).take(limit).map(|(_, id)| *id).collect()
    }

    pub(super) fn take_name(&mut self, keys: &Keys, owner: &[u8], name: &str, id: Id) {
        self.named.insert((keys.name_hash(owner, name), id));
    }

    pub(super) fn free_name(&mut self, keys: &Keys, owner: &[u8], name: &str, id: Id) {
        self.named.remove(&(keys.name_hash(owner, name), id));
    }

    /// The ids that may hold this name of this owner.
    pub(super) fn named(&self, keys: &Keys, owner: &[u8], name: &str) -> Vec<Id> {
        let hash = keys.name_hash(owner, name);
        self.named.range((hash, ALL.0)..=(hash, ALL.1)).map(|(_, id)| *id).collect()
    }

    pub(super) fn add_member(&mut self, family: Id, id: Id) {
        self.members.entry(family).or_default().push(id);
    }

    pub(super) fn remove_member(&mut self, family: Id, id: Id) {
        if let Some(members) = self.members.get_mut(&family) {
            members.retain(|member| *member != id);
            if members.is_empty() {
                self.members.remove(&family);
            }
        }
    }

    /// The members of a family that may live.
    pub(super) fn members(&self, family: Id) -> Vec<Id> {
        self.members.get(&family).cloned().unwrap_or_default()
    }

    /// How many tokens there are.
    pub(super) fn tokens(&self) -> usize {
        self.owned.len()
    }

    /// About how many bytes the book takes: entries of 20 bytes in nodes that are two thirds full.
    pub(super) fn bytes(&self) -> u64 {
        ((self.owned.len() + self.named.len()) * size_of::<(u32, Id)>() * 3 / 2) as u64
    }
}

pub(super) fn owner_hash(keys: &Keys, owner: &[u8]) -> u32 {
    keys.name_hash(owner, "")
}
