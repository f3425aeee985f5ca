//! What is kept of a contract and its milestones beside the terms.

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, DeliverableId, MilestoneId};
use assay_kernel::process::Who;
use assay_kernel::string_enum;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::terms::Milestone;

string_enum! {
    /// A side of a contract.
    pub enum Side {
        /// The client's organisation.
        Client = "client",
        /// The developer.
        Developer = "developer",
    }
}

impl Side {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Developer,
            Self::Developer => Self::Client,
        }
    }

    /// In process tables.
    pub fn who(self) -> Who {
        match self {
            Self::Client => Who::Client,
            Self::Developer => Who::Developer,
        }
    }
}

string_enum! {
    /// A decision on a milestone's money.
    pub enum DecisionKind {
        /// The client, or a passed check, accepted a part; the rest stays under review.
        PartAccepted = "part_accepted",
        /// All of it was accepted.
        Accepted = "accepted",
        /// The review window ran out.
        AutoAccepted = "auto_accepted",
        /// A request for a refund was granted, or not answered.
        RefundGranted = "refund_granted",
        /// The client cancelled what was late.
        CancelledLate = "cancelled_late",
        /// It was never delivered.
        NeverDelivered = "never_delivered",
        /// The contract ended.
        Settled = "settled",
        /// A change order dropped it.
        Dropped = "dropped",
        /// The money could not be held any longer.
        HoldExpired = "hold_expired",
        /// The payment came after the milestone was cancelled.
        CameTooLate = "came_too_late",
        /// The payer's bank has left nothing to decide on.
        ChargedBack = "charged_back",
        /// The payer's bank took of what was held: the client has it, and what is left is decided as agreed.
        TakenByBank = "taken_by_bank",
        /// What was held back was released.
        HoldbackFreed = "holdback_freed",
        /// The sides of a dispute agreed.
        DisputeSettled = "dispute_settled",
        /// A dispute was never answered: as claimed.
        DisputeDefaulted = "dispute_defaulted",
        /// A dispute did not end in the time for which money can be held: as proposed, else as if nobody had disputed.
        DisputeExpired = "dispute_expired",
        /// An award was carried out.
        Awarded = "awarded",
        /// What was held back was divided as a dispute ended.
        HoldbackDivided = "holdback_divided",
        /// What was released was taken back in part or whole, as a dispute ended.
        TakenBack = "taken_back",
    }
}

string_enum! {
    /// Where the part that is held back stands.
    pub enum HoldbackState {
        /// Nothing is held back.
        None = "none",
        /// Held back.
        Held = "held",
        /// Released.
        Freed = "freed",
        /// The payer's bank has taken it.
        ChargedBack = "charged_back",
    }
}

/// A signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Signature {
    /// For which side.
    pub side: Side,
    /// Who signed.
    pub account_id: AccountId,
    /// When.
    pub signed_at: DateTime<Utc>,
    /// What was signed: SHA-256 of the canonical terms.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub content_hash: String,
}

/// What a milestone's developer gets when the contract ends; the rest goes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, validator::Validate)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Which milestone.
    pub milestone_id: MilestoneId,
    /// The developer's part of its amount in all, minor units; what was accepted before is part of it.
    #[schema(minimum = 0, example = 250000)]
    #[validate(range(min = 0))]
    pub amount: i64,
}

/// A proposal to end the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proposal {
    /// Which side proposes.
    pub by: Side,
    /// Why.
    pub reason: String,
    /// Who gets what of the milestones whose money is held; nothing of those not named.
    pub shares: Vec<Share>,
    /// Until when it stands.
    pub expires_at: DateTime<Utc>,
}

/// How far a deliverable is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Standing {
    /// Which deliverable.
    pub deliverable_id: DeliverableId,
    /// When it was accepted.
    pub accepted_at: Option<DateTime<Utc>>,
    /// What the client said.
    pub note: Option<String>,
    /// When its check last passed: the third party signed, or a signed result came in.
    pub check_passed_at: Option<DateTime<Utc>>,
}

impl Standing {
    /// Nothing has happened to it.
    pub fn fresh(deliverable_id: DeliverableId) -> Self {
        Self { deliverable_id, accepted_at: None, note: None, check_passed_at: None }
    }
}

/// Evidence that a deliverable is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Which deliverable.
    pub deliverable_id: DeliverableId,
    /// Where it can be looked at.
    #[schema(example = json!(["https://github.com/northwind/ledgers/pull/41"]))]
    pub links: Vec<String>,
    /// The commit that has it.
    #[schema(example = "5e3f8a1c9d")]
    pub commit: Option<String>,
    /// A few words.
    pub note: Option<String>,
}

/// Checks that each deliverable not accepted yet has evidence, once, and no other has.
pub fn check_evidence(
    milestone: &Milestone,
    standing: &[Standing],
    evidence: &[Evidence],
    errors: &mut FieldErrors,
) {
    let open = |id: DeliverableId| {
        standing.iter().any(|standing| standing.deliverable_id == id && standing.accepted_at.is_none())
    };
    for (i, one) in evidence.iter().enumerate() {
        let pointer = format!("/evidence/{i}/deliverable_id");
        if !milestone.deliverables.iter().any(|deliverable| deliverable.id == one.deliverable_id) {
            errors.push(pointer, "unknown_value", "is not a deliverable of the milestone");
        } else if !open(one.deliverable_id) {
            errors.push(pointer, "not_allowed", "is accepted already");
        } else if evidence.iter().take(i).any(|before| before.deliverable_id == one.deliverable_id) {
            errors.push(pointer, "duplicate", "has evidence already");
        }
        if one.links.is_empty() && one.commit.is_none() {
            errors.push(format!("/evidence/{i}/links"), "required", "needs a link or a commit");
        }
    }
    for deliverable in milestone.deliverables.iter().filter(|deliverable| open(deliverable.id)) {
        if !evidence.iter().any(|one| one.deliverable_id == deliverable.id) {
            errors.push(
                "/evidence",
                "required",
                format!("lacks evidence for {} ({})", deliverable.id, deliverable.title),
            );
        }
    }
}

/// The end of a day, UTC.
pub fn due_at(day: NaiveDate) -> DateTime<Utc> {
    day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN).and_utc()
}
