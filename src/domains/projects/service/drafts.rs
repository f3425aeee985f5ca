//! The client's side: drafts, changes, submission, withdrawal, pausing.

use assay_identity::membership;
use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, DeliverableId, OrganisationId, ProjectId};
use assay_kernel::text::Text;
use assay_kernel::{Actor, Code, Currency, Error, Result, text};
use assay_platform::db::{Conn, Json};
use assay_platform::policy::add_business_days;
use assay_platform::web::IfMatch;
use assay_platform::{input, timers};
use chrono::Duration;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::content::{MilestoneInput, ProjectContent, SkillInput};
use super::{ProjectDetail, Projects, notify};
use crate::model::{
    AcceptanceCheck, AcceptanceKind, Confidentiality, Deliverable, Facts, Milestone, PROJECT, ProjectState,
    ReadinessSignal, SkillNeed, project_events as events, readiness,
};
use crate::store;
use crate::store::projects::ProjectRow;

impl Projects {
    /// Writes content into a row: skills resolved, ids kept or made, the budget converted at the dated rate.
    pub(crate) async fn apply(
        &self,
        conn: &mut Conn,
        row: &mut ProjectRow,
        content: ProjectContent,
    ) -> Result<()> {
        let mut errors = FieldErrors::new();
        let skills = self.resolve_skills(&content.skills, &mut errors);
        let milestones = self.milestones(row, content.milestones, &mut errors)?;
        errors.finish()?;

        let currency =
            content.budget.map_or(row.currency().unwrap_or(Currency::USD), |budget| budget.currency);
        row.title = content.title.into_string();
        row.description = content.description.into_string();
        row.outcome = content.outcome.map(Text::into_string).filter(|text| !text.is_empty());
        row.decision_maker = content.decision_maker.map(Text::into_string);
        row.budget_amount = content.budget.map(|budget| budget.amount);
        if row.budget_amount.is_some_and(|amount| amount <= 0) {
            return Err(Error::invalid_field("/budget/amount", "out_of_range", "must be positive"));
        }
        row.budget_currency = currency.code().to_owned();
        let rate = store::rates::latest(conn, currency, self.ctx.clock.now().date_naive()).await?;
        row.rate_date = rate.as_ref().map(|rate| rate.rate_date);
        row.budget_usd_minor = match (content.budget, &rate) {
            (Some(budget), Some(rate)) => budget.to_usd_minor(rate.usd_per_unit_e9),
            _ => None,
        };
        row.effort_hours = content.effort_hours;
        row.starts_on = content.starts_on;
        row.duration_days = content.duration_days;
        row.overlap_hours = content.time_zone_need.as_ref().map_or(0, |need| need.overlap_hours);
        row.time_zone = content.time_zone_need.map(|need| need.time_zone);
        row.confidentiality = content.confidentiality.as_str().to_owned();
        row.skills = Json(skills);
        row.milestones = Json(milestones);
        Ok(())
    }

    fn resolve_skills(&self, wanted: &[SkillInput], errors: &mut FieldErrors) -> Vec<SkillNeed> {
        let mut skills: Vec<SkillNeed> = Vec::new();
        for (i, input) in wanted.iter().enumerate() {
            let pointer = format!("/skills/{i}/skill");
            match self.taxonomy.resolve(&input.skill) {
                None => errors.push(pointer, "unknown_value", "is not in the taxonomy; see GET /v1/skills"),
                Some(skill) if skills.iter().any(|need| need.skill == skill.slug) => {
                    errors.push(pointer, "duplicate", format!("names `{}` again", skill.slug));
                }
                Some(skill) => {
                    skills.push(SkillNeed {
                        skill: skill.slug.clone(),
                        level: input.level,
                        must: input.must,
                    });
                }
            }
        }
        skills
    }

