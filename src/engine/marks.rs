//! What ended all that an owner had: for each owner and type, or all types, the number up to which everything is dead.

use std::collections::HashMap;

use crate::policy::TypeId;
use crate::record::OwnerKill;

/// Every revocation of an owner, the latest of each kind.
#[derive(Default)]
pub(super) struct Marks {
    of_owners: HashMap<Vec<u8>, Vec<Mark>>,
}

struct Mark {
    type_id: Option<TypeId>,
    watermark: u64,
    at_ms: i64,
    /// The row's part of the sum over all records.
    part: [u8; 32],
}

impl Marks {
    /// Notes a revocation; the part of the one in whose place it comes.
    pub(super) fn set(&mut self, kill: &OwnerKill, part: [u8; 32]) {
        let OwnerKill { owner, type_id, watermark, at_ms } = kill;
        let mark = Mark { type_id: *type_id, watermark: *watermark, at_ms: *at_ms, part };
        let marks = self.of_owners.entry(owner.clone()).or_default();
        match marks.iter_mut().find(|known| known.type_id == *type_id) {
            Some(known) => *known = mark,
            None => marks.push(mark),
        }
    }

    /// The part of the sum of a revocation's row, if there is one.
    pub(super) fn part(&self, owner: &[u8], type_id: Option<TypeId>) -> Option<[u8; 32]> {
        self.of(owner, |mark| mark.type_id == type_id).map(|mark| mark.part).next()
    }

    /// The highest mark of an owner that holds for one of these types; 0 is none.
    pub(super) fn highest(&self, owner: &[u8], types: &[TypeId]) -> u64 {
        let holds = |mark: &Mark| mark.type_id.is_none_or(|type_id| types.contains(&type_id));
        self.of(owner, holds).map(|mark| mark.watermark).max().unwrap_or(0)
    }

    /// When what was changed last under `revision` died by a mark.
    pub(super) fn died_at(&self, owner: &[u8], types: &[TypeId], revision: u64) -> Option<i64> {
        let holds = |mark: &Mark| {
            mark.watermark >= revision && mark.type_id.is_none_or(|type_id| types.contains(&type_id))
        };
        self.of(owner, holds).map(|mark| mark.at_ms).min()
    }

    fn of(&self, owner: &[u8], holds: impl Fn(&Mark) -> bool) -> impl Iterator<Item = &Mark> {
        self.of_owners.get(owner).into_iter().flatten().filter(move |mark| holds(mark))
    }
}
