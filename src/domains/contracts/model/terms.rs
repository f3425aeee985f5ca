//! The document that both sides sign. Its canonical JSON is hashed; the hash is what a signature names.

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, BidId, DeliverableId, MilestoneId, OrganisationId, ProjectId};
use assay_kernel::{Currency, Money};
use assay_platform::crypto::sha256;
use assay_platform::policy::{ConsentText, ContractPolicy};
use assay_projects::AcceptanceKind;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::money::{Agreed, WHOLE_BPS};

/// The client by name, as when the contract was drawn up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Party {
    /// Its id.
    pub id: OrganisationId,
    /// Its name.
    #[schema(example = "Northwind Robotics")]
    pub name: String,
}

/// How it is told that a deliverable is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// The kind of check.
    pub kind: AcceptanceKind,
    /// What is checked.
    #[schema(example = "import / corpus")]
    pub criterion: String,
    /// Who signs it off, for a third party's check.
    pub account_id: Option<AccountId>,
}

/// A thing to be delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deliverable {
    /// Its id.
    pub id: DeliverableId,
    /// What it is.
    pub title: String,
    /// What it must be.
    pub specification: String,
    /// Its share of the milestone, in basis points.
    #[schema(example = 6000)]
    pub weight_bps: u32,
    /// How it is told that it is done.
    pub check: Check,
}

/// A milestone as agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Milestone {
    /// Its id, here and in the contract's milestones.
    pub id: MilestoneId,
    /// What it is.
    pub title: String,
    /// What the developer is paid for it, before their fee; minor units.
    #[schema(example = 630000)]
    pub amount: i64,
    /// What the client pays on top.
    #[schema(example = 94500)]
    pub client_fee: i64,
    /// What is taken from the developer's part.
    #[schema(example = 0)]
    pub developer_fee: i64,
    /// When it is due, to the end of that day (UTC).
    pub due_on: NaiveDate,
    /// What is delivered.
    pub deliverables: Vec<Deliverable>,
}

/// What the marketplace takes, in basis points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fees {
    /// On top, paid by the client.
    #[schema(example = 1500)]
    pub client_fee_bps: u32,
    /// Taken from the developer's part.
    #[schema(example = 0)]
    pub developer_fee_bps: u32,
}

/// A part of each milestone that is held back after acceptance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holding {
    /// How much of what is accepted, in basis points.
    #[schema(example = 1000)]
    pub bps: u32,
    /// Days after the acceptance at which it is released.
    #[schema(example = 30)]
    pub days: i32,
    /// What releases it earlier, besides the client.
    pub condition: Option<Check>,
}

/// A text that goes with the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TemplateText {
    /// The template's version.
    #[schema(example = "2026-11-21")]
    pub version: String,
    /// What it says.
    pub text: String,
}

impl From<&ConsentText> for TemplateText {
    fn from(text: &ConsentText) -> Self {
        Self { version: text.version.clone(), text: text.text.clone() }
    }
}

/// Everything that was agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Terms {
    /// How this document is to be read.
    #[schema(example = "assay-contract-1")]
    pub format: String,
    /// Which edition of this contract: 1 as signed, one more with each effective change order.
    #[schema(example = 1)]
    pub edition: u32,
    /// The project.
    pub project_id: ProjectId,
    /// The accepted bid.
    pub bid_id: BidId,
    /// The project's title.
    pub title: String,
    /// The client.
    pub client: Party,
    /// Who works: by id alone, since people can have themselves erased and this document never changes.
    pub developer: AccountId,
    /// The currency of all amounts.
    pub currency: Currency,
    /// When work starts.
    pub starts_on: NaiveDate,
    /// The fee schedule.
    pub fees: Fees,
    /// The milestones.
    pub milestones: Vec<Milestone>,
    /// Days in which a delivery is reviewed; silence accepts.
    #[schema(example = 10)]
    pub review_days: i32,
    /// Rounds of changes a milestone.
    #[schema(example = 2)]
    pub revision_limit: i32,
    /// What is held back.
    pub holdback: Option<Holding>,
    /// The confidentiality agreement, where there is one.
    pub confidentiality: Option<TemplateText>,
    /// Who owns what is made.
    pub intellectual_property: TemplateText,
    /// The version of the process tables.
    pub process_version: String,
    /// The version of the policy whose clocks hold.
    pub policy_version: String,
    /// The version of the rubric by which the developer was vetted.
    pub rubric_version: String,
}

