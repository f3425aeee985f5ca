//! Use cases: authorise → transaction → model → store → events, timers, mail.

pub mod appeals;
pub mod applications;
pub mod approvals;
pub mod assessed;
pub mod clocks;
pub mod decisions;
pub mod notify;
pub mod screening;

use std::sync::Arc;

use assay_identity::ConsentKind;
use assay_kernel::actor::AccountStatus;
use assay_kernel::ids::{AccountId, ApplicationId, ApprovalId};
use assay_kernel::process::Actions;
use assay_kernel::{Actor, Currency, Error, Money, Result, Role};
use assay_platform::db::Conn;
use assay_platform::web::IfMatch;
use assay_platform::{Ctx, timers};
use assay_portfolio::Flag;
use assay_skills::Taxonomy;
use chrono::{DateTime, Duration, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::model::{
    APPLICATION, ApplicationContent, ApplicationState, Approval, Bar, DecisionKind, Standing, bar, events,
};
use crate::store::applications::ApplicationRow;
use crate::store::decisions::DecisionRow;
use crate::{policy, store};

/// The use cases of this domain, with what they stand on.
#[derive(Clone)]
pub struct Vetting {
    /// The surroundings.
    pub ctx: Ctx,
    /// The skill families, which are the tracks.
    pub taxonomy: Arc<Taxonomy>,
}

impl AsRef<Ctx> for Vetting {
    fn as_ref(&self) -> &Ctx {
        &self.ctx
    }
}

/// A typed value out of a JSON column.
pub(crate) fn from_json<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(value).map_err(Error::internal)
}

impl ApplicationRow {
    /// Its id.
    pub fn application_id(&self) -> ApplicationId {
        ApplicationId::from_uuid(self.id)
    }

    /// Whose it is.
    pub fn account(&self) -> AccountId {
        AccountId::from_uuid(self.account_id)
    }

    /// Its state.
    pub fn state(&self) -> Result<ApplicationState> {
        self.state.parse()
    }

    /// Is its screening late?
    pub fn is_overdue(&self, now: DateTime<Utc>) -> Result<bool> {
        use ApplicationState::{Screening, Submitted};
        Ok(matches!(self.state()?, Submitted | Screening)
            && self.screening_due_at.is_some_and(|due| due <= now))
    }

    /// What the developer wrote.
    pub fn content(&self) -> Result<ApplicationContent> {
        let rate_per_hour = match (self.rate_amount, &self.rate_currency) {
            (Some(amount), Some(code)) => {
                let currency =
                    Currency::parse(code).ok_or_else(|| Error::internal("a stored currency is unknown"))?;
                Some(Money::new(amount, currency))
            }
            _ => None,
        };
        Ok(ApplicationContent {
            tracks: self.tracks.clone(),
            statement: self.statement.as_deref().map(assay_kernel::text::Text::new),
            hours_per_week: self.hours_per_week,
            rate_per_hour,
            languages: from_json(&self.languages)?,
            fast_lane: self.fast_lane.as_ref().map(from_json).transpose()?,
        })
    }

    fn write(&mut self, content: &ApplicationContent) -> Result<()> {
        let json = |value| serde_json::to_value(value).map_err(Error::internal);
        self.tracks.clone_from(&content.tracks);
        self.statement = content.statement.as_ref().map(|text| text.to_string());
        self.hours_per_week = content.hours_per_week;
        self.rate_amount = content.rate_per_hour.map(|rate| rate.amount);
        self.rate_currency = content.rate_per_hour.map(|rate| rate.currency.to_string());
        self.languages = serde_json::to_value(&content.languages).map_err(Error::internal)?;
        self.fast_lane = content.fast_lane.as_ref().map(json).transpose()?;
        Ok(())
    }
}

/// What the guards look at, besides the row.
struct Facts {
    github_linked: bool,
    active_developer: bool,
    items: i64,
    missing_consents: Vec<ConsentKind>,
    /// Whose decisions on the application have fallen.
    overturned: Vec<Uuid>,
}

/// An application as a caller may see it.
#[derive(Debug)]
pub struct Detail {
    /// The row.
    pub row: ApplicationRow,
    /// The decisions on it, newest first.
    pub decisions: Vec<DecisionRow>,
    /// The approval that it led to.
    pub approval: Option<ApprovalId>,
    /// What keeps the developer from applying again; shown once the application has ended.
    pub bar: Option<Bar>,
    /// Does the caller see what only staff see?
    pub for_staff: bool,
    /// Signs of gaming in the portfolio, for staff.
    pub flags: Vec<Flag>,
    /// Is its screening late?
    pub overdue: bool,
    /// What the caller can do.
    pub actions: Actions,
}

