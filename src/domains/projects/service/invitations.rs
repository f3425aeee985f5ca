//! Invitations to bid.

use assay_kernel::ids::{AccountId, InvitationId, ProjectId};
use assay_kernel::process::{Actions, Who};
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::db::Conn;
use assay_platform::timers;
use chrono::Duration;
use uuid::Uuid;

use super::{Projects, Relation, notify};
use crate::model::{INVITATION, PROJECT, ProjectState, invitation_events as events, project_events};
use crate::store;
use crate::store::invitations::InvitationRow;

/// An invitation as one of its two sides sees it.
#[derive(Debug)]
pub struct InvitationDetail {
    /// The row.
    pub row: InvitationRow,
    /// The project's title.
    pub title: String,
    /// What the caller can do.
    pub actions: Actions,
}

impl Projects {
    /// Invites an approved developer to bid.
    pub async fn invite_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        project: ProjectId,
        developer: AccountId,
        message: &str,
    ) -> Result<InvitationDetail> {
        let (project_row, relation) = self.lock(conn, actor, project).await?;
        PROJECT.transition(&project_row.state, project_events::INVITE, &relation.who())?;
        let now = self.ctx.clock.now();
        if !assay_vetting::is_approved(&self.ctx, conn, developer).await? {
            return Err(Error::invalid_field("/developer_id", "not_allowed", "is not an approved developer"));
        }
        if assay_identity::membership(conn, developer, project_row.organisation()).await?.is_some() {
            return Err(Error::invalid_field(
                "/developer_id",
                "not_allowed",
                "belongs to the client's organisation",
            ));
        }
        let open = store::invitations::count_open(conn, project).await?;
        if open >= self.ctx.policy.bids.max_open_invitations {
            let most = self.ctx.policy.bids.max_open_invitations;
            return Err(Error::new(
                Code::LimitReached,
                format!("{most} invitations wait for an answer already."),
            ));
        }
        let row = InvitationRow {
            id: self.ctx.ids.uuid(),
            project_id: project.uuid(),
            developer_id: developer.uuid(),
            invited_by_id: actor.account_id.uuid(),
            state: INVITATION.initial.to_owned(),
            message: message.to_owned(),
            decline_reason: None,
            expires_at: now + Duration::days(self.ctx.policy.bids.invitation_days),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        if !store::invitations::insert(conn, &row).await? {
            return Err(Error::new(
                Code::AlreadyExists,
                "This developer has a live invitation to the project.",
            ));
        }
        timers::set(&self.ctx, conn, INVITATION.name, row.id, events::EXPIRE, row.expires_at).await?;
        self.touch_client(conn, &project_row).await?;
        let (organisation, _) = store::projects::organisation(conn, project).await?;
        notify::invitation(&self.ctx, conn, &row, "invitation.sent").await?;
        notify::mail_invitation(&self.ctx, conn, &project_row, &organisation, &row).await?;
        Ok(InvitationDetail { row, title: project_row.title, actions: Actions::default() })
    }

    /// An invitation, for the developer and for the client's people; the developer's first reading is noted.
    pub async fn get_invitation_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: InvitationId,
    ) -> Result<InvitationDetail> {
        let (mut row, title, state, who) = self.lock_invitation(conn, actor, id).await?;
        if let Ok(transition) = INVITATION.transition(&row.state, events::VIEW, &who) {
            row.state = transition.to.to_owned();
            self.save_invitation(conn, &mut row, "invitation.viewed").await?;
        }
        Ok(self.invitation_detail(row, title, state, &who))
    }

    /// The developer answers.
    pub async fn answer_invitation_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: InvitationId,
        accept: bool,
        reason: Option<&str>,
    ) -> Result<InvitationDetail> {
        let (mut row, title, state, who) = self.lock_invitation(conn, actor, id).await?;
        let event = if accept { events::ACCEPT } else { events::DECLINE };
        let transition = INVITATION.transition(&row.state, event, &who)?;
        INVITATION.check(transition, |guard| blocked(guard, state))?;
        row.state = transition.to.to_owned();
        row.decline_reason = reason.map(str::to_owned);
        timers::clear(conn, INVITATION.name, row.id, &[]).await?;
        let kind = if accept { "invitation.accepted" } else { "invitation.declined" };
        self.save_invitation(conn, &mut row, kind).await?;
        Ok(self.invitation_detail(row, title, state, &who))
    }

    async fn save_invitation(&self, conn: &mut Conn, row: &mut InvitationRow, kind: &str) -> Result<()> {
        row.version = row.version.saturating_add(1);
        row.updated_at = self.ctx.clock.now();
        store::invitations::update(conn, row).await?;
        notify::invitation(&self.ctx, conn, row, kind).await
    }

    async fn lock_invitation(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: InvitationId,
    ) -> Result<(InvitationRow, String, ProjectState, Vec<Who>)> {
        let missing = || Error::not_found("invitation");
        let row = store::invitations::lock(conn, id).await?.ok_or_else(missing)?;
        let project_id = ProjectId::from_uuid(row.project_id);
        let project = store::projects::find(conn, project_id).await?.ok_or_else(missing)?;
        let state = project.state()?;
        if row.developer_id == actor.account_id.uuid() {
            return Ok((row, project.title, state, vec![Who::Developer]));
        }
        let relation = Relation::of(&self.ctx, conn, Some(actor), project_id).await?;
        if relation.role.is_none() {
            return Err(missing());
        }
        Ok((row, project.title, state, vec![Who::Client]))
    }

    fn invitation_detail(
        &self,
        row: InvitationRow,
        title: String,
        project: ProjectState,
        who: &[Who],
    ) -> InvitationDetail {
        let actions = INVITATION.actions(&row.state, who, |_, guard| blocked(guard, project));
        InvitationDetail { row, title, actions }
    }

    /// Invitations of a project, for its client.
    pub async fn invitations_of_project(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        project: ProjectId,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<InvitationRow>> {
        let relation = Relation::of(&self.ctx, conn, Some(actor), project).await?;
        if relation.role.is_none() {
            return Err(Error::not_found("project"));
        }
        Ok(store::invitations::list(conn, Some(project), None, before, limit).await?)
    }

    /// A developer's own invitations.
    pub async fn my_invitations(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<InvitationRow>> {
        Ok(store::invitations::list(conn, None, Some(actor.account_id), before, limit).await?)
    }
}

fn blocked(guard: &str, project: ProjectState) -> Option<String> {
    let open = matches!(project, ProjectState::Listed | ProjectState::Shortlisting);
    (guard == "project_open" && !open).then(|| "The project is not open to bids.".to_owned())
}
