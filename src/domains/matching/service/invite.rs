//! Invitations from a ranking.

use assay_kernel::ids::{AccountId, InvitationId, MatchId, ProjectId};
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::db::Conn;
use chrono::{DateTime, Duration, Utc};

use super::Matching;
use crate::model::facts::blockers;
use crate::store;

/// An invitation that came of a ranking.
#[derive(Debug)]
pub struct Invited {
    /// The invitation.
    pub id: InvitationId,
    /// The project.
    pub project: ProjectId,
    /// The developer's place in the ranking.
    pub place: usize,
    /// Until when it stands.
    pub expires_at: DateTime<Utc>,
}

impl Matching {
    /// Invites somebody whom the ranking showed. They must be as free as when they were shown: who has many invitations
    /// by now, or declined this client, is left in peace.
    ///
    /// # Errors
    /// 404, `invalid_fields` for somebody who was not shown, `state_conflict` for somebody who is not free any more, and
    /// what an invitation fails with.
    pub async fn invite_from_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: MatchId,
        developer: AccountId,
        message: &str,
    ) -> Result<Invited> {
        let given = self.given(conn, actor, id).await?;
        let shown = |place: &Option<crate::model::kept::KeptPlace>| {
            place.as_ref().is_some_and(|place| place.developer == developer.uuid())
        };
        let place = given.row.places.iter().position(shown).ok_or_else(|| {
            Error::invalid_field("/developer_id", "not_allowed", "was not shown by this ranking")
        })?;
        let project = ProjectId::from_uuid(given.row.project_id);
        let row = self.project_inside(conn, actor, project).await?;
        let facts = self.source.facts(conn, vec![developer.uuid()]).await?.pop();
        let limits = self.source.limits();
        let now = self.ctx.clock.now();
        let cool_down = now - Duration::days(limits.matching.cool_down_days);
        let without = store::facts::without(conn, row.id, cool_down, now).await?;
        let resting = without.iter().any(|(who, why)| {
            *who == developer.uuid() && matches!(why.as_str(), "declined" | "excluded" | "bid")
        });
        let free = facts.is_some_and(|facts| blockers(&facts, &self.core_project(&row), &limits).is_empty());
        if resting || !free {
            // Which of their circumstances it is, is theirs.
            let detail = "This developer is not free for the project any more; rank again.";
            return Err(Error::new(Code::StateConflict, detail).with_allowed_actions(Vec::new()));
        }
        let sent = self.projects.invite_in(conn, actor, project, developer, message).await?;
        let place = place + 1;
        let number = i32::try_from(place).unwrap_or(i32::MAX);
        store::rankings::link_invitation(conn, sent.row.id, given.row.id, number).await?;
        Ok(Invited {
            id: InvitationId::from_uuid(sent.row.id),
            project,
            place,
            expires_at: sent.row.expires_at,
        })
    }
}