impl Vetting {
    async fn facts(&self, conn: &mut Conn, row: &ApplicationRow, decisions: &[DecisionRow]) -> Result<Facts> {
        let account = row.account();
        let (status, roles, github_linked) =
            store::people::applicant(conn, account).await?.ok_or_else(|| Error::not_found("account"))?;
        let mut missing_consents = Vec::new();
        for kind in [ConsentKind::Terms, ConsentKind::Vetting] {
            if !assay_identity::has_consent(conn, &self.ctx.policy, account, kind).await? {
                missing_consents.push(kind);
            }
        }
        let fallen = decisions.iter().filter(|decision| decision.overturned_at.is_some());
        Ok(Facts {
            github_linked,
            active_developer: status == AccountStatus::Active.as_str()
                && roles.iter().any(|role| role == Role::Developer.as_str()),
            items: assay_portfolio::item_count(conn, account).await?,
            missing_consents,
            overturned: fallen.map(|decision| decision.decided_by_id).collect(),
        })
    }

    /// What keeps a person from applying now.
    async fn bar(&self, conn: &mut Conn, account: AccountId) -> Result<Option<Bar>> {
        let now = self.ctx.clock.now();
        let mut standing = Vec::new();
        for row in store::decisions::standing(conn, account).await? {
            let reason_code = row.reason_code.as_deref().unwrap_or("other").parse()?;
            standing.push(Standing { kind: row.kind.parse()?, reason_code, decided_at: row.decided_at });
        }
        let newest = store::approvals::newest(conn, account).await?;
        let approved_at = newest.as_ref().map(|approval| approval.granted_at);
        let ends = newest.filter(|approval| approval.holds_at(now)).map(|approval| approval.expires_at);
        Ok(bar(&standing, approved_at, ends, now, &self.ctx.policy.vetting))
    }

    /// Puts together what a caller may see and do.
    async fn shown(&self, conn: &mut Conn, row: ApplicationRow, actor: &Actor) -> Result<Detail> {
        use ApplicationState as S;
        let now = self.ctx.clock.now();
        let decisions = store::decisions::of_application(conn, row.application_id()).await?;
        let facts = self.facts(conn, &row, &decisions).await?;
        let who = policy::who(actor, row.account());
        let caller = actor.account_id.uuid();
        let actions = APPLICATION.actions(&row.state, &who, |_, guard| blocked(guard, &row, &facts, caller));
        let state = row.state()?;
        let approval = match state {
            S::Approved => store::approvals::of_application(conn, row.application_id()).await?,
            _ => None,
        };
        let bar = match state {
            S::NotReady | S::RejectedIntegrity => self.bar(conn, row.account()).await?,
            _ => None,
        };
        let for_staff = actor.account_id != row.account();
        let flags = match for_staff {
            true => assay_portfolio::flags(conn, row.account()).await?,
            false => Vec::new(),
        };
        Ok(Detail {
            overdue: row.is_overdue(now)?,
            for_staff,
            flags,
            approval: approval.map(|Approval { id, .. }| id),
            row,
            decisions,
            bar,
            actions,
        })
    }

    /// Locks an application for an act of `actor`, who must be allowed to know of it.
    async fn lock(&self, conn: &mut Conn, actor: &Actor, id: ApplicationId) -> Result<ApplicationRow> {
        let row = store::applications::lock(conn, id).await?;
        row.filter(|row| may_see(actor, row)).ok_or_else(|| Error::not_found("application"))
    }

    /// Begins an act of `actor`: locks the application, asks the table, compares what was seen, checks the guards, and
    /// moves the row (in memory) to the state that the act leads to.
    async fn begin(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ApplicationId,
        seen: Option<&IfMatch>,
        event: &str,
    ) -> Result<ApplicationRow> {
        let mut row = self.lock(conn, actor, id).await?;
        let transition = APPLICATION.transition(&row.state, event, &policy::who(actor, row.account()))?;
        if let Some(seen) = seen {
            seen.check(row.version)?;
        }
        if !transition.guards.is_empty() {
            let decisions = store::decisions::of_application(conn, id).await?;
            let facts = self.facts(conn, &row, &decisions).await?;
            let caller = actor.account_id.uuid();
            APPLICATION.check(transition, |guard| blocked(guard, &row, &facts, caller))?;
        }
        row.state = transition.to.to_owned();
        Ok(row)
    }

