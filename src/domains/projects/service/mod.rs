//! Use cases: authorise → transaction → model → store → events, timers, mail.

pub mod bids;
pub mod comparison;
pub mod content;
pub mod contracts;
pub mod curation;
pub mod drafts;
pub mod import;
pub mod invitations;
pub mod lifecycle;
pub mod notify;
pub mod offers;
pub mod rates;
pub mod search;
pub(crate) mod seats;

use std::sync::Arc;

use assay_identity::OrganisationRole;
use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, OrganisationId, ProjectId};
use assay_kernel::process::{Actions, Who};
use assay_kernel::{Actor, Currency, Error, Permission, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::db::batch::Batch;
use assay_platform::db::joined::Joined;
use assay_platform::web::IfMatch;
use assay_skills::Taxonomy;
use chrono::{DateTime, Utc};

use crate::model::{BEFORE_LISTING, Confidentiality, PROJECT, ProjectState, Scope, Standing, project_events};
use crate::store;
use crate::store::projects::{ProjectRow, Shown};

/// The use cases of this domain, with what they stand on.
#[derive(Clone)]
pub struct Projects {
    /// The surroundings.
    pub ctx: Ctx,
    /// The skills that projects may ask for.
    pub taxonomy: Arc<Taxonomy>,
    shown: Batch<ProjectId, Shown>,
    searches: Joined<search::Words, Arc<search::Matches>>,
}

impl AsRef<Ctx> for Projects {
    fn as_ref(&self) -> &Ctx {
        &self.ctx
    }
}

impl Projects {
    /// The use cases over these surroundings.
    pub fn new(ctx: Ctx, taxonomy: Arc<Taxonomy>) -> Self {
        let shown = Batch::new(ctx.db.clone(), |conn, ids| Box::pin(store::projects::shown(conn, ids)));
        Self { ctx, taxonomy, shown, searches: Joined::default() }
    }
}

/// What a person is to a project.
#[derive(Debug, Clone, Copy, Default)]
pub struct Relation {
    /// Role in the client's organisation.
    pub role: Option<OrganisationRole>,
    /// Has bid on it.
    pub bidder: bool,
    /// Was invited to it.
    pub invited: bool,
    /// Is an approved developer.
    pub approved: bool,
    /// Curates.
    pub curator: bool,
    /// Decides appeals.
    pub reviewer: bool,
}

impl Relation {
    /// What `actor` is to `project`.
    pub async fn of(ctx: &Ctx, conn: &mut Conn, actor: Option<&Actor>, project: ProjectId) -> Result<Self> {
        let Some(actor) = actor else { return Ok(Self::default()) };
        let (role, bidder, invited, approved) =
            store::projects::relation(conn, project, actor.account_id, ctx.clock.now()).await?;
        Ok(Self {
            role: role.as_deref().and_then(OrganisationRole::parse),
            bidder,
            invited,
            approved,
            curator: actor.is(Permission::Curator),
            reviewer: actor.is(Permission::Reviewer),
        })
    }

    /// May they hire for the client?
    pub fn can_hire(&self) -> bool {
        self.role.is_some_and(OrganisationRole::can_hire)
    }

    /// On the inside of the project: the client's members and staff.
    pub fn inside(&self) -> bool {
        self.role.is_some() || self.curator || self.reviewer
    }

    /// May they know of a project in this state?
    pub fn may_see(&self, state: ProjectState) -> bool {
        use ProjectState as S;
        match state {
            S::Listed | S::Shortlisting => true,
            S::Paused
            | S::Awarded
            | S::InContract
            | S::Completed
            | S::Ended
            | S::Expired
            | S::Withdrawn
            | S::Removed => self.inside() || self.bidder || self.invited,
            S::Draft => self.role.is_some(),
            S::Submitted | S::InCuration | S::ChangesRequested | S::Rejected => self.inside(),
        }
    }

    /// May they read the full text?
    pub fn may_read(&self, confidentiality: Confidentiality) -> bool {
        confidentiality == Confidentiality::Public || self.inside() || self.approved
    }

    /// Who they are in the project's process table.
    pub fn who(&self) -> Vec<Who> {
        let mut who = Vec::new();
        if self.can_hire() {
            who.push(Who::Client);
        }
        if self.curator {
            who.push(Who::Staff(Permission::Curator));
        }
        if self.reviewer {
            who.push(Who::Staff(Permission::Reviewer));
        }
        who
    }
}

/// A project as a caller may see it.
#[derive(Debug)]
pub struct ProjectDetail {
    /// The row.
    pub row: ProjectRow,
    /// The organisation's name.
    pub organisation: String,
    /// Is the organisation verified?
    pub verified: bool,
    /// What the caller is to it.
    pub relation: Relation,
    /// What the caller can do.
    pub actions: Actions,
    /// What listing still asks of the client, as long as it is not listed; for those on the inside.
    pub before_listing: Vec<WhyNot>,
}

impl ProjectRow {
    /// The project's id.
    pub fn project_id(&self) -> ProjectId {
        ProjectId::from_uuid(self.id)
    }

    /// The client's organisation.
    pub fn organisation(&self) -> OrganisationId {
        OrganisationId::from_uuid(self.organisation_id)
    }

    /// Who posted it.
    pub fn posted_by(&self) -> AccountId {
        AccountId::from_uuid(self.posted_by_id)
    }

    /// Its state.
    pub fn state(&self) -> Result<ProjectState> {
        self.state.parse()
    }

    /// Its currency.
    pub fn currency(&self) -> Result<Currency> {
        Currency::parse(&self.budget_currency).ok_or_else(|| Error::internal("a stored currency is unknown"))
    }
}

impl Projects {
    /// How the client of a project stands, as far as listing asks.
    pub(crate) async fn standing(
        &self,
        conn: &mut Conn,
        verified: bool,
        organisation: OrganisationId,
    ) -> Result<Standing> {
        Ok(Standing { verified, payable: assay_payments::verified_method(conn, organisation).await? })
    }

    /// What listing asks of the client and does not find.
    pub(crate) fn before_listing(&self, scope: &Scope<'_>) -> Vec<WhyNot> {
        let (policy, now) = (&self.ctx.policy.projects, self.ctx.clock.now());
        let fault = |guard: &&str| {
            let detail = scope.blocked(guard, policy, now)?;
            Some(WhyNot { action: project_events::LIST.to_owned(), code: (*guard).to_owned(), detail })
        };
        BEFORE_LISTING.iter().filter_map(fault).collect()
    }

    /// The scope of a row, for the guards.
    pub(crate) fn scope<'a>(&self, row: &'a ProjectRow, client: Standing) -> Result<Scope<'a>> {
        let floor = row
            .skills
            .iter()
            .filter(|need| need.must)
            .filter_map(|need| self.taxonomy.resolve(&need.skill))
            .map(|skill| i64::from(skill.floor_usd_per_hour))
            .max()
            .unwrap_or(0);
        Ok(Scope {
            budget: row.budget_amount,
            currency: row.currency()?,
            budget_usd_minor: row.budget_usd_minor,
            effort_hours: row.effort_hours.and_then(|hours| u32::try_from(hours).ok()),
            starts_on: row.starts_on,
            duration_days: row.duration_days.and_then(|days| u32::try_from(days).ok()),
            outcome: row.outcome.as_deref(),
            skills: &row.skills,
            milestones: &row.milestones,
            floor_usd_per_hour: floor,
            client,
        })
    }

    /// Why a guard of the project's table blocks this caller now.
    pub(crate) fn blocked(
        &self,
        guard: &str,
        row: &ProjectRow,
        scope: &Scope<'_>,
        caller: Option<AccountId>,
        now: DateTime<Utc>,
    ) -> Option<String> {
        match guard {
            "claimed_by_caller" => (row.curator_id.is_none() || row.curator_id != caller.map(|id| id.uuid()))
                .then(|| "Another curator has claimed this project.".to_owned()),
            "within_period" => row
                .expires_at
                .is_none_or(|end| end <= now)
                .then(|| "The listing's period is over; relist the project.".to_owned()),
            other => scope.blocked(other, &self.ctx.policy.projects, now),
        }
    }

    /// Puts together what a caller may see and do. How the client stands is asked for callers on the inside only.
    pub(crate) fn detail(
        &self,
        row: ProjectRow,
        organisation: String,
        client: Standing,
        relation: Relation,
        actor: Option<&Actor>,
    ) -> Result<ProjectDetail> {
        use ProjectState as S;
        let (who, verified) = (relation.who(), client.verified);
        let (mut actions, mut before_listing) = (Actions::default(), Vec::new());
        if relation.inside() {
            let scope = self.scope(&row, client)?;
            let (now, caller) = (self.ctx.clock.now(), actor.map(|actor| actor.account_id));
            actions =
                PROJECT.actions(&row.state, &who, |_, guard| self.blocked(guard, &row, &scope, caller, now));
            if matches!(row.state()?, S::Draft | S::Submitted | S::InCuration | S::ChangesRequested) {
                before_listing = self.before_listing(&scope);
            }
        }
        Ok(ProjectDetail { row, organisation, verified, relation, actions, before_listing })
    }

    /// A project as the caller may see it.
    ///
    /// # Errors
    /// `not_found` also when the caller may not know of it.
    pub async fn get(&self, conn: &mut Conn, actor: Option<&Actor>, id: ProjectId) -> Result<ProjectDetail> {
        let shown = store::projects::shown_one(conn, id).await?;
        let shown = shown.ok_or_else(|| Error::not_found("project"))?;
        let (relation, client) = self.seen_by(conn, actor, &shown).await?;
        self.detail_of(shown, client, relation, actor)
    }

    /// As [`Self::get`], together with what other requests read now.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_batched(&self, actor: Option<&Actor>, id: ProjectId) -> Result<ProjectDetail> {
        let shown = self.shown.get(id).await?.ok_or_else(|| Error::not_found("project"))?;
        let (relation, client) = match actor {
            None => (Relation::default(), Standing { verified: shown.2.is_some(), payable: false }),
            Some(_) => self.ctx.db.read(async |conn| self.seen_by(conn, actor, &shown).await).await?,
        };
        self.detail_of(shown, client, relation, actor)
    }

    async fn seen_by(
        &self,
        conn: &mut Conn,
        actor: Option<&Actor>,
        (row, _, verified_at): &Shown,
    ) -> Result<(Relation, Standing)> {
        let verified = verified_at.is_some();
        let relation = Relation::of(&self.ctx, conn, actor, row.project_id()).await?;
        let client = match relation.inside() {
            true => self.standing(conn, verified, row.organisation()).await?,
            false => Standing { verified, payable: false },
        };
        Ok((relation, client))
    }

    fn detail_of(
        &self,
        (row, organisation, _): Shown,
        client: Standing,
        relation: Relation,
        actor: Option<&Actor>,
    ) -> Result<ProjectDetail> {
        if !relation.may_see(row.state()?) {
            return Err(Error::not_found("project"));
        }
        self.detail(row, organisation, client, relation, actor)
    }

    /// Locks a project for an act of `actor`, who must be allowed to know of it.
    pub(crate) async fn lock(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
    ) -> Result<(ProjectRow, Relation)> {
        let row = store::projects::lock(conn, id).await?.ok_or_else(|| Error::not_found("project"))?;
        let relation = Relation::of(&self.ctx, conn, Some(actor), id).await?;
        if !relation.may_see(row.state()?) {
            return Err(Error::not_found("project"));
        }
        Ok((row, relation))
    }

    /// Begins an act of `actor` on a project: locks it, asks the table, compares what was seen, checks the guards, and
    /// moves the row (in memory) to the state that the act leads to.
    pub(crate) async fn begin(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        seen: Option<&IfMatch>,
        event: &str,
    ) -> Result<(ProjectRow, Relation)> {
        let (mut row, relation) = self.lock(conn, actor, id).await?;
        let transition = PROJECT.transition(&row.state, event, &relation.who())?;
        if let Some(seen) = seen {
            seen.check(row.version)?;
        }
        if !transition.guards.is_empty() {
            let (_, verified) = store::projects::organisation(conn, id).await?;
            let scope = self.scope(&row, self.standing(conn, verified, row.organisation()).await?)?;
            let now = self.ctx.clock.now();
            PROJECT
                .check(transition, |guard| self.blocked(guard, &row, &scope, Some(actor.account_id), now))?;
        }
        row.state = transition.to.to_owned();
        Ok((row, relation))
    }

    /// After a write: the project as the caller sees it now.
    pub(crate) async fn shown(
        &self,
        conn: &mut Conn,
        row: ProjectRow,
        relation: Relation,
        actor: &Actor,
    ) -> Result<ProjectDetail> {
        let (organisation, verified) = store::projects::organisation(conn, row.project_id()).await?;
        let client = self.standing(conn, verified, row.organisation()).await?;
        self.detail(row, organisation, client, relation, Some(actor))
    }
}
