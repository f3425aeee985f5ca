//! What rankings look like from outside.

use assay_kernel::ids::{AccountId, InvitationId, MatchExclusionId, MatchId, ProjectId};
use assay_kernel::{Currency, Error, Money, Result};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::explain::part_names;
use crate::model::facts::{Reason, date_of};
use crate::model::kept::{Missed, Replayed};
use crate::service::live::Status;
use crate::service::market::{Metrics, Newcomers, Spread};
use crate::service::mine::OwnMatch;
use crate::service::rankings::{Given, Told, told};
use crate::store::exclusions::ExclusionRow;
use crate::store::preferences::PreferencesRow;
use crate::store::rankings::ShownRow;

/// A part of a score.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartView {
    /// Of what.
    #[schema(example = "technical score")]
    pub name: &'static str,
    /// How much above the middle one of those who fit, on the logit scale. The parts sum to the distance of the scores.
    #[schema(example = 0.42)]
    pub above_median: f64,
    /// In words.
    #[schema(example = "Technical score: above the middle of those who fit (+0.42).")]
    pub words: String,
}

/// Why somebody stands where they stand.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplanationView {
    /// What the place is given by, on the logit scale.
    #[schema(example = 1.31)]
    pub score: f64,
    /// What speaks most for them, and most against.
    #[schema(example = "Speaks for them: technical score (+0.42). Against: shared hours (-0.20).")]
    pub summary: String,
    /// The score taken apart against the middle one of those who fit.
    pub parts: Vec<PartView>,
    /// The hard constraints that they pass.
    pub constraints: Vec<Reason>,
    /// The one skill that would move them up most.
    #[schema(example = "Level 4 in `terraform` would move them from 9 to 4.")]
    pub counterfactual: Option<String>,
}

impl From<Told> for ExplanationView {
    fn from(told: Told) -> Self {
        let part = |(name, above_median, words)| PartView { name, above_median, words };
        Self {
            score: told.score,
            summary: told.summary,
            parts: told.parts.into_iter().map(part).collect(),
            constraints: told.passed,
            counterfactual: told.counterfactual,
        }
    }
}

/// A developer as a ranking names them.
#[derive(Debug, Serialize, ToSchema)]
pub struct RankedDeveloper {
    /// Who.
    pub id: AccountId,
    /// What they are called.
    #[schema(example = "Dora Jensen")]
    pub display_name: Option<String>,
    /// What they say of themselves in a line.
    #[schema(example = "Back ends that close books")]
    pub headline: Option<String>,
}

/// A place in a ranking.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaceView {
    /// From 1.
    #[schema(minimum = 1, example = 1)]
    pub place: usize,
    /// Who stands there; null for somebody who has had their data erased since.
    pub developer: Option<RankedDeveloper>,
    /// Why.
    pub explanation: Option<ExplanationView>,
}

/// A constraint that alone keeps developers out.
#[derive(Debug, Serialize, ToSchema)]
pub struct NearMissView {
    /// Which: `rate`, `weekly_hours`, `start`, `overlap` or `skill`.
    #[schema(example = "overlap")]
    pub constraint: String,
    /// How many it keeps out.
    #[schema(example = 9)]
    pub more: usize,
    /// What would let how many of them in.
    #[schema(example = "7 more at 2 hours' overlap.")]
    pub words: String,
}

impl From<&Missed> for NearMissView {
    fn from(missed: &Missed) -> Self {
        Self { constraint: missed.constraint.clone(), more: missed.more, words: missed.words.clone() }
    }
}

/// By what a ranking was made: with these it comes out the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeBy {
    /// The formula.
    #[schema(example = "value-1")]
    pub model: String,
    /// The learned coefficients; 0 are the priors.
    #[schema(example = 3)]
    pub parameters_version: i32,
    /// The calibrations of the scores; empty before the first.
    #[schema(example = "collaboration-2 technical-2")]
    pub calibration: String,
    /// The last event that the columns had heard of.
    #[schema(example = 48213)]
    pub snapshot_version: i64,
    /// The policy.
    #[schema(example = "2026-11-21e")]
    pub policy_version: String,
    /// What breaks ties.
    #[schema(example = "5930182210033312")]
    pub seed: String,
}

/// A ranking in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatchSummary {
    /// Its id.
    pub id: MatchId,
    /// The project.
    pub project_id: ProjectId,
    /// Who asked for it.
    pub requested_by: AccountId,
    /// When.
    pub created_at: DateTime<Utc>,
    /// How many developers met every hard constraint.
    #[schema(example = 37)]
    pub feasible: i32,
    /// By what it was made.
    pub made_by: MadeBy,
}

/// A ranking of developers for a project.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatchView {
    /// What a list shows of it.
    #[serde(flatten)]
    pub summary: MatchSummary,
    /// The places, the best first.
    pub places: Vec<PlaceView>,
    /// Where fewer than five were feasible: what keeps others out, constraint by constraint.
    pub near_misses: Vec<NearMissView>,
    /// Developers left out because they had changed in the very moment.
    #[schema(example = 0)]
    pub stale: usize,
}