    fn milestones(
        &self,
        row: &ProjectRow,
        inputs: Vec<MilestoneInput>,
        errors: &mut FieldErrors,
    ) -> Result<Vec<Milestone>> {
        let known = &row.milestones;
        let known_deliverable = |id: DeliverableId| {
            known.iter().flat_map(|m| &m.deliverables).any(|deliverable| deliverable.id == id)
        };
        let mut used_milestones = Vec::new();
        let mut used_deliverables = Vec::new();
        let mut milestones = Vec::new();
        for (m, input) in inputs.into_iter().enumerate() {
            let pointer = format!("/milestones/{m}");
            if let Some(id) = input.id {
                if !known.iter().any(|milestone| milestone.id == id) {
                    errors.push(
                        format!("{pointer}/id"),
                        "unknown_value",
                        "is not a milestone of this project",
                    );
                } else if used_milestones.contains(&id) {
                    errors.push(format!("{pointer}/id"), "duplicate", "is used twice");
                }
                used_milestones.push(id);
            }
            let mut deliverables = Vec::new();
            for (d, input) in input.deliverables.into_iter().enumerate() {
                let pointer = format!("{pointer}/deliverables/{d}");
                if let Some(id) = input.id {
                    if !known_deliverable(id) {
                        errors.push(
                            format!("{pointer}/id"),
                            "unknown_value",
                            "is not a deliverable of this project",
                        );
                    } else if used_deliverables.contains(&id) {
                        errors.push(format!("{pointer}/id"), "duplicate", "is used twice");
                    }
                    used_deliverables.push(id);
                }
                if let Some(check) = &input.acceptance
                    && check.kind == AcceptanceKind::UrlProbe
                    && let Err(fault) = text::https_url(&check.criterion)
                {
                    let detail = fault.message.unwrap_or_default().into_owned();
                    errors.push(format!("{pointer}/acceptance/criterion"), "invalid_format", detail);
                }
                deliverables.push(Deliverable {
                    id: input.id.unwrap_or_else(|| self.ctx.ids.id()),
                    title: input.title.into_string(),
                    specification: input.specification.into_string(),
                    weight_bps: input.weight_bps,
                    acceptance: input.acceptance.map(|check| AcceptanceCheck {
                        kind: check.kind,
                        criterion: check.criterion.into_string(),
                    }),
                });
            }
            milestones.push(Milestone {
                id: input.id.unwrap_or_else(|| self.ctx.ids.id()),
                title: input.title.into_string(),
                amount: input.amount,
                duration_days: input.duration_days,
                deliverables,
            });
        }
        Ok(milestones)
    }

