//! Revoking all that an owner has: a mark, and no walk over tokens.

use super::pending::Pending;
use super::{Desk, Engine};
use crate::edit::{Change, Target};
use crate::error::Result;
use crate::event::{EventDetail, EventKind};
use crate::id::Id;
use crate::limits::check_owner;
use crate::plan::{Answer, Op};
use crate::policy::TypeId;
use crate::record::{OwnerKill, Subject};

impl Engine {
    /// Revokes all that an owner has, of a type or of all.
    pub(crate) fn revoke_owner(
        &self,
        owner: &[u8],
        type_id: Option<TypeId>,
        by: &str,
        reason: &str,
    ) -> Result<Change> {
        check_owner(owner)?;
        Target::new(Id::NONE).by(by).reason(reason).check()?;
        let op =
            Op::RevokeOwner { owner: owner.to_vec(), type_id, by: by.to_owned(), reason: reason.to_owned() };
        match self.run(op)? {
            Answer::Change(change) => Ok(change),
            _ => Err(super::no_answer()),
        }
    }

    pub(super) fn plan_revoke_owner(
        &self,
        pending: &mut Pending<'_>,
        desk: &mut Desk,
        owner: Vec<u8>,
        type_id: Option<TypeId>,
        by: &str,
        reason: &str,
    ) -> Result<Change> {
        if let Some(type_id) = type_id {
            self.types.get(type_id).ok_or_else(super::no_such_type)?;
        }
        let subject = type_id.map_or(Subject::Store, Subject::Type);
        let detail = Some(EventDetail::Owner(owner.clone()));
        let watermark = pending.next_with(EventKind::OwnerRevoked, subject, by, reason, detail)?;
        // Nothing refuses it any more: it takes effect now.
        desk.writer.kill_owner(&self.index, &owner, type_id, watermark)?;
        if let Some(tickets) = self.tickets.get() {
            tickets.kill_owner(&owner, type_id)?;
        }
        let kills = &mut pending.changes.owner_kills;
        kills.retain(|kill| kill.owner != owner || kill.type_id != type_id);
        kills.push(OwnerKill { owner, type_id, watermark, at_ms: pending.now_ms });
        Ok(Change { changed: true, revision: watermark })
    }
}
