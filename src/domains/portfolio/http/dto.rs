//! What is sent and shown.

use assay_kernel::ids::{AccountId, PortfolioImportId, PortfolioItemId};
use assay_kernel::text::Text;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use validator::Validate;

use crate::model::formula::{Definition, Signal, Signals, TOTAL, VERSION};
use crate::model::gaming::Flag;
use crate::model::item::{ItemKind, Level, Mark, Origin};
use crate::model::process::{ChallengePlace, ChallengeState, FailureCode, ImportState};
use crate::model::progress::{Counts, Step, Warning};
use crate::service::items::{NewItem, Shown};
use crate::store::imports::Import;
use crate::store::portfolios::Kept;
use crate::store::skills::SkillRow;

/// An import of a portfolio from GitHub.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportView {
    /// Its id.
    #[schema(value_type = String, example = "pim_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: PortfolioImportId,
    /// Where it stands.
    #[schema(inline)]
    pub state: ImportState,
    /// The step in hand, or the last one.
    #[schema(inline)]
    pub step: Step,
    /// The step's number, from 1.
    #[schema(minimum = 1, example = 5)]
    pub step_number: usize,
    /// How many steps there are.
    #[schema(example = 10)]
    pub steps: usize,
    /// What was met so far.
    pub counts: Counts,
    /// Requests sent to GitHub so far.
    #[schema(example = 271)]
    pub requests: u64,
    /// Those that GitHub answered with "not modified", which cost nothing of its limit.
    #[schema(example = 0)]
    pub unchanged: u64,
    /// What the person should know.
    pub warnings: Vec<Warning>,
    /// Why it was given up, if it was.
    pub failure: Option<FailureView>,
    /// When it goes on, while it waits for GitHub.
    pub resumes_at: Option<DateTime<Utc>>,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When a worker began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it last moved.
    pub progressed_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Version of the row, as in the ETag.
    #[schema(minimum = 1, example = 14)]
    pub version: i64,
}

/// Why an import was given up.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailureView {
    /// The stable name.
    #[schema(inline)]
    pub code: FailureCode,
    /// What happened and what to do.
    #[schema(
        example = "GitHub no longer accepts the authorisation. Sign in with GitHub again, then import."
    )]
    pub detail: String,
}

impl From<Import> for ImportView {
    fn from(import: Import) -> Self {
        let step = import.progress.cursor.step();
        Self {
            id: import.id,
            state: import.state,
            step,
            step_number: step.number(),
            steps: Step::ALL.len(),
            counts: import.progress.counts,
            requests: import.progress.requests,
            unchanged: import.progress.unchanged,
            warnings: import.progress.warnings,
            failure: import.failure.map(|(code, detail)| FailureView { code, detail }),
            resumes_at: import.resumes_at,
            requested_at: import.requested_at,
            started_at: import.started_at,
            progressed_at: import.progressed_at,
            finished_at: import.finished_at,
            version: import.version,
        }
    }
}

/// An item of evidence.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemView {
    /// Its id.
    #[schema(value_type = String, example = "pit_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: PortfolioItemId,
    /// What it is about.
    #[schema(inline)]
    pub kind: ItemKind,
    /// How far it is proven.
    #[schema(inline)]
    pub level: Level,
    /// The object it is about.
    pub source: SourceView,
    /// What it is called.
    #[schema(example = "ada-oss/reparse")]
    pub title: String,
    /// What it is.
    pub description: Option<String>,
    /// What the person did in it.
    #[schema(example = "Maintainer")]
    pub role: Option<String>,
    /// What the person says of it.
    pub note: Option<String>,
    /// Slugs of skills that the person names.
    #[schema(example = json!(["rust"]))]
    pub skills: Vec<String>,
    /// When the work began.
    pub started_on: Option<NaiveDate>,
    /// When it ended.
    pub ended_on: Option<NaiveDate>,
    /// Why a repository does not count as the person's own work; empty when it does.
    #[schema(inline)]
    pub marks: Vec<Mark>,
    /// The numbers observed, from which signals are computed.
    #[schema(value_type = Object)]
    pub computed: Value,
    /// May everybody who is signed in see it?
    pub public: bool,
    /// When it was last observed at its source.
    pub observed_at: DateTime<Utc>,
    /// When it was verified.
    pub verified_at: Option<DateTime<Utc>>,
    /// By what it was verified.
    #[schema(example = "GitHub names the person as the repository's owner.")]
    pub verified_by: Option<String>,
    /// When it was found gone or no longer public.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Why it was withdrawn.
    #[schema(example = "GitHub no longer has it.")]
    pub withdrawn_reason: Option<String>,
    /// The challenge by which control can be shown; only for its owner.
    pub challenge: Option<ChallengeView>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// Version of the row, as in the ETag.
    #[schema(minimum = 1, example = 1)]
    pub version: i64,
}

/// The object that an item is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceView {
    /// Who told of it.
    #[schema(inline)]
    pub origin: Origin,
    /// The object at the provider, by a lasting number where there is one.
    #[schema(example = "github:repository:700000555")]
    pub key: Option<String>,
    /// Where it can be looked at.
    #[schema(example = "https://github.com/ada-oss/reparse")]
    pub url: Option<String>,
}