    /// A new draft of an organisation for which the actor may hire.
    ///
    /// # Errors
    /// `not_found` for a stranger's organisation, `forbidden` for a viewer, `limit_reached`, `invalid_fields`.
    pub async fn create_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        organisation: OrganisationId,
        content: ProjectContent,
    ) -> Result<ProjectDetail> {
        self.require_hiring(conn, actor, organisation).await?;
        let unlisted = store::projects::count_unlisted(conn, organisation).await?;
        if unlisted >= self.ctx.policy.projects.max_open_drafts {
            let most = self.ctx.policy.projects.max_open_drafts;
            return Err(Error::new(
                Code::LimitReached,
                format!("The organisation has {most} projects in draft or curation; finish or withdraw one."),
            ));
        }
        let row = self.insert_draft(conn, actor.account_id, organisation, content, None).await?;
        let row = row.ok_or_else(|| Error::internal("a new draft collided"))?;
        let relation = super::Relation::of(&self.ctx, conn, Some(actor), row.project_id()).await?;
        self.shown(conn, row, relation, actor).await
    }

    pub(crate) async fn require_hiring(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        organisation: OrganisationId,
    ) -> Result<()> {
        let member = membership(conn, actor.account_id, organisation)
            .await?
            .ok_or_else(|| Error::not_found("organisation"))?;
        if member.role.can_hire() {
            return Ok(());
        }
        Err(Error::new(Code::Forbidden, "Viewers of an organisation may not hire for it."))
    }

    /// Stores a draft; none when its import key is there already.
    pub(crate) async fn insert_draft(
        &self,
        conn: &mut Conn,
        posted_by: AccountId,
        organisation: OrganisationId,
        content: ProjectContent,
        import_key: Option<String>,
    ) -> Result<Option<ProjectRow>> {
        let now = self.ctx.clock.now();
        let mut row = ProjectRow {
            id: self.ctx.ids.uuid(),
            organisation_id: organisation.uuid(),
            posted_by_id: posted_by.uuid(),
            state: PROJECT.initial.to_owned(),
            title: String::new(),
            description: String::new(),
            outcome: None,
            decision_maker: None,
            budget_amount: None,
            budget_currency: Currency::USD.code().to_owned(),
            budget_usd_minor: None,
            rate_date: None,
            effort_hours: None,
            starts_on: None,
            duration_days: None,
            time_zone: None,
            overlap_hours: 0,
            confidentiality: Confidentiality::Public.as_str().to_owned(),
            skills: Json::default(),
            milestones: Json::default(),
            version: 1,
            curator_id: None,
            submitted_at: None,
            curation_due_at: None,
            listed_at: None,
            expires_at: None,
            last_client_act_at: now,
            import_key,
            policy_version: self.ctx.policy.version.clone(),
            created_at: now,
            updated_at: now,
        };
        self.apply(conn, &mut row, content).await?;
        if !store::projects::insert(conn, &row).await? {
            return Ok(None);
        }
        notify::project(&self.ctx, conn, &row, "project.created", json!({})).await?;
        Ok(Some(row))
    }

    /// Changes a draft by a merge patch.
    pub async fn edit_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        seen: &IfMatch,
        patch: &Map<String, Value>,
    ) -> Result<ProjectDetail> {
        let (mut row, relation) = self.begin(conn, actor, id, Some(seen), events::EDIT).await?;
        let content = input::merge(&ProjectContent::of(&row)?, patch)?;
        self.apply(conn, &mut row, content).await?;
        row.policy_version = self.ctx.policy.version.clone();
        self.save_client_act(conn, &mut row).await?;
        self.shown(conn, row, relation, actor).await
    }

    /// Hands a draft to curation.
    pub async fn submit_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        seen: &IfMatch,
    ) -> Result<ProjectDetail> {
        let (mut row, relation) = self.begin(conn, actor, id, Some(seen), events::SUBMIT).await?;
        self.enter_curation(conn, &mut row).await?;
        self.save_client_act(conn, &mut row).await?;
        notify::project(&self.ctx, conn, &row, "project.submitted", json!({ "due_at": row.curation_due_at }))
            .await?;
        self.shown(conn, row, relation, actor).await
    }

    /// Starts curation's clock.
    pub(crate) async fn enter_curation(&self, conn: &mut Conn, row: &mut ProjectRow) -> Result<()> {
        let now = self.ctx.clock.now();
        let due = add_business_days(now, self.ctx.policy.projects.curation_due_business_days);
        row.submitted_at = Some(now);
        row.curation_due_at = Some(due);
        row.curator_id = None;
        timers::set(&self.ctx, conn, PROJECT.name, row.id, events::CURATION_OVERDUE, due).await
    }

    /// Takes a project back; its bids are closed.
    pub async fn withdraw_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        seen: &IfMatch,
    ) -> Result<ProjectDetail> {
        let (mut row, relation) = self.begin(conn, actor, id, Some(seen), events::WITHDRAW).await?;
        row.curator_id = None;
        self.save_client_act(conn, &mut row).await?;
        self.close_market(conn, &row, None, "closed").await?;
        notify::project(&self.ctx, conn, &row, "project.withdrawn", json!({})).await?;
        self.shown(conn, row, relation, actor).await
    }

    /// Hides a listed project.
    pub async fn pause_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        seen: &IfMatch,
    ) -> Result<ProjectDetail> {
        let (mut row, relation) = self.begin(conn, actor, id, Some(seen), events::PAUSE).await?;
        self.save_client_act(conn, &mut row).await?;
        store::listings::take_down(conn, row.id).await?;
        timers::clear(conn, PROJECT.name, row.id, &[events::IDLE_PAUSE]).await?;
        notify::project(&self.ctx, conn, &row, "project.paused", json!({ "by": "client" })).await?;
        self.shown(conn, row, relation, actor).await
    }

    /// Shows a paused project again.
    pub async fn resume_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        seen: &IfMatch,
    ) -> Result<ProjectDetail> {
        let (mut row, relation) = self.begin(conn, actor, id, Some(seen), events::RESUME).await?;
        self.save_client_act(conn, &mut row).await?;
        self.publish(conn, &row).await?;
        self.promote_waiting(conn, &row).await?;
        notify::project(&self.ctx, conn, &row, "project.resumed", json!({})).await?;
        self.shown(conn, row, relation, actor).await
    }

    /// Makes a draft of an expired project again.
    pub async fn relist_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
        seen: &IfMatch,
    ) -> Result<ProjectDetail> {
        let (mut row, relation) = self.begin(conn, actor, id, Some(seen), events::RELIST).await?;
        (row.listed_at, row.expires_at) = (None, None);
        self.save_client_act(conn, &mut row).await?;
        self.shown(conn, row, relation, actor).await
    }

    /// Writes a change made by the client, and starts the idle clock anew.
    pub(crate) async fn save_client_act(&self, conn: &mut Conn, row: &mut ProjectRow) -> Result<()> {
        row.last_client_act_at = self.ctx.clock.now();
        self.save(conn, row).await?;
        if matches!(row.state()?, ProjectState::Listed | ProjectState::Shortlisting) {
            self.start_idle_clock(conn, row).await?;
        }
        Ok(())
    }

    /// Writes a change, with the next version.
    pub(crate) async fn save(&self, conn: &mut Conn, row: &mut ProjectRow) -> Result<()> {
        row.version = row.version.saturating_add(1);
        row.updated_at = self.ctx.clock.now();
        Ok(store::projects::update(conn, row).await?)
    }

    /// The client acted on a bid: the idle clock starts anew, without a new version of the project.
    pub(crate) async fn touch_client(&self, conn: &mut Conn, row: &ProjectRow) -> Result<()> {
        store::projects::touch_client(conn, row.id, self.ctx.clock.now()).await?;
        self.start_idle_clock(conn, row).await
    }

    async fn start_idle_clock(&self, conn: &mut Conn, row: &ProjectRow) -> Result<()> {
        let due = self.ctx.clock.now() + Duration::days(self.ctx.policy.projects.idle_pause_days);
        timers::set(&self.ctx, conn, PROJECT.name, row.id, events::IDLE_PAUSE, due).await
    }

    /// The eight signals of a good posting, and the guards that submission would fail on.
    pub async fn readiness(&self, conn: &mut Conn, actor: &Actor, id: ProjectId) -> Result<Readiness> {
        let (row, _, verified_at) =
            store::projects::shown_one(conn, id).await?.ok_or_else(|| Error::not_found("project"))?;
        let relation = super::Relation::of(&self.ctx, conn, Some(actor), id).await?;
        if !relation.inside() || !relation.may_see(row.state()?) {
            return Err(Error::not_found("project"));
        }
        let skills: Vec<String> = row.skills.iter().map(|need| need.skill.clone()).collect();
        let market = store::listings::market_rate(conn, &skills).await?;
        let awarded_before = store::projects::count_awarded(conn, row.organisation_id).await?;
        let scope =
            self.scope(&row, self.standing(conn, verified_at.is_some(), row.organisation()).await?)?;
        let now = self.ctx.clock.now();
        let facts = Facts {
            decision_maker: row.decision_maker.as_deref(),
            awarded_before,
            market_usd_minor_per_hour: market,
        };
        let submit = PROJECT
            .transitions
            .iter()
            .find(|transition| transition.event == events::SUBMIT)
            .map_or(&[][..], |transition| transition.guards);
        let missing = submit
            .iter()
            .filter_map(|guard| {
                scope.blocked(guard, &self.ctx.policy.projects, now).map(|detail| {
                    assay_kernel::error::WhyNot {
                        action: events::SUBMIT.to_owned(),
                        code: (*guard).to_owned(),
                        detail,
                    }
                })
            })
            .collect::<Vec<_>>();
        Ok(Readiness {
            ready: missing.is_empty(),
            signals: readiness(&scope, facts, &self.ctx.policy.projects, now),
            missing,
            before_listing: self.before_listing(&scope),
        })
    }
}

/// How ready a posting is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Readiness {
    /// Would submission pass its guards now?
    pub ready: bool,
    /// The eight signals of a good posting.
    pub signals: Vec<ReadinessSignal>,
    /// Every guard that submission would fail on.
    pub missing: Vec<assay_kernel::error::WhyNot>,
    /// What listing asks of the client beside that: it can be seen to while curation reads.
    pub before_listing: Vec<assay_kernel::error::WhyNot>,
}

impl Projects {
    /// The projects of the caller's organisations, newest first.
    pub async fn mine(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        organisation: Option<OrganisationId>,
        state: Option<&str>,
        before: Option<uuid::Uuid>,
        limit: i64,
    ) -> Result<Vec<ProjectRow>> {
        Ok(store::projects::of_member(conn, actor.account_id, organisation, state, before, limit).await?)
    }
}
