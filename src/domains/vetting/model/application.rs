//! Applications and their states.

use assay_kernel::process::{Guard, Machine, State, TRANSITION, Transition, Who};
use assay_kernel::{Permission, string_enum};

string_enum! {
    /// Where an application stands.
    pub enum ApplicationState {
        /// Being written by the developer.
        Draft = "draft",
        /// Waiting for a reviewer.
        Submitted = "submitted",
        /// A reviewer is reading it.
        Screening = "screening",
        /// The reviewer asked for changes.
        ChangesRequested = "changes_requested",
        /// Screened; the assessment comes next.
        AssessmentReady = "assessment_ready",
        /// The assessment is finalized.
        Assessed = "assessed",
        /// The developer is approved.
        Approved = "approved",
        /// Not yet; the developer may apply again.
        NotReady = "not_ready",
        /// Refused for want of integrity.
        RejectedIntegrity = "rejected_integrity",
        /// Taken back by the developer.
        Withdrawn = "withdrawn",
        /// Left alone for too long.
        Expired = "expired",
    }
}

/// Names of the machine's events and of its timers.
pub mod events {
    #![allow(missing_docs)]
    pub const EDIT: &str = "edit";
    pub const SUBMIT: &str = "submit";
    pub const WITHDRAW: &str = "withdraw";
    pub const CLAIM: &str = "claim";
    pub const RELEASE: &str = "release";
    pub const LAPSE_CLAIM: &str = "lapse_claim";
    pub const SCREENING_OVERDUE: &str = "screening_overdue";
    pub const REQUEST_CHANGES: &str = "request_changes";
    pub const REMIND_CHANGES: &str = "remind_changes";
    pub const PASS: &str = "pass";
    pub const CONFIRM_FAST_LANE: &str = "confirm_fast_lane";
    pub const DECLINE: &str = "decline";
    pub const REJECT_INTEGRITY: &str = "reject_integrity";
    pub const OVERRIDE_APPROVAL: &str = "override_approval";
    pub const ASSESS: &str = "assess";
    pub const APPROVE: &str = "approve";
    pub const FALL_SHORT: &str = "fall_short";
    pub const RAISE: &str = "raise";
    pub const REASSESS: &str = "reassess";
    pub const REOPEN: &str = "reopen";
    pub const EXPIRE: &str = "expire";
}

const REVIEWER: &[Who] = &[Who::Staff(Permission::Reviewer)];
const BY_CLAIM: &[&str] = &["claimed_by_caller"];
const DECISION: &str = "decision that can be appealed for 14 days";

