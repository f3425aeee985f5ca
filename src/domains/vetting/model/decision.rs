//! Decisions about people: what was decided, why, on what evidence, and until when it can be appealed.

use assay_kernel::string_enum;
use assay_kernel::text::{self, Text};
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidationError};

string_enum! {
    /// What was decided.
    pub enum DecisionKind {
        /// Changes are wanted.
        ChangesRequested = "changes_requested",
        /// The screening is passed.
        Passed = "passed",
        /// The evidence for the fast lane holds.
        FastLaneConfirmed = "fast_lane_confirmed",
        /// The developer is approved.
        Approved = "approved",
        /// Not yet.
        NotReady = "not_ready",
        /// Refused for want of integrity.
        RejectedIntegrity = "rejected_integrity",
        /// The approval was taken back.
        ApprovalRevoked = "approval_revoked",
    }
}

impl DecisionKind {
    /// Is it against the person, and so open to an appeal?
    pub const fn is_adverse(self) -> bool {
        matches!(self, Self::NotReady | Self::RejectedIntegrity | Self::ApprovalRevoked)
    }
}

string_enum! {
    /// The kind of reason of an adverse decision.
    pub enum ReasonCode {
        /// The work shown does not let anybody tell.
        InsufficientEvidence = "insufficient_evidence",
        /// The work shown is of other skills than the tracks.
        TrackMismatch = "track_mismatch",
        /// The work shown is below what the market asks for.
        BelowBar = "below_bar",
        /// The developer cannot be understood, or does not answer.
        Communication = "communication",
        /// The work shown is another person's.
        AnotherPersonsWork = "another_persons_work",
        /// The developer is not who they say.
        FalseIdentity = "false_identity",
        /// Figures, links or references are made up.
        FabricatedEvidence = "fabricated_evidence",
        /// Conduct towards clients or staff.
        Conduct = "conduct",
        /// Something else; the text says what.
        Other = "other",
    }
}

impl ReasonCode {
    /// Is it about integrity, after which only an appeal leads on?
    pub const fn is_integrity(self) -> bool {
        matches!(self, Self::AnotherPersonsWork | Self::FalseIdentity | Self::FabricatedEvidence)
    }
}

/// What an adverse decision cites.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Where it is: an id of this service, or an https URL.
    #[validate(length(min = 1, max = 2_000), custom(function = "source"))]
    #[schema(min_length = 1, max_length = 2000, example = "https://github.com/dora/ledger/commits")]
    pub source: String,
    /// What it shows.
    #[validate(length(min = 3, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 1000, example = "All commits are by another author.")]
    pub finding: Text,
}

fn source(given: &str) -> Result<(), ValidationError> {
    let is_id = given.split_once('_').is_some_and(|(prefix, digits)| {
        assay_kernel::ids::PREFIXES.iter().any(|(known, _)| *known == prefix)
            && digits.len() == 32
            && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    });
    if is_id {
        return Ok(());
    }
    text::https_url(given).map_err(|_| {
        ValidationError::new("invalid_format")
            .with_message("must be an id of this service or an https URL".into())
    })
}

/// An adverse decision as a staff member gives it.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdverseDecision {
    /// The kind of reason.
    pub reason_code: ReasonCode,
    /// The reason, for the person to read.
    #[validate(length(min = 10, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 4000, example = "The repositories shown are forks without changes of yours.")]
    pub reason: Text,
    /// What it rests on; the person can read it too.
    #[validate(nested, length(min = 1, max = 20))]
    #[schema(min_items = 1, max_items = 20)]
    pub evidence: Vec<Evidence>,
}

/// A note on a field of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// A JSON Pointer into the application, e.g. `/statement`.
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "/statement")]
    pub pointer: String,
    /// What to change.
    #[validate(length(min = 3, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 1000, example = "Say which part of the system was yours.")]
    pub note: Text,
}

/// A request for changes.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangesRequest {
    /// What it is about, for the developer.
    #[validate(length(min = 10, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 4000, example = "Good work; tell us which part was yours.")]
    pub reason: Text,
    /// Notes per field; at least one.
    #[validate(nested, length(min = 1, max = 30))]
    #[schema(min_items = 1, max_items = 30)]
    pub notes: Vec<Note>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_an_id_or_a_page() {
        for good in ["app_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b", "https://example.com/x"] {
            assert!(source(good).is_ok(), "{good}");
        }
        for bad in [
            "app_01931F6b2c7a7d0e9a4c5b6d7e8f9a0b",
            "zzz_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b",
            "http://x.y",
            "I saw it",
        ] {
            assert!(source(bad).is_err(), "{bad}");
        }
    }
}