impl From<&Given> for MatchSummary {
    fn from(given: &Given) -> Self {
        let row = &given.row;
        Self {
            id: MatchId::from_uuid(row.id),
            project_id: ProjectId::from_uuid(row.project_id),
            requested_by: AccountId::from_uuid(row.requested_by_id),
            created_at: row.created_at,
            feasible: row.feasible,
            made_by: MadeBy {
                model: row.model.clone(),
                parameters_version: row.parameters_version,
                calibration: row.calibration.clone(),
                snapshot_version: row.snapshot_version,
                policy_version: row.policy_version.clone(),
                seed: (row.seed as u64).to_string(),
            },
        }
    }
}

impl MatchView {
    /// The first `depth` places.
    pub fn of(given: &Given, depth: usize) -> Self {
        let place = |(at, kept): (usize, &Option<_>)| {
            let told = kept.as_ref().map(|kept| told(kept, at + 1, Some(&given.row.asked), false));
            let developer = told.as_ref().map(|told: &Told| {
                let (display_name, headline) =
                    given.names.get(&told.developer.uuid()).cloned().unwrap_or_default();
                RankedDeveloper { id: told.developer, display_name, headline }
            });
            PlaceView { place: at + 1, developer, explanation: told.map(ExplanationView::from) }
        };
        Self {
            summary: given.into(),
            places: given.row.places.iter().take(depth).enumerate().map(place).collect(),
            near_misses: given.row.near_misses.iter().map(NearMissView::from).collect(),
            stale: given.row.asked.stale,
        }
    }
}

/// A place worked out again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayedPlace {
    /// From 1.
    #[schema(minimum = 1, example = 1)]
    pub place: usize,
    /// Who.
    pub developer_id: AccountId,
    /// The score.
    #[schema(example = 1.31)]
    pub score: f64,
    /// Its parts.
    pub parts: Vec<PartView>,
}

/// A ranking worked out again from what was kept of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayView {
    /// The ranking.
    pub match_id: MatchId,
    /// Is every score and part, bit by bit, and every place what it was?
    #[schema(example = true)]
    pub identical: bool,
    /// By what it was made, and made again.
    pub made_by: MadeBy,
    /// The places.
    pub places: Vec<ReplayedPlace>,
}

impl ReplayView {
    /// A replay.
    pub fn of(given: &Given, places: Vec<Replayed>, identical: bool) -> Self {
        let summary = MatchSummary::from(given);
        let place = |(at, again): (usize, Replayed)| {
            let (score, parts) =
                again.score_and_parts.split_first().map_or((f64::NAN, &[][..]), |(s, p)| (*s, p));
            let part = |(name, value): (&'static str, &f64)| PartView {
                name,
                above_median: *value,
                words: crate::model::words::part(name, *value),
            };
            ReplayedPlace {
                place: at + 1,
                developer_id: AccountId::from_uuid(again.developer),
                score,
                parts: part_names().zip(parts).map(part).collect(),
            }
        };
        Self {
            match_id: summary.id,
            identical,
            made_by: summary.made_by,
            places: places.into_iter().enumerate().map(place).collect(),
        }
    }
}

/// An invitation that came of a ranking.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatchInvitationView {
    /// The invitation, to read at `/v1/invitations/{id}`.
    pub id: InvitationId,
    /// The ranking.
    pub match_id: MatchId,
    /// The project.
    pub project_id: ProjectId,
    /// Who is invited.
    pub developer_id: AccountId,
    /// Their place in the ranking.
    #[schema(minimum = 1, example = 2)]
    pub place: usize,
    /// Until when it stands.
    pub expires_at: DateTime<Utc>,
}

/// A project as the caller stands to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnMatchView {
    /// Which.
    pub project_id: ProjectId,
    /// Its title.
    #[schema(example = "Reconcile three ledgers")]
    pub title: String,
    /// Nothing keeps you out.
    #[schema(example = true)]
    pub feasible: bool,
    /// Your place among those who fit; none when something keeps you out, or below the fiftieth.
    #[schema(example = 9)]
    pub place: Option<usize>,
    /// How many fit.
    #[schema(example = 37)]
    pub of: usize,
    /// Why you stand there, against the middle one of those who fit.
    pub explanation: Option<ExplanationView>,
    /// What keeps you out.
    pub blockers: Vec<Reason>,
    /// What would move you.
    #[schema(example = "Level 4 in `terraform` would move you from 9 to 4.")]
    pub counterfactual: Option<String>,
}

impl From<OwnMatch> for OwnMatchView {
    fn from(own: OwnMatch) -> Self {
        Self {
            project_id: own.project,
            title: own.title,
            feasible: own.feasible,
            place: own.place,
            of: own.of,
            explanation: own.told.map(ExplanationView::from),
            blockers: own.blockers,
            counterfactual: own.counterfactual,
        }
    }
}

/// Where the caller was shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImpressionView {
    /// For which project.
    pub project_id: ProjectId,
    /// Its title.
    #[schema(example = "Reconcile three ledgers")]
    pub title: String,
    /// On which day.
    pub on: NaiveDate,
    /// In which place.
    #[schema(minimum = 1, maximum = 10, example = 3)]
    pub place: i32,
}