/// How applications change.
pub const APPLICATION: Machine = Machine {
    name: "application",
    version: "2026-11-21",
    meaning: "A developer's application to be approved, from draft to decision.",
    initial: "draft",
    states: &[
        State { name: "draft", meaning: "Being written; only the developer sees it." },
        State { name: "submitted", meaning: "Waiting for a reviewer, who answers in three business days." },
        State { name: "screening", meaning: "Claimed by a reviewer." },
        State {
            name: "changes_requested",
            meaning: "The reviewer asked for changes, with notes per field; submit again when they are made.",
        },
        State { name: "assessment_ready", meaning: "Screened; the assessment comes next." },
        State { name: "assessed", meaning: "The assessment is finalized; its outcome follows." },
        State { name: "approved", meaning: "The developer is approved; the approval has a term of its own." },
        State {
            name: "not_ready",
            meaning: "Declined with a reason; can be appealed, and applied again after a time.",
        },
        State {
            name: "rejected_integrity",
            meaning: "Refused for want of integrity, with a reason; only an appeal leads on.",
        },
        State { name: "withdrawn", meaning: "Taken back by the developer." },
        State { name: "expired", meaning: "Left alone for too long; the developer may apply anew at once." },
    ],
    guards: &[
        Guard { code: "github_linked", needs: "GitHub linked by a sign-in." },
        Guard { code: "portfolio_item", needs: "At least one item in the portfolio." },
        Guard {
            code: "consents_current",
            needs: "Consent to the terms and to vetting in their present versions.",
        },
        Guard { code: "track_chosen", needs: "At least one skill track." },
        Guard { code: "claimed_by_caller", needs: "The reviewer who claimed the application." },
        Guard { code: "not_claimed_by_another", needs: "Nobody else has claimed the application." },
        Guard { code: "not_overturned", needs: "A reviewer whose decision on it was not overturned." },
        Guard { code: "fast_lane_claimed", needs: "A claim to the fast lane." },
        Guard { code: "account_active", needs: "The applicant's account is an active developer's." },
    ],
    transitions: &[
        Transition {
            event: events::EDIT,
            from: &["draft"],
            to: "draft",
            who: &[Who::Developer],
            clock: Some("expire 90 days after the last edit"),
            effects: &["a new version; ETag changes"],
            ..TRANSITION
        },
        Transition {
            event: events::EDIT,
            from: &["changes_requested"],
            to: "changes_requested",
            who: &[Who::Developer],
            effects: &["a new version; ETag changes"],
            ..TRANSITION
        },
        Transition {
            event: events::SUBMIT,
            from: &["draft", "changes_requested"],
            to: "submitted",
            who: &[Who::Developer],
            guards: &["github_linked", "portfolio_item", "consents_current", "track_chosen"],
            clock: Some("screening_overdue after 3 business days (Monday to Friday, UTC)"),
            effects: &["event application.submitted", "mail to the developer"],
            ..TRANSITION
        },
        Transition {
            event: events::WITHDRAW,
            from: &["draft", "submitted", "screening", "changes_requested", "assessment_ready"],
            to: "withdrawn",
            who: &[Who::Developer],
            effects: &["timers cleared"],
            ..TRANSITION
        },
        Transition {
            event: events::CLAIM,
            from: &["submitted"],
            to: "screening",
            who: REVIEWER,
            guards: &["not_overturned"],
            clock: Some("lapse_claim after 24 hours"),
            effects: &["the reviewer is recorded"],
            ..TRANSITION
        },
        Transition {
            event: events::RELEASE,
            from: &["screening"],
            to: "submitted",
            who: REVIEWER,
            effects: &["the reviewer is cleared; its place in the queue stays"],
            ..TRANSITION
        },
        Transition {
            event: events::LAPSE_CLAIM,
            from: &["screening"],
            to: "submitted",
            who: &[Who::System],
            clock: Some("24 hours after the claim"),
            effects: &["the reviewer is cleared; its place in the queue stays"],
            ..TRANSITION
        },
        Transition {
            event: events::SCREENING_OVERDUE,
            from: &["submitted"],
            to: "submitted",
            who: &[Who::System],
            clock: Some("3 business days after submission"),
            effects: &["event and mail to the reviewers"],
            ..TRANSITION
        },
        Transition {
            event: events::SCREENING_OVERDUE,
            from: &["screening"],
            to: "screening",
            who: &[Who::System],
            clock: Some("3 business days after submission"),
            effects: &["event and mail to the reviewers"],
            ..TRANSITION
        },
        Transition {
            event: events::REQUEST_CHANGES,
            from: &["screening"],
            to: "changes_requested",
            who: REVIEWER,
            guards: BY_CLAIM,
            clock: Some("remind_changes after 23 days, expire after 30 days"),
            effects: &["decision with notes per field", "mail to the developer"],
            reason_required: true,
        },
        Transition {
            event: events::REMIND_CHANGES,
            from: &["changes_requested"],
            to: "changes_requested",
            who: &[Who::System],
            clock: Some("7 days before it expires"),
            effects: &["mail to the developer"],
            ..TRANSITION
        },
        Transition {
            event: events::PASS,
            from: &["screening"],
            to: "assessment_ready",
            who: REVIEWER,
            guards: BY_CLAIM,
            effects: &["decision", "mail to the developer"],
            ..TRANSITION
        },
        Transition {
            event: events::CONFIRM_FAST_LANE,
            from: &["submitted", "screening"],
            to: "assessment_ready",
            who: REVIEWER,
            guards: &["fast_lane_claimed", "not_claimed_by_another", "not_overturned"],
            effects: &[
                "decision",
                "skips the screening queue, never the assessment",
                "mail to the developer",
            ],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: events::DECLINE,
            from: &["screening"],
            to: "not_ready",
            who: REVIEWER,
            guards: BY_CLAIM,
            clock: Some("may apply again after 30 days, after a further decline 90 days"),
            effects: &[DECISION, "mail to the developer"],
            reason_required: true,
        },
        Transition {
            event: events::REJECT_INTEGRITY,
            from: &["screening"],
            to: "rejected_integrity",
            who: REVIEWER,
            guards: BY_CLAIM,
            effects: &[DECISION, "mail to the developer"],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: events::REJECT_INTEGRITY,
            from: &["assessment_ready", "assessed"],
            to: "rejected_integrity",
            who: REVIEWER,
            effects: &[DECISION, "mail to the developer"],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: events::ASSESS,
            from: &["assessment_ready"],
            to: "assessed",
            who: &[Who::System],
            effects: &["with the finalized assessment"],
            ..TRANSITION
        },
        Transition {
            event: events::APPROVE,
            from: &["assessed"],
            to: "approved",
            who: &[Who::System],
            clock: Some("the approval holds for 548 days (18 months)"),
            effects: &["with an assessment above the pass line", "approval"],
            ..TRANSITION
        },
        Transition {
            event: events::FALL_SHORT,
            from: &["assessed"],
            to: "not_ready",
            who: &[Who::System],
            clock: Some("may apply again after 30 days, after a further decline 90 days"),
            effects: &[
                "with an assessment below the pass line",
                "decision that is appealed at the assessment",
            ],
            ..TRANSITION
        },
        Transition {
            event: events::RAISE,
            from: &["not_ready"],
            to: "approved",
            who: &[Who::System],
            clock: Some("the approval holds for 548 days (18 months)"),
            effects: &[
                "an appeal raised the outcome of the assessment",
                "the decision is overturned",
                "approval",
            ],
            ..TRANSITION
        },
        Transition {
            event: events::REASSESS,
            from: &["assessed", "not_ready"],
            to: "assessment_ready",
            who: &[Who::System],
            effects: &["a redo of the assessment was granted; the decision after it combines both"],
            ..TRANSITION
        },
        Transition {
            event: events::OVERRIDE_APPROVAL,
            from: &["assessment_ready", "assessed"],
            to: "approved",
            who: &[Who::Staff(Permission::Admin)],
            guards: &["account_active"],
            clock: Some("the approval holds for 548 days (18 months)"),
            effects: &["approval", "decision", "audit entry", "mail to the developer"],
            reason_required: true,
        },
        Transition {
            event: events::REOPEN,
            from: &["not_ready", "rejected_integrity"],
            to: "submitted",
            who: &[Who::System],
            clock: Some("screening_overdue after 3 business days"),
            effects: &["an overturned decision sends it to another reviewer"],
            ..TRANSITION
        },
        Transition {
            event: events::EXPIRE,
            from: &["draft"],
            to: "expired",
            who: &[Who::System],
            clock: Some("90 days after the last edit"),
            effects: &["event application.expired"],
            ..TRANSITION
        },
        Transition {
            event: events::EXPIRE,
            from: &["changes_requested"],
            to: "expired",
            who: &[Who::System],
            clock: Some("30 days after the request for changes"),
            effects: &["event application.expired", "mail to the developer"],
            ..TRANSITION
        },
    ],
};

