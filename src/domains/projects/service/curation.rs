//! Staff's side: the queue, claiming, decisions with reasons, appeals answered by somebody else.

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, AppealId, ProjectId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Code, Error, Result, string_enum};
use assay_platform::db::Conn;
use assay_platform::web::IfMatch;
use assay_platform::{audit, timers};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use validator::Validate;

use super::{ProjectDetail, Projects, Relation, notify};
use crate::model::{PROJECT, ProjectState, project_events as events};
use crate::store;
use crate::store::curation::{AppealRow, DecisionRow};
use crate::store::projects::ProjectRow;

/// The timer's machine name of appeals.
pub(crate) const APPEAL_MACHINE: &str = "curation_appeal";

string_enum! {
    /// Why a project is rejected or removed.
    pub enum ReasonCode {
        /// What is wanted cannot be told from the text.
        UnclearScope = "unclear_scope",
        /// The budget does not fit the work.
        BudgetMismatch = "budget_mismatch",
        /// Unlawful, or against the terms.
        ProhibitedContent = "prohibited_content",
        /// Not a project: recruiting, advertising, a test.
        NotAProject = "not_a_project",
        /// Posted before.
        Duplicate = "duplicate",
        /// The client is not who it says.
        ClientIdentity = "client_identity",
        /// Something else; the text says what.
        Other = "other",
    }
}

/// A note on a field.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldNote {
    /// A JSON Pointer into the project, e.g. `/milestones/0/deliverables/1/acceptance`.
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "/milestones/0/deliverables/1/acceptance")]
    pub pointer: String,
    /// What to change.
    #[validate(length(min = 3, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 1000, example = "Say which month of data the check uses.")]
    pub note: Text,
}

/// A request for changes.
#[derive(Debug, Clone, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangesRequest {
    /// What it is about, for the client.
    #[validate(length(min = 10, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 4000, example = "Good scope; two checks need a criterion that both sides can see.")]
    pub reason: Text,
    /// Notes per field; at least one.
    #[validate(nested, length(min = 1, max = 50))]
    #[schema(min_items = 1, max_items = 50)]
    pub notes: Vec<FieldNote>,
}

/// An adverse decision.
#[derive(Debug, Clone, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdverseDecision {
    /// The kind of reason.
    pub reason_code: ReasonCode,
    /// The reason, for the client.
    #[validate(length(min = 10, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 4000, example = "The text describes a full-time hire, not a project with deliverables.")]
    pub reason: Text,
}

/// An answer to an appeal.
#[derive(Debug, Clone, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppealAnswer {
    /// Overturn the decision (the project goes back to curation) or uphold it.
    pub outcome: AppealOutcome,
    /// The reason, for the client.
    #[validate(length(min = 10, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 4000, example = "The deliverables are concrete enough; another curator will read it.")]
    pub reason: Text,
}

string_enum! {
    /// How an appeal ends.
    pub enum AppealOutcome {
        /// The decision stands.
        Uphold = "uphold",
        /// The decision falls.
        Overturn = "overturn",
    }
}

impl Projects {
    /// Takes a submitted project to read.
    pub async fn claim_in(&self, conn: &mut Conn, actor: &Actor, id: ProjectId) -> Result<ProjectDetail> {
        let (mut row, relation) = self.begin(conn, actor, id, None, events::CLAIM).await?;
        self.refuse_conflict(&relation)?;
        // Whoever made the decision that an appeal overturned does not read the project again.
        let appeals = store::curation::appeals_of(conn, id).await?;
        for appeal in appeals.iter().filter(|appeal| appeal.state == "overturned") {
            let decision = store::curation::decision(conn, appeal.decision_id).await?;
            if decision.is_some_and(|decision| decision.decided_by_id == actor.account_id.uuid()) {
                return Err(Error::new(
                    Code::Forbidden,
                    "Your decision on this project was overturned; another curator reads it.",
                ));
            }
        }
        row.curator_id = Some(actor.account_id.uuid());
        self.save(conn, &mut row).await?;
        self.shown(conn, row, relation, actor).await
    }

    /// Gives a claimed project back to the queue.
    pub async fn release_in(&self, conn: &mut Conn, actor: &Actor, id: ProjectId) -> Result<ProjectDetail> {
        let (mut row, relation) = self.begin(conn, actor, id, None, events::RELEASE).await?;
        row.curator_id = None;
        self.save(conn, &mut row).await?;
        self.shown(conn, row, relation, actor).await
    }

