//! What a client writes of a project, and how it is read back from a row.

use assay_kernel::ids::{DeliverableId, MilestoneId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Money, Result};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::model::{AcceptanceKind, Confidentiality, Level};
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
                .skills
                .iter()
                .cloned()
                .map(|need| SkillInput { skill: need.skill, level: need.level, must: need.must })
                .collect(),
            milestones: row
                .milestones
                .iter()
                .cloned()
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
