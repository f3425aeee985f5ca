//! Appeals against adverse decisions.

use assay_kernel::process::{Guard, Machine, State, Transition, Who, row};
use assay_kernel::{Permission, string_enum};

string_enum! {
    /// Where an appeal stands.
    pub enum AppealState {
        /// Waits for a reviewer.
        Open = "open",
        /// A reviewer is reading it.
        InReview = "in_review",
        /// The decision stands.
        Upheld = "upheld",
        /// The decision has fallen.
        Overturned = "overturned",
    }
}

string_enum! {
    /// How an appeal is answered.
    pub enum AppealOutcome {
        /// The decision stands.
        Uphold = "uphold",
        /// The decision falls.
        Overturn = "overturn",
    }
}

/// Names of the machine's events and of its timer.
pub mod appeal_events {
    #![allow(missing_docs)]
    pub const CLAIM: &str = "claim";
    pub const RELEASE: &str = "release";
    pub const OVERDUE: &str = "overdue";
}

const REVIEWER: &[Who] = &[Who::Staff(Permission::Reviewer)];
const ANSWER: &[&str] = &["claimed_by_caller", "another_decided"];

/// How appeals change.
pub const APPEAL: Machine = Machine {
    name: "appeal",
    version: "2026-11-21",
    meaning: "A person's appeal against an adverse decision of vetting; filed within 14 days, once for each decision.",
    initial: "open",
    states: &[
        State { name: "open", meaning: "Waits for a reviewer who did not make the decision." },
        State { name: "in_review", meaning: "Claimed by such a reviewer." },
        State { name: "upheld", meaning: "The decision stands; the answer says why." },
        State { name: "overturned", meaning: "The decision has fallen; the answer says why." },
    ],
    guards: &[
        Guard { code: "another_decided", needs: "A reviewer who did not make the decision, nor appeals." },
        Guard { code: "claimed_by_caller", needs: "The reviewer who claimed the appeal." },
    ],
    transitions: &[
        Transition {
            guards: &["another_decided"],
            effects: &["the reviewer is recorded"],
            ..row(appeal_events::CLAIM, &["open"], "in_review", REVIEWER)
        },
        Transition {
            effects: &["the reviewer is cleared"],
            ..row(appeal_events::RELEASE, &["in_review"], "open", REVIEWER)
        },
        Transition {
            guards: ANSWER,
            effects: &["mail to the person"],
            reason_required: true,
            ..row("uphold", &["in_review"], "upheld", REVIEWER)
        },
        Transition {
            guards: ANSWER,
            effects: &[
                "a declined application goes back to the screening queue, to another reviewer",
                "a revoked approval holds again for the rest of its term",
                "mail to the person",
            ],
            reason_required: true,
            ..row("overturn", &["in_review"], "overturned", REVIEWER)
        },
        Transition {
            clock: Some("10 days after it was filed"),
            effects: &["event and mail to the reviewers"],
            ..row(appeal_events::OVERDUE, &["open"], "open", &[Who::System])
        },
        Transition {
            clock: Some("10 days after it was filed"),
            effects: &["event and mail to the reviewers"],
            ..row(appeal_events::OVERDUE, &["in_review"], "in_review", &[Who::System])
        },
    ],
};

#[cfg(test)]
mod tests {
    use assay_platform::policy::Policy;

    use super::*;

    #[test]
    fn the_machine_is_sound_and_tells_the_numbers_of_the_policy() {
        assert_eq!(APPEAL.faults(), Vec::<String>::new());
        let named: Vec<&str> = APPEAL.states.iter().map(|state| state.name).collect();
        let typed: Vec<&str> = AppealState::ALL.iter().map(|state| state.as_str()).collect();
        assert_eq!(named, typed);
        let policy = Policy::shipped().unwrap().vetting;
        assert!(APPEAL.meaning.contains(&format!("{} days", policy.appeal_days)));
        let answer = format!("{} days", policy.appeal_answer_days);
        assert!(APPEAL.transitions.iter().filter_map(|t| t.clock).all(|clock| clock.contains(&answer)));
    }
}