impl Terms {
    /// What was agreed on a milestone's money.
    pub fn agreed(&self, amount: i64) -> Agreed {
        Agreed {
            amount: Money::new(amount, self.currency),
            client_fee_bps: self.fees.client_fee_bps,
            developer_fee_bps: self.fees.developer_fee_bps,
            holdback_bps: self.holdback.as_ref().map_or(0, |holding| holding.bps),
        }
    }

    /// Sets the fees of a milestone from its amount.
    #[must_use]
    pub fn with_fees(&self, mut milestone: Milestone) -> Milestone {
        let agreed = self.agreed(milestone.amount);
        milestone.client_fee = agreed.client_fee().amount;
        milestone.developer_fee = agreed.amount.bps(self.fees.developer_fee_bps).amount;
        milestone
    }

    /// A milestone of it.
    pub fn milestone(&self, id: MilestoneId) -> Option<&Milestone> {
        self.milestones.iter().find(|milestone| milestone.id == id)
    }

    /// What is wrong with what can be chosen.
    pub fn faults(&self, policy: &ContractPolicy, errors: &mut FieldErrors) {
        errors.check(
            (policy.review_days_min..=policy.review_days_max).contains(&self.review_days),
            "/review_days",
            "out_of_range",
            &format!("must be {} to {}", policy.review_days_min, policy.review_days_max),
        );
        errors.check(
            (0..=policy.revision_limit_max).contains(&self.revision_limit),
            "/revision_limit",
            "out_of_range",
            &format!("must be 0 to {}", policy.revision_limit_max),
        );
        if let Some(holding) = &self.holdback {
            errors.check(
                (1..=policy.holdback_max_bps).contains(&holding.bps),
                "/holdback/bps",
                "out_of_range",
                &format!("must be 1 to {}", policy.holdback_max_bps),
            );
            errors.check(
                (1..=policy.holdback_days_max).contains(&holding.days),
                "/holdback/days",
                "out_of_range",
                &format!("must be 1 to {}", policy.holdback_days_max),
            );
        }
    }
}

/// Dates milestones one after another from `start`: each lasts its days, two weeks when it names none.
pub fn dated(start: NaiveDate, durations: impl Iterator<Item = Option<u32>>) -> Vec<NaiveDate> {
    let mut day = start;
    durations
        .map(|days| {
            day = day.checked_add_days(chrono::Days::new(u64::from(days.unwrap_or(14)))).unwrap_or(day);
            day
        })
        .collect()
}

impl Milestone {
    /// Do the weights sum to the whole?
    pub fn is_whole(&self) -> bool {
        let sum: u64 = self.deliverables.iter().map(|deliverable| u64::from(deliverable.weight_bps)).sum();
        sum == u64::from(WHOLE_BPS)
    }
}

/// One spelling of a document: members sorted by name, no white space (as RFC 8785 has it for documents without
/// fractions).
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            // RFC 8785 sorts by UTF-16 code units; the names here are ASCII, where that is the same.
            sorted.sort_unstable_by_key(|(name, _)| name.as_str());
            let members: Vec<String> = sorted
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::String(name.clone()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// SHA-256 of the canonical spelling, in hexadecimal.
pub fn content_hash(canonical: &str) -> String {
    hex::encode(sha256(canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_members_does_not_matter_and_any_change_does() {
        let one = json!({ "b": [1, { "z": null, "a": "é\n" }], "a": true });
        let same: Value =
            serde_json::from_str("{\"a\":true,\"b\":[1,{\"a\":\"\\u00e9\\n\",\"z\":null}]}").unwrap();
        assert_eq!(canonical(&one), "{\"a\":true,\"b\":[1,{\"a\":\"é\\n\",\"z\":null}]}");
        assert_eq!(content_hash(&canonical(&one)), content_hash(&canonical(&same)));
        let other = json!({ "b": [1, { "z": null, "a": "é" }], "a": true });
        assert_ne!(content_hash(&canonical(&one)), content_hash(&canonical(&other)));
    }

    #[test]
    fn milestones_are_due_one_after_another() {
        let start: NaiveDate = "2027-03-08".parse().unwrap();
        let due = dated(start, [Some(30), None].into_iter());
        assert_eq!(due.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2027-04-07", "2027-04-21"]);
    }

    proptest! {
        #[test]
        fn the_canonical_text_reads_back_as_the_same_document(
            members in prop::collection::btree_map("\\PC{0,8}", prop_oneof![
                any::<i64>().prop_map(Value::from), "\\PC{0,12}".prop_map(Value::from), Just(Value::Null),
            ], 0..8)
        ) {
            let document = Value::Object(members.into_iter().collect());
            let text = canonical(&json!([document]));
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!([document]));
        }
    }
}