#[cfg(test)]
mod tests {
    use assay_platform::policy::Policy;

    use super::*;

    #[test]
    fn the_machine_is_sound_and_knows_the_states() {
        assert_eq!(APPLICATION.faults(), Vec::<String>::new());
        let named: Vec<&str> = APPLICATION.states.iter().map(|state| state.name).collect();
        let typed: Vec<&str> = ApplicationState::ALL.iter().map(|state| state.as_str()).collect();
        assert_eq!(named, typed);
    }

    #[test]
    fn the_machine_tells_the_numbers_of_the_policy() {
        let policy = Policy::shipped().unwrap().vetting;
        let clock = |event: &str, from: &str| {
            let row = APPLICATION.transitions.iter().find(|t| t.event == event && t.from.contains(&from));
            row.and_then(|row| row.clock).unwrap()
        };
        let days = |text: &str, days: i64| assert!(text.contains(&format!("{days} days")), "{text}: {days}");
        days(clock("expire", "draft"), policy.draft_idle_days);
        days(clock("expire", "changes_requested"), policy.changes_days);
        days(clock("remind_changes", "changes_requested"), policy.changes_notice_days);
        days(clock("request_changes", "screening"), policy.changes_days - policy.changes_notice_days);
        days(clock("decline", "screening"), policy.reapply_first_days);
        days(clock("decline", "screening"), policy.reapply_again_days);
        days(clock("override_approval", "assessed"), policy.approval_days);
        assert!(clock("claim", "submitted").contains(&format!("{} hours", policy.claim_hours)));
        let due = format!("{} business days", policy.screening_due_business_days);
        assert!(clock("submit", "draft").contains(&due));
        assert!(DECISION.contains(&format!("{} days", policy.appeal_days)));
    }

    #[test]
    fn nothing_but_an_assessment_or_an_override_approves() {
        for row in APPLICATION.transitions.iter().filter(|row| row.to == "approved") {
            let raised = row.event == events::RAISE && row.who == [Who::System];
            assert!(raised || row.from.iter().all(|from| matches!(*from, "assessment_ready" | "assessed")));
            assert!(!row.who.contains(&Who::Staff(Permission::Reviewer)));
        }
    }
}