impl From<ShownRow> for ImpressionView {
    fn from(row: ShownRow) -> Self {
        Self {
            project_id: ProjectId::from_uuid(row.project),
            title: row.title,
            on: date_of(row.day),
            place: row.place,
        }
    }
}

/// What a developer says of their own capacity.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatchPreferencesView {
    /// Hours a week; as in the application when none.
    #[schema(example = 30)]
    pub weekly_hours: Option<i32>,
    /// Your floor an hour; as in the application when none. No client is told it.
    pub rate_per_hour: Option<Money>,
    /// From when you are free; now when none.
    pub available_from: Option<NaiveDate>,
    /// You take no work now.
    pub paused: bool,
    /// Row version, as in the ETag; 0 before the first word.
    #[schema(example = 1)]
    pub version: i64,
}

impl MatchPreferencesView {
    /// What is stored.
    ///
    /// # Errors
    /// When a stored currency is unknown.
    pub fn of(row: PreferencesRow) -> Result<Self> {
        let money = |(amount, code): (i64, String)| {
            let currency =
                Currency::parse(&code).ok_or_else(|| Error::internal("a stored currency is unknown"))?;
            Ok::<_, Error>(Money::new(amount, currency))
        };
        Ok(Self {
            weekly_hours: row.weekly_hours,
            rate_per_hour: row.rate_amount.zip(row.rate_currency).map(money).transpose()?,
            available_from: row.available_from,
            paused: row.paused,
            version: row.version,
        })
    }
}

/// An exclusion from rankings.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatchExclusionView {
    /// Its id.
    pub id: MatchExclusionId,
    /// Who is excluded.
    pub developer_id: AccountId,
    /// From which project's rankings; from all when none.
    pub project_id: Option<ProjectId>,
    /// Why; the developer can read it.
    #[schema(example = "A concern about integrity is being looked into.")]
    pub reason: String,
    /// Who excluded them.
    pub excluded_by: AccountId,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Until when; until it is lifted when none.
    pub until: Option<DateTime<Utc>>,
    /// When it was lifted.
    pub lifted_at: Option<DateTime<Utc>>,
    /// Why it was lifted.
    pub lift_reason: Option<String>,
    /// Row version, as in the ETag.
    #[schema(example = 1)]
    pub version: i64,
}

impl From<ExclusionRow> for MatchExclusionView {
    fn from(row: ExclusionRow) -> Self {
        let account = |id: Uuid| AccountId::from_uuid(id);
        Self {
            id: MatchExclusionId::from_uuid(row.id),
            developer_id: account(row.developer_id),
            project_id: row.project_id.map(ProjectId::from_uuid),
            reason: row.reason,
            excluded_by: account(row.excluded_by_id),
            created_at: row.created_at,
            until: row.until,
            lifted_at: row.lifted_at,
            lift_reason: row.lift_reason,
            version: row.version,
        }
    }
}

/// What a process has in its columns.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatchingStatus {
    /// May be asked?
    #[schema(example = true)]
    pub ready: bool,
    /// Developers in the columns, those included who left since they were built.
    #[schema(example = 100_000)]
    pub developers: usize,
    /// The last event that they have heard of.
    #[schema(example = 48213)]
    pub snapshot_version: i64,
    /// When they were built.
    pub built_at: Option<DateTime<Utc>>,
    /// How long that took.
    #[schema(example = 2140)]
    pub built_in_ms: u64,
    /// Bytes of all columns and skills.
    #[schema(example = 14_200_000)]
    pub bytes: usize,
    /// The learned coefficients; 0 are the priors.
    #[schema(example = 3)]
    pub parameters_version: i32,
    /// The calibrations of the scores.
    #[schema(example = "collaboration-2 technical-2")]
    pub calibration: String,
}

impl From<Status> for MatchingStatus {
    fn from(status: Status) -> Self {
        Self {
            ready: status.ready,
            developers: status.developers,
            snapshot_version: status.version,
            built_at: status.built_at,
            built_in_ms: u64::try_from(status.built_in.as_millis()).unwrap_or(u64::MAX),
            bytes: status.bytes,
            parameters_version: status.parameters_version,
            calibration: status.calibration,
        }
    }
}

/// The market in the large. What would tell of a small group is null.
#[derive(Debug, Serialize, ToSchema)]
pub struct MarketMetricsView {
    /// When they were taken; null before the first time.
    pub as_of: Option<DateTime<Utc>>,
    /// Days over which they look.
    #[schema(example = 90)]
    pub days: i64,
    /// Developers approved then.
    #[schema(example = 1200)]
    pub developers: Option<i64>,
    /// Places among the first ten, weighted, over everybody approved.
    pub exposure: Spread,
    /// Money released, over everybody approved.
    pub earnings: Spread,
    /// How newcomers fare.
    pub newcomers: Newcomers,
}

impl MarketMetricsView {
    /// Metrics of a moment.
    pub fn of(as_of: Option<DateTime<Utc>>, metrics: Metrics) -> Self {
        let Metrics { days, developers, exposure, earnings, newcomers } = metrics;
        Self { as_of, days, developers, exposure, earnings, newcomers }
    }
}