    /// Asks the client for changes.
    pub async fn request_changes_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        seen: &IfMatch,
        request: &ChangesRequest,
    ) -> Result<ProjectDetail> {
        self.check_notes(conn, id, &request.notes).await?;
        let (mut row, relation) = self.begin_decision(conn, actor, id, seen, events::REQUEST_CHANGES).await?;
        row.curator_id = None;
        let decision = Decision {
            kind: "changes_requested",
            reason_code: None,
            reason: Some(&request.reason),
            notes: serde_json::to_value(&request.notes).map_err(Error::internal)?,
        };
        self.decide(conn, actor, &mut row, decision).await?;
        notify::mail_changes(&self.ctx, conn, &row, &request.reason, &request.notes).await?;
        self.shown(conn, row, relation, actor).await
    }

    /// Puts a project on the public listing.
    pub async fn list_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        seen: &IfMatch,
    ) -> Result<ProjectDetail> {
        let (mut row, relation) = self.begin_decision(conn, actor, id, seen, events::LIST).await?;
        let now = self.ctx.clock.now();
        let policy = &self.ctx.policy.projects;
        let expires_at = now + Duration::days(policy.listed_days);
        row.listed_at = Some(now);
        row.expires_at = Some(expires_at);
        row.last_client_act_at = now;
        row.curator_id = None;
        let decision = Decision { kind: "listed", reason_code: None, reason: None, notes: json!([]) };
        self.decide(conn, actor, &mut row, decision).await?;
        self.publish(conn, &row).await?;
        let set = async |conn: &mut Conn, event, due| {
            timers::set(&self.ctx, conn, PROJECT.name, row.id, event, due).await
        };
        set(conn, events::EXPIRE, expires_at).await?;
        set(conn, events::WARN_EXPIRY, expires_at - Duration::days(policy.expiry_warning_days)).await?;
        set(conn, events::IDLE_PAUSE, now + Duration::days(policy.idle_pause_days)).await?;
        notify::mail_listed(&self.ctx, conn, &row).await?;
        self.shown(conn, row, relation, actor).await
    }

    /// Refuses a project, with a reason that can be appealed.
    pub async fn reject_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        seen: &IfMatch,
        adverse: &AdverseDecision,
    ) -> Result<ProjectDetail> {
        let (mut row, relation) = self.begin_decision(conn, actor, id, seen, events::REJECT).await?;
        row.curator_id = None;
        self.decide(conn, actor, &mut row, Decision::adverse("rejected", adverse)).await?;
        notify::mail_rejected(&self.ctx, conn, &row, &adverse.reason).await?;
        self.shown(conn, row, relation, actor).await
    }

    /// Takes a project down, with a reason that can be appealed; its bids are closed.
    pub async fn remove_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        seen: &IfMatch,
        adverse: &AdverseDecision,
    ) -> Result<ProjectDetail> {
        let (mut row, relation) = self.begin_decision(conn, actor, id, seen, events::REMOVE).await?;
        self.decide(conn, actor, &mut row, Decision::adverse("removed", adverse)).await?;
        self.close_market(conn, &row, None, "closed").await?;
        notify::mail_rejected(&self.ctx, conn, &row, &adverse.reason).await?;
        self.shown(conn, row, relation, actor).await
    }

    /// Curators keep away from their own organisation's projects.
    fn refuse_conflict(&self, relation: &Relation) -> Result<()> {
        if relation.role.is_none() {
            return Ok(());
        }
        Err(Error::new(Code::Forbidden, "You belong to the client's organisation."))
    }

    async fn check_notes(&self, conn: &mut Conn, id: ProjectId, notes: &[FieldNote]) -> Result<()> {
        let Some(row) = store::projects::find(conn, id).await? else {
            return Err(Error::not_found("project"));
        };
        let content = super::content::ProjectContent::of(&row)?;
        let document = serde_json::to_value(&content).map_err(Error::internal)?;
        let optional = [
            "/outcome",
            "/decision_maker",
            "/budget",
            "/effort_hours",
            "/starts_on",
            "/duration_days",
            "/time_zone_need",
        ];
        let mut errors = FieldErrors::new();
        for (i, note) in notes.iter().enumerate() {
            let known = document.pointer(&note.pointer).is_some()
                || optional.contains(&note.pointer.as_str())
                || note
                    .pointer
                    .strip_suffix("/acceptance")
                    .is_some_and(|parent| document.pointer(parent).is_some());
            errors.check(
                known,
                &format!("/notes/{i}/pointer"),
                "unknown_value",
                "does not point into the project",
            );
        }
        errors.finish()
    }

    async fn begin_decision(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        seen: &IfMatch,
        event: &str,
    ) -> Result<(ProjectRow, Relation)> {
        let (row, relation) = self.begin(conn, actor, id, Some(seen), event).await?;
        self.refuse_conflict(&relation)?;
        Ok((row, relation))
    }

    async fn decide(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        row: &mut ProjectRow,
        decision: Decision<'_>,
    ) -> Result<()> {
        self.save(conn, row).await?;
        timers::clear(conn, PROJECT.name, row.id, &[events::CURATION_OVERDUE]).await?;
        let stored = DecisionRow {
            id: self.ctx.ids.uuid(),
            project_id: row.id,
            kind: decision.kind.to_owned(),
            reason_code: decision.reason_code.map(str::to_owned),
            reason: decision.reason.map(str::to_owned),
            notes: decision.notes,
            decided_by_id: actor.account_id.uuid(),
            decided_at: self.ctx.clock.now(),
        };
        store::curation::insert_decision(conn, &stored).await?;
        let kind = format!("project.{}", decision.kind);
        let data =
            json!({ "reason_code": stored.reason_code, "reason": stored.reason, "notes": stored.notes });
        notify::project(&self.ctx, conn, row, &kind, data).await?;
        audit::record(
            &self.ctx,
            conn,
            audit::Entry {
                actor: Some(actor.account_id),
                action: &kind,
                subject: row.project_id().to_string(),
                reason: stored.reason.as_deref(),
                data: json!({
                    "account_id": row.posted_by(), "reason_code": stored.reason_code, "version": row.version,
                }),
            },
        )
        .await
    }

    /// The client appeals against the latest adverse decision.
    pub async fn appeal_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        statement: &Text,
    ) -> Result<AppealRow> {
        let (row, relation) = self.lock(conn, actor, id).await?;
        if !relation.can_hire() {
            return Err(Error::new(Code::Forbidden, "Only the client's own people can appeal."));
        }
        if !matches!(row.state()?, ProjectState::Rejected | ProjectState::Removed) {
            let detail = format!("A project that is `{}` has no decision to appeal against.", row.state);
            return Err(Error::new(Code::StateConflict, detail));
        }
        let decision = store::curation::latest_decision(conn, id)
            .await?
            .ok_or_else(|| Error::internal("a rejected project has no decision"))?;
        let now = self.ctx.clock.now();
        let policy = &self.ctx.policy.projects;
        if now > decision.decided_at + Duration::days(policy.appeal_days) {
            let detail = format!("The decision is older than {} days.", policy.appeal_days);
            return Err(Error::new(Code::LimitReached, detail));
        }
        let appeal = AppealRow {
            id: self.ctx.ids.uuid(),
            decision_id: decision.id,
            project_id: row.id,
            appellant_id: actor.account_id.uuid(),
            text: statement.to_string(),
            state: "open".to_owned(),
            due_at: now + Duration::days(policy.appeal_answer_days),
            decided_by_id: None,
            decided_at: None,
            answer: None,
            version: 1,
            created_at: now,
        };
        store::curation::insert_appeal(conn, &appeal).await.map_err(|error| {
            if error.violates("curation_appeals_once") {
                Error::new(Code::AlreadyExists, "There is an appeal against this decision already.")
            } else {
                error.into()
            }
        })?;
        timers::set(&self.ctx, conn, APPEAL_MACHINE, appeal.id, "overdue", appeal.due_at).await?;
        notify::appeal(&self.ctx, conn, &row, &appeal, "curation_appeal.opened").await?;
        Ok(appeal)
    }

    /// A reviewer who did not make the decision answers an appeal.
    pub async fn decide_appeal_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AppealId,
        seen: &IfMatch,
        answer: &AppealAnswer,
    ) -> Result<AppealRow> {
        // The project is locked before what hangs on it, here as everywhere.
        let project = store::curation::lock_appeal(conn, id)
            .await?
            .ok_or_else(|| Error::not_found("appeal"))?
            .project_id;
        let mut row = store::projects::lock(conn, ProjectId::from_uuid(project))
            .await?
            .ok_or_else(|| Error::not_found("project"))?;
        let mut appeal =
            store::curation::lock_appeal(conn, id).await?.ok_or_else(|| Error::not_found("appeal"))?;
        if appeal.state != "open" {
            return Err(Error::new(Code::StateConflict, "The appeal is decided already.")
                .with_allowed_actions(vec![]));
        }
        seen.check(appeal.version)?;
        let decision = store::curation::decision(conn, appeal.decision_id)
            .await?
            .ok_or_else(|| Error::internal("an appeal without its decision"))?;
        if decision.decided_by_id == actor.account_id.uuid() || appeal.appellant_id == actor.account_id.uuid()
        {
            return Err(Error::new(Code::Forbidden, "Somebody who has no part in the case decides it."));
        }
        let relation = Relation::of(&self.ctx, conn, Some(actor), row.project_id()).await?;
        self.refuse_conflict(&relation)?;
        appeal.state = match answer.outcome {
            AppealOutcome::Uphold => "upheld",
            AppealOutcome::Overturn => "overturned",
        }
        .to_owned();
        appeal.decided_by_id = Some(actor.account_id.uuid());
        appeal.decided_at = Some(self.ctx.clock.now());
        appeal.answer = Some(answer.reason.to_string());
        appeal.version = appeal.version.saturating_add(1);
        store::curation::decide_appeal(conn, &appeal).await?;
        timers::clear(conn, APPEAL_MACHINE, appeal.id, &[]).await?;
        if answer.outcome == AppealOutcome::Overturn {
            row.state = PROJECT.transition(&row.state, events::REOPEN, &relation.who())?.to.to_owned();
            self.enter_curation(conn, &mut row).await?;
            (row.listed_at, row.expires_at) = (None, None);
            self.save(conn, &mut row).await?;
        }
        notify::appeal(&self.ctx, conn, &row, &appeal, "curation_appeal.decided").await?;
        audit::record(
            &self.ctx,
            conn,
            audit::Entry {
                actor: Some(actor.account_id),
                action: "curation_appeal.decide",
                subject: AppealId::from_uuid(appeal.id).to_string(),
                reason: Some(&answer.reason),
                data: json!({
                    "account_id": row.posted_by(), "outcome": answer.outcome, "project": row.project_id(),
                }),
            },
        )
        .await?;
        Ok(appeal)
    }

    /// An appeal is late: staff are told.
    pub async fn on_appeal_overdue(&self, fired: timers::Fired) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                let Some(appeal) =
                    store::curation::lock_appeal(conn, AppealId::from_uuid(fired.subject)).await?
                else {
                    return Ok(());
                };
                if appeal.state != "open" {
                    return Ok(());
                }
                let id = ProjectId::from_uuid(appeal.project_id);
                let Some(row) = store::projects::find(conn, id).await? else { return Ok(()) };
                notify::appeal(&self.ctx, conn, &row, &appeal, "curation_appeal.overdue").await
            })
            .await
    }

    /// The decisions on a project and the appeals against them, newest first; for its people and staff.
    pub async fn history(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
    ) -> Result<(Vec<DecisionRow>, Vec<AppealRow>)> {
        let row = store::projects::find(conn, id).await?.ok_or_else(|| Error::not_found("project"))?;
        let relation = Relation::of(&self.ctx, conn, Some(actor), id).await?;
        if !relation.inside() || !relation.may_see(row.state()?) {
            return Err(Error::not_found("project"));
        }
        Ok((store::projects::decisions(conn, id).await?, store::curation::appeals_of(conn, id).await?))
    }

    /// The queue, most urgent first.
    pub async fn queue(
        &self,
        conn: &mut Conn,
        after: Option<(DateTime<Utc>, Uuid)>,
        limit: i64,
    ) -> Result<Vec<ProjectRow>> {
        Ok(store::projects::curation_queue(conn, after, limit).await?)
    }

    /// Open appeals, most urgent first.
    pub async fn appeals(
        &self,
        conn: &mut Conn,
        after: Option<(DateTime<Utc>, Uuid)>,
        limit: i64,
    ) -> Result<Vec<AppealRow>> {
        Ok(store::curation::open_appeals(conn, after, limit).await?)
    }
}

struct Decision<'a> {
    kind: &'static str,
    reason_code: Option<&'static str>,
    reason: Option<&'a str>,
    notes: Value,
}

impl<'a> Decision<'a> {
    fn adverse(kind: &'static str, adverse: &'a AdverseDecision) -> Self {
        Self {
            kind,
            reason_code: Some(adverse.reason_code.as_str()),
            reason: Some(&adverse.reason),
            notes: json!([]),
        }
    }
}

impl DecisionRow {
    /// Who decided.
    pub fn decided_by(&self) -> AccountId {
        AccountId::from_uuid(self.decided_by_id)
    }
}
