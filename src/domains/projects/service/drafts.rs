//! The client's side: drafts, changes, submission, withdrawal, pausing.

use assay_identity::membership;
use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, DeliverableId, MilestoneId, OrganisationId, ProjectId};
use assay_kernel::text::Text;
use assay_kernel::{Actor, Code, Currency, Error, Money, Result, text};
use assay_platform::db::Conn;
use assay_platform::policy::add_business_days;
use assay_platform::web::IfMatch;
use assay_platform::{input, timers};
use chrono::{Duration, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use validator::Validate;

use super::{ProjectDetail, Projects, from_json, notify};
use crate::model::{
    AcceptanceCheck, AcceptanceKind, Confidentiality, Deliverable, Facts, Level, Milestone, PROJECT,
    ProjectState, ReadinessSignal, SkillNeed, project_events as events, readiness,
};
use crate::store;
use crate::store::projects::ProjectRow;

/// What a client writes of a project. Everything but title and description may come later; submission says what is
/// missing.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectContent {
    /// What the project is, on one line.
    #[validate(length(min = 8, max = 140), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 8, max_length = 140, example = "Month-end close: reconcile three ledgers")]
    pub title: Text,
    /// What is to be done, and why.
    #[validate(length(min = 40, max = 20_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 40, max_length = 20000, example = "Our finance team reconciles three ledgers by hand. Build a service that imports them, matches entries and lists what does not match.")]
    pub description: Text,
    /// The outcome wanted, in a sentence or more.
    #[validate(length(max = 1_000), custom(function = "text::prose"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 1000, example = "Finance closes the month in one day instead of five.")]
    pub outcome: Option<Text>,
    /// Who decides on bids and acceptance: name and position.
    #[validate(length(min = 2, max = 120), custom(function = "text::line"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 2, max_length = 120, example = "Claire Duval, head of finance")]
    pub decision_maker: Option<Text>,
    /// What the project may cost in all: between $5,000 and $50,000 when it is submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Money>,
    /// Estimated effort in hours.
    #[validate(range(min = 1, max = 20_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 20000, example = 160)]
    pub effort_hours: Option<i32>,
    /// When work should start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-01-11")]
    pub starts_on: Option<NaiveDate>,
    /// Days from start to end.
    #[validate(range(min = 1, max = 730))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 730, example = 60)]
    pub duration_days: Option<i32>,
    /// The time zone in which people must be reached; null when any will do.
    #[validate(nested)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone_need: Option<TimeZoneNeed>,
    /// Who may read the full text once it is listed.
    #[serde(default = "public")]
    #[schema(default = "public")]
    pub confidentiality: Confidentiality,
    /// Skills asked for; slugs, names or aliases of the taxonomy.
    #[validate(nested, length(max = 12))]
    #[serde(default)]
    #[schema(max_items = 12)]
    pub skills: Vec<SkillInput>,
    /// Milestones in their order. A milestone or deliverable that carries its id stays the same one.
    #[validate(nested, length(max = 20))]
    #[serde(default)]
    #[schema(max_items = 20)]
    pub milestones: Vec<MilestoneInput>,
}

fn public() -> Confidentiality {
    Confidentiality::Public
}

/// A need for shared working hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeZoneNeed {
    /// IANA name.
    #[validate(custom(function = "text::time_zone"))]
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// Hours of the working day (nine hours) that must be shared.
    #[validate(range(min = 1, max = 9))]
    #[schema(minimum = 1, maximum = 9, example = 4)]
    pub overlap_hours: i32,
}

/// A skill asked for.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SkillInput {
    /// Slug, name or alias.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "rust")]
    pub skill: String,
    /// How well it must be known.
    pub level: Level,
    /// Nobody without it fits.
    pub must: bool,
}

/// A milestone as written.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MilestoneInput {
    /// The id it has already; none for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MilestoneId>,
    /// What it is.
    #[validate(length(min = 3, max = 200), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 3, max_length = 200, example = "Import and matching")]
    pub title: Text,
    /// What it costs, in minor units of the budget's currency.
    #[validate(range(min = 1, max = 9_007_199_254_740_991_i64))]
    #[schema(minimum = 1, maximum = 9007199254740991_i64, example = 600000)]
    pub amount: i64,
    /// Days from its start to its delivery.
    #[validate(range(min = 1, max = 730))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 730, example = 30)]
    pub duration_days: Option<u32>,
    /// What is delivered.
    #[validate(nested, length(max = 30))]
    #[serde(default)]
    #[schema(max_items = 30)]
    pub deliverables: Vec<DeliverableInput>,
}

/// A deliverable as written.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliverableInput {
    /// The id it has already; none for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<DeliverableId>,
    /// What it is.
    #[validate(length(min = 2, max = 200), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 2, max_length = 200, example = "Importer for three ledger formats")]
    pub title: Text,
    /// What it must be.
    #[validate(length(min = 2, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 2, max_length = 4000, example = "Reads CSV, MT940 and CAMT.053; rejects a bad line without losing others.")]
    pub specification: Text,
    /// Its share of the milestone's amount in basis points; all of a milestone sum to 10000.
    #[validate(range(max = 10_000))]
    #[serde(default)]
    #[schema(maximum = 10000, example = 5000)]
    pub weight_bps: u32,
    /// How it is told that it is done.
    #[validate(nested)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<AcceptanceInput>,
}

/// An acceptance check as written.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptanceInput {
    /// The kind of check.
    pub kind: AcceptanceKind,
    /// What is checked: the criterion in words, the CI status, the URL (https), or the third party.
    #[validate(length(min = 2, max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 2, max_length = 2000, example = "The sample month imports with no difference.")]
    pub criterion: Text,
}