/// A challenge: put the text there, then ask for verification.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChallengeView {
    /// Where it stands.
    #[schema(inline)]
    pub state: ChallengeState,
    /// What kind of place it is.
    #[schema(inline)]
    pub place: ChallengePlace,
    /// Where the file goes.
    #[schema(example = "https://example.com/.well-known/assay-challenge.txt")]
    pub url: String,
    /// The text of the file.
    #[schema(example = "assay-challenge-3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    pub token: String,
    /// Why the last check did not find it.
    pub failure: Option<String>,
    /// Until when a check can be asked for.
    pub expires_at: DateTime<Utc>,
    /// When it was last looked for.
    pub checked_at: Option<DateTime<Utc>>,
}

impl ItemView {
    /// As its owner sees it.
    pub fn own(shown: Shown) -> Self {
        let Shown { item, challenge } = shown;
        let (verified_at, verified_by) = item.verified.unzip();
        let (withdrawn_at, withdrawn_reason) = item.withdrawn.unzip();
        Self {
            id: item.id,
            kind: item.kind,
            level: item.level,
            source: SourceView { origin: item.origin, key: item.source_key, url: item.url },
            title: item.title,
            description: item.description,
            role: item.role,
            note: item.note,
            skills: item.skills,
            started_on: item.started_on,
            ended_on: item.ended_on,
            marks: item.marks,
            computed: item.computed,
            public: item.is_public,
            observed_at: item.observed_at,
            verified_at,
            verified_by,
            withdrawn_at,
            withdrawn_reason,
            challenge: challenge.map(|challenge| ChallengeView {
                state: challenge.state,
                place: challenge.place,
                url: challenge.url,
                token: challenge.token,
                failure: challenge.failure,
                expires_at: challenge.expires_at,
                checked_at: challenge.checked_at,
            }),
            created_at: item.created_at,
            version: item.version,
        }
    }

    /// As others see it.
    pub fn of_other(shown: Shown) -> Self {
        Self::own(Shown { challenge: None, ..shown })
    }
}

/// Kinds of items that people tell of themselves.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnKind {
    /// A website.
    Website,
    /// A repository.
    Repository,
    /// Anything else.
    Manual,
}

/// An item that a person tells of.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateItem {
    /// What it is about.
    #[schema(inline)]
    kind: OwnKind,
    /// What it is called.
    #[validate(length(min = 3, max = 200), custom(function = "assay_kernel::text::line"))]
    #[schema(value_type = String, min_length = 3, max_length = 200, example = "Booking system of a clinic")]
    title: Text,
    /// Where it can be looked at; needed for websites and repositories.
    #[validate(length(max = 2000))]
    #[schema(max_length = 2000, format = "uri", example = "https://example.com/case-study")]
    url: Option<String>,
    /// What it is.
    #[validate(length(max = 2000), custom(function = "assay_kernel::text::prose"))]
    #[schema(value_type = Option<String>, max_length = 2000)]
    description: Option<Text>,
    /// What the person did in it.
    #[validate(length(max = 200), custom(function = "assay_kernel::text::line"))]
    #[schema(value_type = Option<String>, max_length = 200, example = "Back end and data model")]
    role: Option<Text>,
    /// What the person says of it.
    #[validate(length(max = 2000), custom(function = "assay_kernel::text::prose"))]
    #[schema(value_type = Option<String>, max_length = 2000)]
    note: Option<Text>,
    /// Skills it shows: slugs, names or aliases.
    #[serde(default)]
    #[validate(length(max = 20))]
    #[schema(max_items = 20, example = json!(["typescript", "postgresql"]))]
    skills: Vec<String>,
    /// When the work began.
    started_on: Option<NaiveDate>,
    /// When it ended.
    ended_on: Option<NaiveDate>,
    /// May everybody who is signed in see it?
    #[serde(default)]
    public: bool,
}

impl CreateItem {
    /// For the use case.
    pub fn item(&self) -> NewItem {
        let text = |text: &Option<Text>| {
            text.as_ref().map(|text| text.clone().into_string()).filter(|text| !text.is_empty())
        };
        NewItem {
            kind: match self.kind {
                OwnKind::Website => ItemKind::Website,
                OwnKind::Repository => ItemKind::Repository,
                OwnKind::Manual => ItemKind::Manual,
            },
            title: self.title.clone().into_string(),
            url: self.url.as_ref().map(|url| url.trim().to_owned()),
            description: text(&self.description),
            role: text(&self.role),
            note: text(&self.note),
            skills: self.skills.clone(),
            started_on: self.started_on,
            ended_on: self.ended_on,
            is_public: self.public,
        }
    }
}

