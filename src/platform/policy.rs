//! Policy data: the numbers by which the market is run. Versioned, stored, and snapshotted (by version) into the
//! objects they govern. Changing a number means a new version in `config/policy.toml`.

use std::collections::BTreeMap;

use assay_kernel::{Error, Result};
use chrono::Duration;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};

use crate::Ctx;
use crate::db::schema::policies;
use crate::db::{Conn, DbError};

/// The policy numbers, as in `config/policy.toml`.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The version: a date, and a letter when there are several of a day.
    pub version: String,
    /// Projects and their curation.
    pub projects: ProjectPolicy,
    /// Bids, offers and invitations.
    pub bids: BidPolicy,
    /// What the marketplace takes.
    pub fees: FeePolicy,
    /// Contracts, their milestones and change orders.
    pub contracts: ContractPolicy,
    /// Disputes between the sides of contracts.
    pub disputes: DisputePolicy,
    /// Acts of staff on money.
    pub money: MoneyPolicy,
    /// Portfolios of developers.
    pub portfolio: PortfolioPolicy,
    /// Applications of developers, their approvals and appeals.
    pub vetting: VettingPolicy,
    /// Paired assessments.
    pub assessments: AssessmentsPolicy,
    /// Scores.
    pub scoring: ScoringPolicy,
    /// Which developers suit a project.
    pub matching: MatchingPolicy,
    /// Organisations of clients.
    pub organisations: OrganisationPolicy,
    /// What people are asked to agree to.
    pub consents: ConsentPolicy,
    /// People's rights over their data.
    pub rights: RightsPolicy,
    /// For how long things are kept.
    pub retention: RetentionPolicy,
}

/// Projects and their curation.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectPolicy {
    /// Smallest budget, USD minor units.
    pub budget_min_usd_minor: i64,
    /// Largest budget, USD minor units.
    pub budget_max_usd_minor: i64,
    /// Business days in which curation answers.
    pub curation_due_business_days: u32,
    /// Days for which a listing stays open.
    pub listed_days: i64,
    /// Days before the end at which the client is warned.
    pub expiry_warning_days: i64,
    /// Days without a client's act, while bids wait, after which the listing pauses.
    pub idle_pause_days: i64,
    /// Most projects that an organisation may have in draft or curation at once.
    pub max_open_drafts: i64,
    /// Days in which a rejection can be appealed.
    pub appeal_days: i64,
    /// Days in which an appeal is answered.
    pub appeal_answer_days: i64,
}

/// Bids, offers and invitations.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BidPolicy {
    /// Most live bids on a project; further ones wait.
    pub max_live_per_project: i64,
    /// Most live bids of a developer, waiting ones included.
    pub max_live_per_developer: i64,
    /// Days for which an offer stands.
    pub offer_days: i64,
    /// Most counter-offers on one bid, both sides together.
    pub max_counters: i32,
    /// Days for which an invitation stands.
    pub invitation_days: i64,
    /// Most unanswered invitations of a project.
    pub max_open_invitations: i64,
}

/// What the marketplace takes, in basis points of the bid.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeePolicy {
    /// On top, paid by the client.
    pub client_fee_bps: u32,
    /// Taken from the developer's part.
    pub developer_fee_bps: u32,
}

/// Contracts, their milestones and change orders.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractPolicy {
    /// Days for which a contract waits for both signatures, and then for the first payment.
    pub lapse_days: i64,
    /// Shortest review window that can be agreed, days.
    pub review_days_min: i32,
    /// Longest review window that can be agreed, days.
    pub review_days_max: i32,
    /// The review window when none is named, days.
    pub review_days: i32,
    /// Hours before the end of a review window at which the client is warned the second time.
    pub review_warning_hours: i64,
    /// Most rounds of changes that can be agreed.
    pub revision_limit_max: i32,
    /// Rounds of changes when none are named.
    pub revision_limit: i32,
    /// Most of a milestone that can be held back, basis points.
    pub holdback_max_bps: u32,
    /// Longest time for which it can be, days.
    pub holdback_days_max: i32,
    /// Business days of notice.
    pub notice_business_days: u32,
    /// Days for which a change order, or an offer to end the contract, stands.
    pub change_order_days: i64,
    /// Days in which a request for a refund is answered; silence grants it.
    pub refund_answer_days: i64,
    /// Days after the due date from which the client may cancel what was not delivered.
    pub late_days: i64,
    /// Days after the due date at which what was not delivered is cancelled and refunded.
    pub never_delivered_days: i64,
    /// Days before that at which both sides are reminded.
    pub never_delivered_notice_days: i64,
    /// Days between a release and its transfer, for chargebacks to show.
    pub release_hold_days: i64,
    /// Days for which a payment can be held.
    pub hold_days: i64,
    /// Days before that at which both sides are warned.
    pub hold_notice_days: i64,
    /// The confidentiality agreement.
    pub confidentiality: ConsentText,
    /// Who owns what is made.
    pub intellectual_property: ConsentText,
}

