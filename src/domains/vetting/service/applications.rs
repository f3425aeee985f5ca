//! The developer's side: applying, editing, submitting, withdrawing.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, ApplicationId};
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::db::Conn;
use assay_platform::policy::add_business_days;
use assay_platform::web::IfMatch;
use assay_platform::{input, timers};
use chrono::Duration;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Detail, Vetting, blocked, may_see, notify};
use crate::model::{APPLICATION, ApplicationContent, ApplicationState, Bar, events};
use crate::store;
use crate::store::applications::{ApplicationRow, ONE_LIVE};

/// Whether an application can be submitted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Readiness {
    /// Would submission pass its guards now?
    pub ready: bool,
    /// Every guard that submission would fail on.
    pub missing: Vec<WhyNot>,
}

impl Vetting {
    /// Begins an application.
    ///
    /// # Errors
    /// `already_exists` when one is under way; `guard_failed` with the date while a cool-down or an approval holds, or
    /// without one when a decision about integrity stands.
    pub async fn apply_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        content: &ApplicationContent,
    ) -> Result<Detail> {
        let policy = &self.ctx.policy.vetting;
        content.check(policy, |slug| self.taxonomy.has_family(slug))?;
        let account = actor.account_id;
        store::people::lock(conn, account).await?;
        if let Some(live) = store::applications::live(conn, account).await? {
            let detail = format!("You have an application already: {}.", ApplicationId::from_uuid(live));
            return Err(Error::new(Code::AlreadyExists, detail));
        }
        if let Some(bar) = self.bar(conn, account).await? {
            return Err(self.barred(bar));
        }
        let now = self.ctx.clock.now();
        let mut row = ApplicationRow {
            id: self.ctx.ids.uuid(),
            account_id: account.uuid(),
            state: APPLICATION.initial.to_owned(),
            tracks: Vec::new(),
            statement: None,
            hours_per_week: None,
            rate_amount: None,
            rate_currency: None,
            languages: json!([]),
            fast_lane: None,
            fast_lane_at: None,
            reviewer_id: None,
            claimed_until: None,
            submitted_at: None,
            screening_due_at: None,
            expires_at: Some(now + Duration::days(policy.draft_idle_days)),
            policy_version: self.ctx.policy.version.clone(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        row.write(content)?;
        store::applications::insert(conn, &row).await.map_err(|error| {
            if error.violates(ONE_LIVE) {
                return Error::new(Code::AlreadyExists, "You have an application already.");
            }
            error.into()
        })?;
        self.set_clocks(conn, &row, ApplicationState::Draft).await?;
        notify::applicant(&self.ctx, conn, &row, "application.created").await?;
        self.shown(conn, row, actor).await
    }

    fn barred(&self, bar: Bar) -> Error {
        let why_not = bar.why_not();
        let error = Error::new(Code::GuardFailed, why_not.detail.clone()).with_why_not(vec![why_not]);
        let wait = bar.until().map(|until| (until - self.ctx.clock.now()).num_seconds());
        match wait.and_then(|seconds| u64::try_from(seconds).ok()) {
            Some(seconds) => error.with_retry_after(seconds.saturating_add(1)),
            None => error,
        }
    }

    /// Changes a draft, or what a reviewer wants changed.
    pub async fn edit_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ApplicationId,
        seen: &IfMatch,
        patch: &Map<String, Value>,
    ) -> Result<Detail> {
        let mut row = self.begin(conn, actor, id, Some(seen), events::EDIT).await?;
        let content = input::merge(&row.content()?, patch)?;
        content.check(&self.ctx.policy.vetting, |slug| self.taxonomy.has_family(slug))?;
        row.write(&content)?;
        if row.state()? == ApplicationState::Draft {
            let idle = Duration::days(self.ctx.policy.vetting.draft_idle_days);
            row.expires_at = Some(self.ctx.clock.now() + idle);
        }
        self.save(conn, &mut row).await?;
        self.shown(conn, row, actor).await
    }

    /// Hands an application to screening.
    pub async fn submit_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ApplicationId,
        seen: &IfMatch,
    ) -> Result<Detail> {
        let mut row = self.begin(conn, actor, id, Some(seen), events::SUBMIT).await?;
        self.enter_queue(conn, &mut row).await?;
        notify::submitted(&self.ctx, conn, &row, "application.submitted").await?;
        self.shown(conn, row, actor).await
    }

    /// Puts an application that is `submitted` now into the queue of screening, and starts its clock.
    pub(super) async fn enter_queue(&self, conn: &mut Conn, row: &mut ApplicationRow) -> Result<()> {
        let now = self.ctx.clock.now();
        let due = add_business_days(now, self.ctx.policy.vetting.screening_due_business_days);
        row.submitted_at = Some(now);
        row.screening_due_at = Some(due);
        self.save(conn, row).await?;
        timers::set(&self.ctx, conn, APPLICATION.name, row.id, events::SCREENING_OVERDUE, due).await
    }

    /// Takes an application back.
    pub async fn withdraw_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ApplicationId,
        seen: &IfMatch,
    ) -> Result<Detail> {
        let mut row = self.begin(conn, actor, id, Some(seen), events::WITHDRAW).await?;
        self.save(conn, &mut row).await?;
        notify::application(&self.ctx, conn, &row, "application.withdrawn", json!({})).await?;
        self.shown(conn, row, actor).await
    }

    /// An application that the caller may see.
    pub async fn get(&self, conn: &mut Conn, actor: &Actor, id: ApplicationId) -> Result<Detail> {
        let row = store::applications::find(conn, id).await?;
        let row = row.filter(|row| may_see(actor, row)).ok_or_else(|| Error::not_found("application"))?;
        self.shown(conn, row, actor).await
    }

    /// The caller's applications, newest first.
    pub async fn mine(
        &self,
        conn: &mut Conn,
        account: AccountId,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<ApplicationRow>> {
        Ok(store::applications::of_account(conn, account, before, limit).await?)
    }

    /// Every guard that submission would fail on.
    pub async fn readiness(&self, conn: &mut Conn, actor: &Actor, id: ApplicationId) -> Result<Readiness> {
        let Detail { row, decisions, .. } = self.get(conn, actor, id).await?;
        let facts = self.facts(conn, &row, &decisions).await?;
        let submit = APPLICATION.transitions.iter().find(|transition| transition.event == events::SUBMIT);
        let guards = submit.map_or(&[][..], |transition| transition.guards);
        let missing: Vec<WhyNot> = guards
            .iter()
            .filter_map(|guard| {
                let detail = blocked(guard, &row, &facts, actor.account_id.uuid())?;
                Some(WhyNot { action: events::SUBMIT.to_owned(), code: (*guard).to_owned(), detail })
            })
            .collect();
        Ok(Readiness { ready: missing.is_empty(), missing })
    }
}