    /// Writes a change with the next version, and sets the clocks of the state that it leads to.
    async fn save(&self, conn: &mut Conn, row: &mut ApplicationRow) -> Result<()> {
        use ApplicationState as S;
        let state = row.state()?;
        if state != S::Screening {
            (row.reviewer_id, row.claimed_until) = (None, None);
        }
        if !matches!(state, S::Draft | S::ChangesRequested) {
            row.expires_at = None;
        }
        row.version = row.version.saturating_add(1);
        row.updated_at = self.ctx.clock.now();
        store::applications::update(conn, row).await?;
        self.set_clocks(conn, row, state).await
    }

    /// The clocks of a state. That of the screening goes on while the application is claimed and released.
    async fn set_clocks(&self, conn: &mut Conn, row: &ApplicationRow, state: ApplicationState) -> Result<()> {
        use ApplicationState as S;
        let mut stopped = vec![events::LAPSE_CLAIM, events::REMIND_CHANGES, events::EXPIRE];
        if !matches!(state, S::Submitted | S::Screening) {
            stopped.push(events::SCREENING_OVERDUE);
        }
        timers::clear(conn, APPLICATION.name, row.id, &stopped).await?;
        let set = async |conn: &mut Conn, event, due| {
            timers::set(&self.ctx, conn, APPLICATION.name, row.id, event, due).await
        };
        if let Some(until) = row.claimed_until {
            set(conn, events::LAPSE_CLAIM, until).await?;
        }
        if let Some(end) = row.expires_at {
            set(conn, events::EXPIRE, end).await?;
            if state == S::ChangesRequested {
                let notice = Duration::days(self.ctx.policy.vetting.changes_notice_days);
                set(conn, events::REMIND_CHANGES, end - notice).await?;
            }
        }
        Ok(())
    }
}

/// May the actor know of the application?
fn may_see(actor: &Actor, row: &ApplicationRow) -> bool {
    let is_draft = row.state == ApplicationState::Draft.as_str();
    actor.account_id == row.account() || (policy::screens(actor) && !is_draft)
}

/// Why a guard of the application's table blocks this caller now.
fn blocked(guard: &str, row: &ApplicationRow, facts: &Facts, caller: Uuid) -> Option<String> {
    let unless = |holds: bool, detail: &str| (!holds).then(|| detail.to_owned());
    match guard {
        "github_linked" => unless(facts.github_linked, "Sign in with GitHub again, so that it is linked."),
        "portfolio_item" => unless(
            facts.items > 0,
            "The portfolio is empty: import it from GitHub, or add an item with a link.",
        ),
        "consents_current" => (!facts.missing_consents.is_empty()).then(|| {
            let kinds: Vec<String> = facts.missing_consents.iter().map(|kind| format!("`{kind}`")).collect();
            format!("Missing in the present version: {} (PUT /v1/me/consents/{{kind}}).", kinds.join(", "))
        }),
        "track_chosen" => unless(!row.tracks.is_empty(), "Choose at least one skill track."),
        "claimed_by_caller" => {
            unless(row.reviewer_id == Some(caller), "Another reviewer has claimed this application.")
        }
        "not_claimed_by_another" => unless(
            row.reviewer_id.is_none_or(|reviewer| reviewer == caller),
            "Another reviewer has claimed this application.",
        ),
        "not_overturned" => unless(
            !facts.overturned.contains(&caller),
            "Your decision on this application was overturned; another reviewer reads it.",
        ),
        "fast_lane_claimed" => {
            unless(row.fast_lane.is_some(), "The application does not claim the fast lane.")
        }
        "account_active" => {
            unless(facts.active_developer, "The applicant's account is no active developer's.")
        }
        _ => None,
    }
}

impl DecisionRow {
    /// What was decided.
    pub fn kind(&self) -> Result<DecisionKind> {
        self.kind.parse()
    }
    /// The reason as the person concerned reads it. That of a decision in their favour is for staff and the audit log.
    pub fn shown_reason(&self) -> Result<Option<&str>> {
        let kind = self.kind()?;
        let is_shown = kind.is_adverse() || kind == DecisionKind::ChangesRequested;
        Ok(self.reason.as_deref().filter(|_| is_shown))
    }
}