/// Disputes between the sides of contracts.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputePolicy {
    /// Days after a milestone's decision for which a dispute over what was released can be opened.
    pub after_release_days: i64,
    /// Days in which the other side answers; silence grants the claim.
    pub response_days: i64,
    /// Days after the first notice at which they are asked the second time.
    pub second_notice_days: i64,
    /// Days of negotiation before a mediator is asked.
    pub negotiation_days: i64,
    /// Business days in which a mediator proposes.
    pub proposal_business_days: u32,
    /// Days in which both sides answer the proposal.
    pub proposal_answer_days: i64,
    /// Business days in which an arbitrator decides.
    pub award_business_days: u32,
    /// What an arbitration costs, basis points of what is disputed: 500 at most.
    pub arbitration_fee_bps: u32,
    /// Days after an award in which an error of arithmetic can be shown; then it is carried out.
    pub appeal_days: i64,
    /// Business days in which such an appeal is answered.
    pub appeal_answer_business_days: u32,
}

/// Acts of staff on money.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoneyPolicy {
    /// From how many whole units of its currency on an act needs a second person.
    pub second_person_from_units: i64,
    /// Hours for which it waits for them.
    pub approval_hours: i64,
}

/// Portfolios of developers.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PortfolioPolicy {
    /// Minutes after a completed import before the next.
    pub reimport_minutes: i64,
    /// Days after which merged pull requests and reviews are searched for from the beginning again.
    pub full_search_days: i64,
    /// Repositories of others, those with the most merged pull requests first, that an import looks at.
    pub contribution_repositories: u32,
    /// Own repositories, those with the most stars first, of whose commits an import asks.
    pub authorship_repositories: i64,
    /// Most items that a person may add by hand.
    pub max_own_items: i64,
    /// Days in which the file of a challenge is looked for.
    pub challenge_days: i64,
    /// Seconds between two checks of a challenge.
    pub challenge_pause_seconds: i64,
}

/// Applications of developers, their approvals and appeals.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VettingPolicy {
    /// Days without an edit after which a draft expires.
    pub draft_idle_days: i64,
    /// Business days in which screening answers.
    pub screening_due_business_days: u32,
    /// Hours for which a reviewer's claim holds.
    pub claim_hours: i64,
    /// Days in which the developer answers a request for changes.
    pub changes_days: i64,
    /// Days before the end of that time at which the developer is reminded.
    pub changes_notice_days: i64,
    /// Days after a first decline after which the developer may apply again.
    pub reapply_first_days: i64,
    /// Days after a further decline, or a revocation, after which the developer may apply again.
    pub reapply_again_days: i64,
    /// Finished projects elsewhere from which the fast lane is open.
    pub fast_lane_projects: i32,
    /// Average rating elsewhere from which the fast lane is open, in hundredths of a star of five.
    pub fast_lane_rating_hundredths: i32,
    /// Days for which an approval holds (18 months).
    pub approval_days: i64,
    /// Days before the end of an approval at which the developer is told and may apply again.
    pub approval_notice_days: i64,
    /// Days in which an adverse decision can be appealed.
    pub appeal_days: i64,
    /// Days in which an appeal is answered.
    pub appeal_answer_days: i64,
}

/// Paired assessments: the numbers of every track, and those of tracks that differ.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssessmentsPolicy {
    /// Anchor sessions that are chosen each quarter on each track.
    pub anchor_sessions: i16,
    /// Days in which an anchor card is due.
    pub anchor_days: i64,
    /// Days before an anchor card is due at which its rater is reminded; 0 is when it is due.
    pub anchor_reminder_days: Vec<i64>,
    /// The numbers of a track that has none of its own.
    pub default: AssessmentPolicy,
    /// Tracks (slugs of skill families) with numbers of their own.
    #[serde(default)]
    pub tracks: BTreeMap<String, AssessmentPolicy>,
}

impl AssessmentsPolicy {
    /// The numbers of a track.
    pub fn of(&self, track: &str) -> &AssessmentPolicy {
        self.tracks.get(track).unwrap_or(&self.default)
    }
}