impl ProjectContent {
    /// What was written, out of a stored row.
    pub fn of(row: &ProjectRow) -> Result<Self> {
        let currency = row.currency()?;
        let written = |text: &Option<String>| text.as_deref().map(Text::new);
        Ok(Self {
            title: Text::new(&row.title),
            description: Text::new(&row.description),
            outcome: written(&row.outcome),
            decision_maker: written(&row.decision_maker),
            budget: row.budget_amount.map(|amount| Money::new(amount, currency)),
            effort_hours: row.effort_hours,
            starts_on: row.starts_on,
            duration_days: row.duration_days,
            time_zone_need: row
                .time_zone
                .clone()
                .map(|time_zone| TimeZoneNeed { time_zone, overlap_hours: row.overlap_hours }),
            confidentiality: row.confidentiality.parse()?,
            skills: row
                .skills()?
                .into_iter()
                .map(|need| SkillInput { skill: need.skill, level: need.level, must: need.must })
                .collect(),
            milestones: row
                .milestones()?
                .into_iter()
                .map(|milestone| MilestoneInput {
                    id: Some(milestone.id),
                    title: Text::new(&milestone.title),
                    amount: milestone.amount,
                    duration_days: milestone.duration_days,
                    deliverables: milestone
                        .deliverables
                        .into_iter()
                        .map(|deliverable| DeliverableInput {
                            id: Some(deliverable.id),
                            title: Text::new(&deliverable.title),
                            specification: Text::new(&deliverable.specification),
                            weight_bps: deliverable.weight_bps,
                            acceptance: deliverable.acceptance.map(|check| AcceptanceInput {
                                kind: check.kind,
                                criterion: Text::new(&check.criterion),
                            }),
                        })
                        .collect(),
                })
                .collect(),
        })
    }
}

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
        row.skills = serde_json::to_value(skills).map_err(Error::internal)?;
        row.milestones = serde_json::to_value(milestones).map_err(Error::internal)?;
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
        let known: Vec<Milestone> = from_json(&row.milestones)?;
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
                if let Some(check) =
                    input.acceptance.as_ref().filter(|check| check.kind == AcceptanceKind::UrlProbe)
                {
                    if let Err(fault) = text::https_url(&check.criterion) {
                        let detail = fault.message.unwrap_or_default().into_owned();
                        errors.push(format!("{pointer}/acceptance/criterion"), "invalid_format", detail);
                    }
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
            skills: json!([]),
            milestones: json!([]),
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
        let (mut row, relation) = self.lock(conn, actor, id).await?;
        PROJECT.transition(&row.state, events::EDIT, &relation.who())?;
        seen.check(row.version)?;
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
        let (mut row, relation) = self.lock(conn, actor, id).await?;
        let transition = PROJECT.transition(&row.state, events::SUBMIT, &relation.who())?;
        seen.check(row.version)?;
        let now = self.ctx.clock.now();
        let (_, verified) = store::projects::organisation(conn, id).await?;
        let parts = Self::parts(&row)?;
        let scope = self.scope(&row, &parts, verified);
        PROJECT.check(transition, |guard| self.blocked(guard, &row, &scope, Some(actor.account_id), now))?;
        row.state = transition.to.to_owned();
        self.into_curation(conn, &mut row).await?;
        self.save_client_act(conn, &mut row).await?;
        notify::project(&self.ctx, conn, &row, "project.submitted", json!({ "due_at": row.curation_due_at }))
            .await?;
        self.shown(conn, row, relation, actor).await
    }

    /// Starts curation's clock.
    pub(crate) async fn into_curation(&self, conn: &mut Conn, row: &mut ProjectRow) -> Result<()> {
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
        let (mut row, relation) = self.lock(conn, actor, id).await?;
        let transition = PROJECT.transition(&row.state, events::WITHDRAW, &relation.who())?;
        seen.check(row.version)?;
        row.state = transition.to.to_owned();
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
        let (mut row, relation) = self.lock(conn, actor, id).await?;
        let transition = PROJECT.transition(&row.state, events::PAUSE, &relation.who())?;
        seen.check(row.version)?;
        row.state = transition.to.to_owned();
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
        let (mut row, relation) = self.lock(conn, actor, id).await?;
        let transition = PROJECT.transition(&row.state, events::RESUME, &relation.who())?;
        seen.check(row.version)?;
        let now = self.ctx.clock.now();
        let parts = Self::parts(&row)?;
        let scope = self.scope(&row, &parts, true);
        PROJECT.check(transition, |guard| self.blocked(guard, &row, &scope, Some(actor.account_id), now))?;
        row.state = transition.to.to_owned();
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
        let (mut row, relation) = self.lock(conn, actor, id).await?;
        let transition = PROJECT.transition(&row.state, events::RELIST, &relation.who())?;
        seen.check(row.version)?;
        row.state = transition.to.to_owned();
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
            store::projects::shown(conn, id).await?.ok_or_else(|| Error::not_found("project"))?;
        let relation = super::Relation::of(&self.ctx, conn, Some(actor), id).await?;
        if !relation.inside() || !relation.may_see(row.state()?) {
            return Err(Error::not_found("project"));
        }
        let parts = Self::parts(&row)?;
        let skills: Vec<String> = parts.skills.iter().map(|need| need.skill.clone()).collect();
        let market = store::listings::market_rate(conn, &skills).await?;
        let awarded_before = store::projects::count_awarded(conn, row.organisation_id).await?;
        let scope = self.scope(&row, &parts, verified_at.is_some());
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
