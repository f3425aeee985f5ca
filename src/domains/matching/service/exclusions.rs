//! Staff keeps a developer out of rankings, with a reason that the developer can read. There is no way to push one up.

use assay_kernel::ids::{AccountId, MatchExclusionId, ProjectId};
use assay_kernel::{Actor, Code, Error, Permission, Result};
use assay_platform::audit;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::Matching;
use crate::store;
use crate::store::exclusions::ExclusionRow;

impl Matching {
    /// Excludes a developer from one project's rankings, or from all.
    ///
    /// # Errors
    /// `invalid_fields`, the database's.
    pub async fn exclude_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        developer: AccountId,
        project: Option<ProjectId>,
        reason: &str,
        until: Option<DateTime<Utc>>,
    ) -> Result<ExclusionRow> {
        let now = self.ctx.clock.now();
        let field = |pointer, detail| Error::invalid_field(pointer, "not_allowed", detail);
        if developer == actor.account_id {
            return Err(field("/developer_id", "is you; another decides about you"));
        }
        if until.is_some_and(|until| until <= now) {
            return Err(field("/until", "is in the past"));
        }
        if assay_identity::account_ref(conn, developer).await?.is_none() {
            return Err(field("/developer_id", "is nobody's account"));
        }
        if let Some(project) = project
            && store::facts::project(conn, project, actor.account_id).await?.is_none()
        {
            return Err(field("/project_id", "is not a project"));
        }
        let row = ExclusionRow {
            id: self.ctx.ids.uuid(),
            developer_id: developer.uuid(),
            project_id: project.map(|id| id.uuid()),
            reason: reason.to_owned(),
            excluded_by_id: actor.account_id.uuid(),
            created_at: now,
            until,
            lifted_at: None,
            lifted_by_id: None,
            lift_reason: None,
            version: 1,
        };
        store::exclusions::insert(conn, &row).await?;
        self.tell_exclusion(conn, actor, &row, "created", reason).await?;
        Ok(row)
    }

    /// Lifts an exclusion.
    ///
    /// # Errors
    /// 404, 412, `state_conflict` when it is lifted already, the database's.
    pub async fn lift_exclusion_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: MatchExclusionId,
        reason: &str,
        seen: impl Fn(i64) -> Result<()>,
    ) -> Result<ExclusionRow> {
        let missing = || Error::not_found("exclusion");
        let mut row = store::exclusions::lock(conn, id).await?.ok_or_else(missing)?;
        seen(row.version)?;
        if row.lifted_at.is_some() {
            let detail = "It has been lifted already.";
            return Err(Error::new(Code::StateConflict, detail).with_allowed_actions(Vec::new()));
        }
        row.lifted_at = Some(self.ctx.clock.now());
        row.lifted_by_id = Some(actor.account_id.uuid());
        row.lift_reason = Some(reason.to_owned());
        row.version += 1;
        store::exclusions::lift(conn, &row).await?;
        self.tell_exclusion(conn, actor, &row, "lifted", reason).await?;
        Ok(row)
    }

    /// Exclusions, the newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn exclusions(
        &self,
        conn: &mut Conn,
        developer: Option<AccountId>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<ExclusionRow>> {
        Ok(store::exclusions::list(conn, developer, before, limit).await?)
    }

    async fn tell_exclusion(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        row: &ExclusionRow,
        what: &str,
        reason: &str,
    ) -> Result<()> {
        let id = MatchExclusionId::from_uuid(row.id);
        let developer = AccountId::from_uuid(row.developer_id);
        let project = row.project_id.map(ProjectId::from_uuid);
        let data =
            json!({ "developer_id": developer, "project_id": project, "until": row.until, "reason": reason });
        let audience = [Audience::Account(developer), Audience::Staff(Permission::Curator)];
        let kind = format!("match_exclusion.{what}");
        outbox::publish(&self.ctx, conn, &kind, id.to_string(), data, &audience).await?;
        let entry = audit::Entry {
            actor: Some(actor.account_id),
            action: &kind,
            subject: id.to_string(),
            reason: Some(reason),
            data: json!({ "account_id": developer, "project_id": project }),
        };
        audit::record(&self.ctx, conn, entry).await
    }
}