/// The numbers of paired assessments; each assessment keeps those of its request.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssessmentPolicy {
    /// Minutes of a session.
    pub session_minutes: u32,
    /// Minutes before a session in which its assessors have no other.
    pub buffer_before_minutes: u32,
    /// Minutes after a session in which its assessors have no other.
    pub buffer_after_minutes: u32,
    /// Minutes between the starts that are offered; divides a day.
    pub step_minutes: u32,
    /// Hours between now and the first start that is offered.
    pub notice_hours: i64,
    /// Days ahead in which starts are offered.
    pub horizon_days: i64,
    /// Minutes for which a start is held for a candidate.
    pub hold_minutes: i64,
    /// Most sessions of an assessor on one date of their zone.
    pub max_per_day: i32,
    /// Most sessions of an assessor in one ISO week of their zone.
    pub max_per_week: i32,
    /// Hours before the start until which a candidate may change or give up the time freely.
    pub free_reschedule_hours: i64,
    /// How often a candidate may change the time.
    pub max_reschedules: i32,
    /// Days over which the load of assessors is counted when one is chosen.
    pub lookback_days: i64,
    /// Hours before the start at which both sides are reminded; the longest first.
    pub reminder_hours: Vec<i64>,
    /// Minutes after the start for which a missing side is waited for.
    pub grace_minutes: i64,
    /// Minutes after the start at which a session that did not begin is closed.
    pub close_minutes: i64,
    /// Days after a first no-show from which the candidate may book again.
    pub no_show_first_days: i64,
    /// Days after a further no-show from which the candidate may book again.
    pub no_show_again_days: i64,
    /// Hours after the session in which both cards are due.
    pub rating_due_hours: i64,
    /// Hours after the session at which raters whose card is missing are reminded.
    pub rating_reminder_hours: Vec<i64>,
    /// Levels between two cards on a criterion from which a third rater is asked.
    pub disagreement_levels: u8,
    /// Hours after the decision in which the candidate has the feedback.
    pub feedback_hours: i64,
    /// Redos that may be granted on an application.
    pub max_redos: i32,
    /// Days in which an assessment's outcome can be appealed.
    pub appeal_days: i64,
    /// Days in which an appeal is answered.
    pub appeal_answer_days: i64,
    /// Days after the session for which notes and links are kept.
    pub notes_days: i64,
}

/// Scores: from cards and milestones to figures.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoringPolicy {
    /// Probability of being at or above the cut from which a score passes.
    pub pass_probability: f64,
    /// Probability of being at or above the cut up to which it fails; in between another rater is asked.
    pub fail_probability: f64,
    /// What somebody can do.
    pub technical: RatedScalePolicy,
    /// How somebody works with others.
    pub collaboration: RatedScalePolicy,
    /// What is assumed before anything is calibrated.
    pub prior: RatingPriorPolicy,
    /// What is assumed of delivery before the first milestone.
    pub delivery: DeliveryPriorPolicy,
    /// How far ability may move from one assessment to the next, logits.
    pub drift_each: f64,
    /// How far it may move in a year, logits.
    pub drift_year: f64,
    /// Developers from which the model is calibrated.
    pub calibration_min_developers: u32,
    /// Assessors from which the model is calibrated.
    pub calibration_min_assessors: u32,
    /// Outcomes of deliveries from which validity is published.
    pub validity_min_outcomes: u32,
    /// Developers whose outcomes these are, at least.
    pub validity_min_developers: u32,
    /// Outcomes of the rarer kind, at least.
    pub validity_min_of_each: u32,
    /// People in a group from which the report on adverse impact shows it.
    pub impact_min_group: u32,
    /// What people agree to who tell of themselves for that report.
    pub demographics: ConsentText,
}

/// A scale that cards are rated for.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RatedScalePolicy {
    /// The criteria of the rubric that it is made of.
    pub criteria: Vec<String>,
    /// The pass line, logits.
    pub cut: f64,
}

/// The first calibration.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RatingPriorPolicy {
    /// Steps from each level to the next, logits.
    pub steps: Vec<f64>,
    /// Standard deviation of ability.
    pub sigma: f64,
    /// Standard deviation of what a session's ratings share: halo, and the severity that is not known yet.
    pub phi: f64,
}

/// What is assumed of delivery.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryPriorPolicy {
    /// Mean, logits of the share that is accepted.
    pub mean: f64,
    /// Standard deviation, logits.
    pub sd: f64,
}

