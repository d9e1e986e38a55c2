//! Who owns what, and which names are taken: what changes and lists look up, and verifies do not.
//!
//! Owners and names are looked up by 32 bits of a keyed hash. Whoever finds an id here reads its record and compares.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::id::Id;
use crate::key::{Digest, Keys};
use crate::record::Record;

#[derive(Default)]
pub(super) struct Book {
    owned: BTreeSet<(u32, Id)>,
    named: BTreeSet<(u32, Id)>,
    /// Where the tokens stand, if other processes may take them away: nothing tells then what they were.
    places: Option<BTreeMap<Id, Place>>,
    /// Tokens to be swept out some time after their end, by their end; also some that are gone, or live longer by now.
    ends: BTreeSet<(i64, Id)>,
    /// The members of families that live, or did when they were last looked at.
    members: HashMap<Id, Vec<Id>>,
}

/// Where a token stands in the index and in the book.
pub(super) struct Place {
    pub(super) digest: Digest,
    /// Its old value's, if it has one.
    pub(super) old: Option<Box<Digest>>,
    pub(super) owner: u32,
    /// The hash of the name that it holds.
    pub(super) name: Option<u32>,
}

impl Place {
    pub(super) fn of(keys: &Keys, record: &Record, holds_name: bool) -> Place {
        let name = record.name.as_deref().filter(|_| holds_name);
        Place {
            digest: record.digest,
            old: record.old_value.as_ref().map(|old| Box::new(old.digest)),
            owner: owner_hash(keys, &record.owner),
            name: name.map(|name| keys.name_hash(&record.owner, name)),
        }
    }

    pub(super) fn digests(&self) -> impl Iterator<Item = Digest> {
        [Some(self.digest), self.old.as_deref().copied()].into_iter().flatten()
    }
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
        Book { owned: owned.into_iter().collect(), named: named.into_iter().collect(), ..Book::default() }
    }

    /// Keeps the places of all tokens from now on.
    pub(super) fn keep_places(&mut self, places: Vec<(Id, Place)>) {
        self.places = Some(places.into_iter().collect());
    }

    /// Notes where a token stands now; where it stood, if that is known.
    pub(super) fn note_place(&mut self, id: Id, place: Option<Place>) -> Option<Place> {
        let places = self.places.as_mut()?;
        match place {
            Some(place) => places.insert(id, place),
            None => places.remove(&id),
        }
    }

    /// The same, and what follows for owners and names, for a token that another process changed.
    pub(super) fn follow(&mut self, id: Id, place: Option<Place>) -> Option<Place> {
        let (owner, name) = match &place {
            Some(place) => (Some(place.owner), place.name),
            None => (None, None),
        };
        let before = self.note_place(id, place);
        if let Some(before) = &before {
            self.owned.remove(&(before.owner, id));
            before.name.map(|name| self.named.remove(&(name, id)));
        }
        owner.map(|owner| self.owned.insert((owner, id)));
        name.map(|name| self.named.insert((name, id)));
        before
    }

    /// The ids of all tokens whose places are kept.
    pub(super) fn known_ids(&self) -> BTreeSet<Id> {
        self.places.iter().flat_map(|places| places.keys().copied()).collect()
    }

    /// Where a token stands, if that is kept.
    pub(super) fn place(&self, id: Id) -> Option<&Place> {
        self.places.as_ref()?.get(&id)
    }

    /// A token is to be swept out some time after its end.
    pub(super) fn note_end(&mut self, end_ms: i64, id: Id) {
        self.ends.insert((end_ms, id));
    }

    /// Tokens whose end was noted and lies before a time, once there are so many, and at most so many.
    pub(super) fn take_ended(&mut self, before_ms: i64, many: usize) -> Vec<Id> {
        let ended = self.ends.range(..(before_ms, ALL.0)).take(many);
        let ended: Vec<_> = ended.copied().collect();
        if ended.len() < many {
            return Vec::new();
        }
        ended.iter().for_each(|end| {
            self.ends.remove(end);
        });
        ended.into_iter().map(|(_, id)| id).collect()
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
        let members = self.members.entry(family).or_default();
        if !members.contains(&id) {
            members.push(id);
        }
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
        let places = self.places.as_ref().map_or(0, |places| places.len() * size_of::<(Id, Place)>());
        (((self.owned.len() + self.named.len()) * size_of::<(u32, Id)>() + places) * 3 / 2) as u64
    }
}

pub(super) fn owner_hash(keys: &Keys, owner: &[u8]) -> u32 {
    keys.name_hash(owner, "")
}