/// A person's skill.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonSkill {
    /// The stable name.
    #[schema(example = "rust")]
    pub slug: String,
    /// The name for people.
    #[schema(example = "Rust")]
    pub name: String,
    /// Does it follow from evidence? If not, the person claims it.
    pub derived: bool,
    /// Its share of the code in counting repositories, in basis points.
    #[schema(minimum = 0, maximum = 10_000, example = 6_120)]
    pub share_bps: Option<i32>,
    /// Counting repositories that show it.
    #[schema(example = 47)]
    pub repositories: i32,
    /// Merged pull requests in repositories of others that show it.
    #[schema(example = 240)]
    pub pull_requests: i32,
    /// Items that show it, the weightiest first.
    #[schema(value_type = Vec<String>, example = json!(["pit_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b"]))]
    pub evidence: Vec<PortfolioItemId>,
}

impl From<(SkillRow, String)> for PersonSkill {
    fn from((row, name): (SkillRow, String)) -> Self {
        Self {
            slug: row.skill,
            name,
            derived: row.derived,
            share_bps: row.share_bps,
            repositories: row.repositories,
            pull_requests: row.pull_requests,
            evidence: row.evidence.into_iter().map(PortfolioItemId::from_uuid).collect(),
        }
    }
}

/// A person's skills.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonSkills {
    /// The skills, those with the largest share first.
    pub data: Vec<PersonSkill>,
    /// Slugs that evidence shows but that the person has taken out; imports do not bring them back.
    #[schema(example = json!(["php"]))]
    pub removed: Vec<String>,
    /// Version of the whole, as in the ETag.
    #[schema(minimum = 0, example = 3)]
    pub version: i64,
}

/// Skills in the order of their weight.
pub fn by_weight(rows: Vec<(SkillRow, String)>) -> Vec<PersonSkill> {
    let mut skills: Vec<PersonSkill> = rows.into_iter().map(PersonSkill::from).collect();
    skills.sort_by(|a, b| {
        let weight =
            |skill: &PersonSkill| (skill.share_bps.unwrap_or(0), skill.pull_requests, skill.repositories);
        weight(b).cmp(&weight(a)).then_with(|| a.slug.cmp(&b.slug))
    });
    skills
}

/// A person's skills as they are to be.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceSkills {
    /// All of them: slugs, names or aliases.
    #[validate(length(max = 100))]
    #[schema(max_items = 100, example = json!(["rust", "go", "postgresql"]))]
    pub skills: Vec<String>,
}

/// A person's portfolio in sum.
#[derive(Debug, Serialize, ToSchema)]
pub struct PortfolioView {
    /// Items that are not withdrawn.
    #[schema(example = 257)]
    pub items: i64,
    /// When the last import was completed; none before the first.
    pub imported_at: Option<DateTime<Utc>>,
    /// The signals; none before the first import.
    pub signals: Option<SignalsView>,
}

impl PortfolioView {
    /// From what is kept.
    pub fn new(kept: Kept, items: i64) -> Self {
        Self { items, imported_at: kept.imported_at, signals: kept.signals.map(SignalsView::from) }
    }
}

/// Computed signals.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignalsView {
    /// Version of the formula that computed them.
    #[schema(example = "2026-11-21")]
    pub formula_version: String,
    /// Points of all signals.
    #[schema(example = 631)]
    pub points: u64,
    /// Points that can be reached.
    #[schema(example = 1_000)]
    pub max_points: u64,
    /// Each signal with its value and inputs.
    pub signals: Vec<Signal>,
}

impl From<Signals> for SignalsView {
    fn from(signals: Signals) -> Self {
        Self {
            formula_version: signals.formula_version,
            points: signals.points,
            max_points: signals.max_points,
            signals: signals.signals,
        }
    }
}

/// The formula by which evidence becomes signals.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormulaView {
    /// Its version.
    #[schema(example = "2026-11-21")]
    pub version: &'static str,
    /// Points that can be reached.
    #[schema(example = 1_000)]
    pub max_points: u64,
    /// How to read it.
    pub text: &'static str,
    /// Each signal, the weightiest first.
    #[schema(value_type = Vec<Definition>)]
    pub signals: &'static [Definition],
}

impl FormulaView {
    /// The formula in force.
    pub fn present(signals: &'static [Definition]) -> Self {
        Self {
            version: VERSION,
            max_points: TOTAL,
            text: "Points of all signals are added. Values are in thousandths (`value_milli`); log2(1 + n) is exact at powers \
                   of two and straight between them; divisions round down. Forks, archived repositories, templates, mirrors \
                   and disabled repositories do not count as own work. Stars can give a twentieth of all points at most. The \
                   points describe evidence; no decision follows from them alone.",
            signals,
        }
    }
}

/// A developer's portfolio as the caller may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeveloperPortfolio {
    /// Whose it is.
    #[schema(value_type = String, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub account_id: AccountId,
    /// When the last import was completed; for reviewers and the person.
    pub imported_at: Option<DateTime<Utc>>,
    /// The signals; for reviewers and the person.
    pub signals: Option<SignalsView>,
    /// Signs of gaming, for reviewers. They decide nothing.
    pub flags: Option<Vec<Flag>>,
    /// The skills, those with the largest share first.
    pub skills: Vec<PersonSkill>,
    /// The items that the caller may see, newest first.
    pub data: Vec<ItemView>,
    /// Give this as `cursor` to get the next page of items; null on the last one.
    pub next_cursor: Option<String>,
}