/// Which developers suit a project.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchingPolicy {
    /// The level from which a skill counts where a project cannot do without it, 1 to 5.
    pub must_level: u8,
    /// Hours a week of a developer who has not said.
    pub weekly_hours: i32,
    /// Unanswered invitations from which on a developer is not shown.
    pub max_open_invitations: i64,
    /// Invitations of the last 30 days from which on a developer is not shown.
    pub max_invitations_30_days: i64,
    /// Days for which somebody who declined a client is not shown to that client.
    pub cool_down_days: i64,
    /// Weight of what is not known of somebody with fewer than three outcomes.
    pub explore: f64,
    /// Weight of exposure given beyond merit.
    pub share: f64,
    /// Weight of the chance that somebody is taken by then, 0 to 1.
    pub taken: f64,
    /// Outcomes from which on the ranking learns from them.
    pub min_outcomes: i64,
    /// Days over which the market's metrics look.
    pub metrics_days: i64,
    /// The smallest group of which metrics tell.
    pub metrics_min_group: i64,
}

/// Organisations of clients.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationPolicy {
    /// Days for which an invitation to an organisation stands.
    pub invitation_days: i64,
    /// Most members of an organisation.
    pub max_members: i64,
}

/// What people are asked to agree to.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentPolicy {
    /// The terms of service; agreed to at sign-up.
    pub terms: ConsentText,
    /// The evaluation of a developer's work.
    pub vetting: ConsentText,
    /// Mail that is not needed for what a person has under way.
    pub product_mail: ConsentText,
}

/// People's rights over their data.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RightsPolicy {
    /// Days for which an export can be fetched.
    pub export_days: i64,
    /// Days in which a person can change their mind about an erasure.
    pub erasure_cooling_days: i64,
    /// Days after which an erasure that something stood in the way of is tried again.
    pub erasure_retry_days: i64,
}

/// For how long things are kept.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionPolicy {
    /// Days for which events are kept.
    pub event_days: i64,
    /// Hours for which answers are kept under their idempotency keys.
    pub idempotency_hours: i64,
    /// Days for which a dead job is kept.
    pub dead_job_days: i64,
    /// Days for which ended sessions, API tokens and invitations to organisations are kept.
    pub ended_credential_days: i64,
    /// Hours for which the traces of a sign-in under way are kept.
    pub sign_in_hours: i64,
    /// Days for which a request about one's data is kept after its end.
    pub data_request_days: i64,
    /// Days for which mails stay in the folder that stands for a mail server.
    pub mail_file_days: i64,
}

/// A text to agree to.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentText {
    /// Its version.
    #[schema(example = "2026-11-21")]
    pub version: String,
    /// What is agreed to.
    pub text: String,
}

impl Policy {
    /// The policy that ships with this version of the service.
    ///
    /// # Errors
    /// When the shipped file is not a policy (a test holds that it is).
    pub fn shipped() -> std::result::Result<Self, Box<figment::Error>> {
        crate::config::shipped(include_str!("../../config/policy.toml"))
    }
}

/// Keeps the document of a version that comes into force.
///
/// # Errors
/// When the version is stored with other numbers: a change of a number is a new version.
pub async fn record(ctx: &Ctx, conn: &mut Conn) -> Result<()> {
    let document = serde_json::to_value(&*ctx.policy).map_err(Error::internal)?;
    diesel::insert_into(policies::table)
        .values((
            policies::version.eq(&ctx.policy.version),
            policies::document.eq(&document),
            policies::effective_at.eq(ctx.clock.now()),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    let stored: serde_json::Value = policies::table
        .find(&ctx.policy.version)
        .select(policies::document)
        .first(conn)
        .await
        .map_err(DbError::from)?;
    if stored == document {
        return Ok(());
    }
    let version = &ctx.policy.version;
    Err(Error::internal(format!(
        "the policy {version} is in the database with other numbers; give it a new version"
    )))
}

/// Adds `days` business days (Monday to Friday, UTC) to an instant.
pub fn add_business_days(from: chrono::DateTime<chrono::Utc>, days: u32) -> chrono::DateTime<chrono::Utc> {
    use chrono::Datelike;
    let mut at = from;
    let mut left = days;
    while left > 0 {
        at += Duration::days(1);
        if at.weekday().number_from_monday() <= 5 {
            left -= 1;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_policy_reads() {
        let policy = Policy::shipped().unwrap();
        assert_eq!(policy.projects.budget_min_usd_minor, 500_000);
        assert_eq!(policy.projects.budget_max_usd_minor, 5_000_000);
    }

    #[test]
    fn business_days_skip_weekends() {
        let friday: chrono::DateTime<chrono::Utc> = "2026-11-20T15:00:00Z".parse().unwrap();
        assert_eq!(add_business_days(friday, 1).to_rfc3339(), "2026-11-23T15:00:00+00:00");
        assert_eq!(add_business_days(friday, 5).to_rfc3339(), "2026-11-27T15:00:00+00:00");
    }
}
