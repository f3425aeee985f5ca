//! Applications and their states.

use assay_kernel::process::{Guard, Machine, State, Transition, Who, row};
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
            clock: Some("expire 90 days after the last edit"),
            effects: &["a new version; ETag changes"],
            ..row(events::EDIT, &["draft"], "draft", &[Who::Developer])
        },
        Transition {
            effects: &["a new version; ETag changes"],
            ..row(events::EDIT, &["changes_requested"], "changes_requested", &[Who::Developer])
        },
        Transition {
            guards: &["github_linked", "portfolio_item", "consents_current", "track_chosen"],
            clock: Some("screening_overdue after 3 business days (Monday to Friday, UTC)"),
            effects: &["event application.submitted", "mail to the developer"],
            ..row(events::SUBMIT, &["draft", "changes_requested"], "submitted", &[Who::Developer])
        },
        Transition {
            effects: &["timers cleared"],
            ..row(
                events::WITHDRAW,
                &["draft", "submitted", "screening", "changes_requested", "assessment_ready"],
                "withdrawn",
                &[Who::Developer],
            )
        },
        Transition {
            guards: &["not_overturned"],
            clock: Some("lapse_claim after 24 hours"),
            effects: &["the reviewer is recorded"],
            ..row(events::CLAIM, &["submitted"], "screening", REVIEWER)
        },
        Transition {
            effects: &["the reviewer is cleared; its place in the queue stays"],
            ..row(events::RELEASE, &["screening"], "submitted", REVIEWER)
        },
        Transition {
            clock: Some("24 hours after the claim"),
            effects: &["the reviewer is cleared; its place in the queue stays"],
            ..row(events::LAPSE_CLAIM, &["screening"], "submitted", &[Who::System])
        },
        Transition {
            clock: Some("3 business days after submission"),
            effects: &["event and mail to the reviewers"],
            ..row(events::SCREENING_OVERDUE, &["submitted"], "submitted", &[Who::System])
        },
        Transition {
            clock: Some("3 business days after submission"),
            effects: &["event and mail to the reviewers"],
            ..row(events::SCREENING_OVERDUE, &["screening"], "screening", &[Who::System])
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
            clock: Some("7 days before it expires"),
            effects: &["mail to the developer"],
            ..row(events::REMIND_CHANGES, &["changes_requested"], "changes_requested", &[Who::System])
        },
        Transition {
            guards: BY_CLAIM,
            effects: &["decision", "mail to the developer"],
            ..row(events::PASS, &["screening"], "assessment_ready", REVIEWER)
        },
        Transition {
            guards: &["fast_lane_claimed", "not_claimed_by_another", "not_overturned"],
            effects: &[
                "decision",
                "skips the screening queue, never the assessment",
                "mail to the developer",
            ],
            reason_required: true,
            ..row(events::CONFIRM_FAST_LANE, &["submitted", "screening"], "assessment_ready", REVIEWER)
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
            guards: BY_CLAIM,
            effects: &[DECISION, "mail to the developer"],
            reason_required: true,
            ..row(events::REJECT_INTEGRITY, &["screening"], "rejected_integrity", REVIEWER)
        },
        Transition {
            effects: &[DECISION, "mail to the developer"],
            reason_required: true,
            ..row(events::REJECT_INTEGRITY, &["assessment_ready", "assessed"], "rejected_integrity", REVIEWER)
        },
        Transition {
            effects: &["with the finalized assessment"],
            ..row(events::ASSESS, &["assessment_ready"], "assessed", &[Who::System])
        },
        Transition {
            clock: Some("the approval holds for 548 days (18 months)"),
            effects: &["with an assessment above the pass line", "approval"],
            ..row(events::APPROVE, &["assessed"], "approved", &[Who::System])
        },
        Transition {
            clock: Some("may apply again after 30 days, after a further decline 90 days"),
            effects: &[
                "with an assessment below the pass line",
                "decision that is appealed at the assessment",
            ],
            ..row(events::FALL_SHORT, &["assessed"], "not_ready", &[Who::System])
        },
        Transition {
            clock: Some("the approval holds for 548 days (18 months)"),
            effects: &[
                "an appeal raised the outcome of the assessment",
                "the decision is overturned",
                "approval",
            ],
            ..row(events::RAISE, &["not_ready"], "approved", &[Who::System])
        },
        Transition {
            effects: &["a redo of the assessment was granted; the decision after it combines both"],
            ..row(events::REASSESS, &["assessed", "not_ready"], "assessment_ready", &[Who::System])
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
            clock: Some("screening_overdue after 3 business days"),
            effects: &["an overturned decision sends it to another reviewer"],
            ..row(events::REOPEN, &["not_ready", "rejected_integrity"], "submitted", &[Who::System])
        },
        Transition {
            clock: Some("90 days after the last edit"),
            effects: &["event application.expired"],
            ..row(events::EXPIRE, &["draft"], "expired", &[Who::System])
        },
        Transition {
            clock: Some("30 days after the request for changes"),
            effects: &["event application.expired", "mail to the developer"],
            ..row(events::EXPIRE, &["changes_requested"], "expired", &[Who::System])
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
