//! The table by which assessments change.

use assay_kernel::Permission;
use assay_kernel::process::{Guard, Machine, State, TRANSITION, Transition, Who};

use super::events;

const HOST: &[Who] = &[Who::Staff(Permission::Assessor)];
const REVIEWER: &[Who] = &[Who::Staff(Permission::Reviewer)];
const CANDIDATE: &[Who] = &[Who::Developer];
const SYSTEM: &[Who] = &[Who::System];

/// How assessments change.
pub const ASSESSMENT: Machine = Machine {
    name: "assessment",
    version: "2026-11-21",
    meaning: "A two-hour paired session of a candidate with an assessor, rated blind by two people, and its outcome.",
    initial: "requested",
    states: &[
        State { name: "requested", meaning: "Waits for a time: the candidate chooses a slot." },
        State { name: "booked", meaning: "Has a time, a lead and an observer." },
        State { name: "checked_in", meaning: "The candidate and the lead are there." },
        State { name: "in_progress", meaning: "The session is under way." },
        State { name: "in_review", meaning: "The session is over; two people rate it, each for themselves." },
        State { name: "agreed", meaning: "Both cards are in and agree; a reviewer decides." },
        State {
            name: "adjudication",
            meaning: "The cards are too far apart: a third person rates, then a reviewer decides.",
        },
        State { name: "finalized", meaning: "Decided; the candidate has, or is about to get, the feedback." },
        State {
            name: "appealed",
            meaning: "The candidate appeals; somebody who saw neither card rates anew.",
        },
        State {
            name: "re_reviewed",
            meaning: "The appeal's card is in; a reviewer raises or keeps the outcome.",
        },
        State { name: "candidate_no_show", meaning: "The candidate did not come." },
        State {
            name: "assessor_no_show",
            meaning: "The assessors did not come; counts against no candidate.",
        },
        State { name: "aborted_technical", meaning: "Broken off for technical reasons; done again freely." },
        State { name: "cancelled", meaning: "Given up before the session." },
        State { name: "voided_integrity", meaning: "Void for want of integrity." },
    ],
    guards: &[
        Guard { code: "hold_live", needs: "A hold of the candidate that has not run out." },
        Guard { code: "slots_gone", needs: "No start that could be offered." },
        Guard {
            code: "may_shadow",
            needs: "An assessor in training for the track, without a tie to the candidate.",
        },
        Guard { code: "in_good_time", needs: "At least 24 hours before the start." },
        Guard { code: "reschedules_left", needs: "At most 2 changes of time." },
        Guard { code: "not_begun", needs: "Before the start." },
        Guard { code: "near_start", needs: "From 30 minutes before the start until 15 minutes after it." },
        Guard { code: "hosts_it", needs: "The lead or the observer of the session." },
        Guard { code: "leads_it", needs: "The lead of the session." },
        Guard { code: "cards_in", needs: "Every card that is asked for has been submitted." },
        Guard { code: "no_conflict", needs: "A reviewer without a tie to the candidate, who did not rate." },
        Guard { code: "no_concern", needs: "No concern about integrity that waits for a decision." },
        Guard { code: "redo_left", needs: "At most 1 granted redo on an application." },
        Guard { code: "appeal_open", needs: "Within 14 days of the outcome, once." },
        Guard { code: "another_decided", needs: "A reviewer who did not make the decision." },
        Guard { code: "card_overdue", needs: "A card that is late, or for which nobody was found." },
    ],
    transitions: &[
        Transition {
            event: events::HOLD,
            from: &["requested"],
            to: "requested",
            who: CANDIDATE,
            clock: Some("for 10 minutes"),
            effects: &["an earlier hold is given back"],
            ..TRANSITION
        },
        Transition {
            event: events::RELEASE,
            from: &["requested"],
            to: "requested",
            who: CANDIDATE,
            guards: &["hold_live"],
            effects: &["the start is free for others"],
            ..TRANSITION
        },
        Transition {
            event: events::EXPIRE_HOLD,
            from: &["requested"],
            to: "requested",
            who: SYSTEM,
            clock: Some("10 minutes after the hold"),
            effects: &["the start is free for others"],
            ..TRANSITION
        },
        Transition {
            event: events::WAIT,
            from: &["requested"],
            to: "requested",
            who: CANDIDATE,
            guards: &["slots_gone"],
            effects: &["a place on the waiting list", "event assessment.waiting", "mail to the reviewers"],
            ..TRANSITION
        },
        Transition {
            event: events::LOOK_FOR_SLOTS,
            from: &["requested"],
            to: "requested",
            who: SYSTEM,
            clock: Some("hourly while it waits, and whenever time becomes free"),
            effects: &["mail to those who wait, in their order"],
            ..TRANSITION
        },
        Transition {
            event: events::BOOK,
            from: &["requested"],
            to: "booked",
            who: CANDIDATE,
            guards: &["hold_live"],
            clock: Some("remind 24 hours and 1 hour before the start"),
            effects: &["event assessment.booked", "invitations to all by mail"],
            ..TRANSITION
        },
        Transition {
            event: events::RESCHEDULE,
            from: &["booked"],
            to: "booked",
            who: CANDIDATE,
            guards: &["in_good_time", "reschedules_left"],
            effects: &["event assessment.rescheduled", "new invitations to all by mail", "clocks set anew"],
            ..TRANSITION
        },
        Transition {
            event: events::REASSIGN,
            from: &["booked"],
            to: "booked",
            who: REVIEWER,
            guards: &["not_begun"],
            effects: &["event assessment.reassigned", "new invitations by mail", "audit entry"],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: events::SHADOW,
            from: &["booked"],
            to: "booked",
            who: HOST,
            guards: &["not_begun", "may_shadow"],
            effects: &["an observer in training, who does not rate", "event assessment.shadowed"],
            ..TRANSITION
        },
        Transition {
            event: events::CANCEL,
            from: &["requested"],
            to: "cancelled",
            who: CANDIDATE,
            effects: &["event assessment.cancelled"],
            ..TRANSITION
        },
        Transition {
            event: events::CANCEL,
            from: &["booked"],
            to: "cancelled",
            who: CANDIDATE,
            guards: &["not_begun"],
            effects: &["event assessment.cancelled", "cancellations to all by mail"],
            ..TRANSITION
        },
        Transition {
            event: events::REMIND,
            from: &["booked"],
            to: "booked",
            who: SYSTEM,
            clock: Some("24 hours and 1 hour before the start"),
            effects: &["mail to all"],
            ..TRANSITION
        },
        Transition {
            event: events::CHECK_IN,
            from: &["booked"],
            to: "booked",
            who: &[Who::Developer, Who::Staff(Permission::Assessor)],
            guards: &["near_start"],
            effects: &["recorded in the chain of identity"],
            ..TRANSITION
        },
        Transition {
            event: events::CHECK_IN,
            from: &["checked_in"],
            to: "checked_in",
            who: HOST,
            guards: &["near_start"],
            effects: &["an observer comes later", "recorded in the chain of identity"],
            ..TRANSITION
        },
        Transition {
            event: events::ADMIT,
            from: &["booked"],
            to: "checked_in",
            who: SYSTEM,
            effects: &["when candidate and lead have checked in"],
            ..TRANSITION
        },
        Transition {
            event: events::WARN_ABSENCE,
            from: &["booked"],
            to: "booked",
            who: SYSTEM,
            clock: Some("at the start and 10 minutes after it"),
            effects: &["mail to who is missing"],
            ..TRANSITION
        },
        Transition {
            event: events::CANDIDATE_NO_SHOW,
            from: &["booked"],
            to: "candidate_no_show",
            who: SYSTEM,
            clock: Some("15 minutes after the start"),
            effects: &[
                "the candidate may book again after 7 days, after a further no-show 30 days",
                "mail to all",
            ],
            ..TRANSITION
        },
        Transition {
            event: events::ASSESSOR_NO_SHOW,
            from: &["booked"],
            to: "assessor_no_show",
            who: SYSTEM,
            clock: Some("15 minutes after the start"),
            effects: &["a new assessment with priority", "mail to the candidate and to staff"],
            ..TRANSITION
        },
        Transition {
            event: events::START,
            from: &["checked_in"],
            to: "in_progress",
            who: HOST,
            guards: &["leads_it"],
            effects: &["event assessment.started"],
            ..TRANSITION
        },
        Transition {
            event: events::ABORT,
            from: &["checked_in", "in_progress"],
            to: "aborted_technical",
            who: &[Who::Staff(Permission::Assessor), Who::System],
            guards: &["hosts_it"],
            clock: Some("by itself 30 minutes after the booked end, when it never began"),
            effects: &["a new assessment, free", "mail to the candidate"],
            reason_required: true,
        },
        Transition {
            event: events::END,
            from: &["in_progress"],
            to: "in_review",
            who: &[Who::Staff(Permission::Assessor), Who::System],
            guards: &["leads_it"],
            clock: Some("by itself 30 minutes after the booked end; cards due 24 hours after the session"),
            effects: &["two cards are opened", "mail to the raters"],
            ..TRANSITION
        },
        Transition {
            event: events::REMIND_RATERS,
            from: &["in_review"],
            to: "in_review",
            who: SYSTEM,
            clock: Some("4 hours and 20 hours after the card was opened"),
            effects: &["mail to raters whose card is missing"],
            ..TRANSITION
        },
        Transition {
            event: events::RATING_OVERDUE,
            from: &["in_review"],
            to: "in_review",
            who: SYSTEM,
            clock: Some("24 hours after the card was opened"),
            effects: &["event and mail to the reviewers"],
            ..TRANSITION
        },
        Transition {
            event: events::APPOINT_RATER,
            from: &["in_review"],
            to: "in_review",
            who: REVIEWER,
            guards: &["card_overdue"],
            effects: &["somebody else rates from the record", "audit entry"],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: events::REMIND_RATERS,
            from: &["adjudication"],
            to: "adjudication",
            who: SYSTEM,
            clock: Some("4 hours and 20 hours after the card was opened"),
            effects: &["mail to raters whose card is missing"],
            ..TRANSITION
        },
        Transition {
            event: events::RATING_OVERDUE,
            from: &["adjudication"],
            to: "adjudication",
            who: SYSTEM,
            clock: Some("24 hours after the card was opened"),
            effects: &["event and mail to the reviewers"],
            ..TRANSITION
        },
        Transition {
            event: events::APPOINT_RATER,
            from: &["adjudication"],
            to: "adjudication",
            who: REVIEWER,
            guards: &["card_overdue"],
            effects: &["somebody else rates from the record", "audit entry"],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: events::REMIND_RATERS,
            from: &["appealed"],
            to: "appealed",
            who: SYSTEM,
            clock: Some("4 hours and 20 hours after the card was opened"),
            effects: &["mail to raters whose card is missing"],
            ..TRANSITION
        },
        Transition {
            event: events::RATING_OVERDUE,
            from: &["appealed"],
            to: "appealed",
            who: SYSTEM,
            clock: Some("24 hours after the card was opened"),
            effects: &["event and mail to the reviewers"],
            ..TRANSITION
        },
        Transition {
            event: events::APPOINT_RATER,
            from: &["appealed"],
            to: "appealed",
            who: REVIEWER,
            guards: &["card_overdue"],
            effects: &["somebody else rates from the record", "audit entry"],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: events::AGREE,
            from: &["in_review"],
            to: "agreed",
            who: SYSTEM,
            effects: &["with the second card", "event to the reviewers"],
            ..TRANSITION
        },
        Transition {
            event: events::DISAGREE,
            from: &["in_review"],
            to: "adjudication",
            who: SYSTEM,
            effects: &[
                "2 levels apart on a criterion, recommendations on both sides of the pass line, no decision on one, or a \
                 score that may be on either side of the pass line",
                "a third rater is chosen",
            ],
            ..TRANSITION
        },
        Transition {
            event: events::FEEDBACK_OVERDUE,
            from: &["agreed"],
            to: "agreed",
            who: SYSTEM,
            clock: Some("48 hours after the last card"),
            effects: &["event and mail to the reviewers"],
            ..TRANSITION
        },
        Transition {
            event: events::FEEDBACK_OVERDUE,
            from: &["adjudication"],
            to: "adjudication",
            who: SYSTEM,
            clock: Some("48 hours after the last card"),
            effects: &["event and mail to the reviewers"],
            ..TRANSITION
        },
        Transition {
            event: events::FINALIZE,
            from: &["agreed", "adjudication"],
            to: "finalized",
            who: REVIEWER,
            guards: &["cards_in", "no_conflict", "no_concern"],
            clock: Some("published at once, or 48 hours later"),
            effects: &["the application is assessed", "audit entry"],
            reason_required: true,
        },
        Transition {
            event: events::PUBLISH,
            from: &["finalized"],
            to: "finalized",
            who: SYSTEM,
            clock: Some("48 hours after the decision at the latest"),
            effects: &[
                "the application is approved or declined with it",
                "event assessment.finalized",
                "mail with the feedback to the candidate",
            ],
            ..TRANSITION
        },
        Transition {
            event: events::GRANT_REDO,
            from: &["agreed", "adjudication", "finalized"],
            to: "finalized",
            who: REVIEWER,
            guards: &["cards_in", "no_conflict", "no_concern", "redo_left"],
            effects: &[
                "a new assessment with another task family; the decision after it combines both",
                "audit entry",
            ],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: events::APPEAL,
            from: &["finalized"],
            to: "appealed",
            who: CANDIDATE,
            guards: &["appeal_open"],
            clock: Some("answered in 10 days"),
            effects: &["somebody who saw no card is asked to rate anew", "mail to the candidate"],
            ..TRANSITION
        },
        Transition {
            event: events::RE_REVIEW,
            from: &["appealed"],
            to: "re_reviewed",
            who: SYSTEM,
            effects: &["with the appeal's card", "event to the reviewers"],
            ..TRANSITION
        },
        Transition {
            event: events::ANSWER_APPEAL,
            from: &["re_reviewed"],
            to: "finalized",
            who: REVIEWER,
            guards: &["no_conflict", "another_decided"],
            effects: &[
                "the outcome is raised or kept, never lowered; raised, the application is approved",
                "mail to the candidate",
                "audit entry",
            ],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: events::APPEAL_OVERDUE,
            from: &["appealed"],
            to: "appealed",
            who: SYSTEM,
            clock: Some("10 days after the appeal"),
            effects: &["event and mail to the reviewers"],
            ..TRANSITION
        },
        Transition {
            event: events::APPEAL_OVERDUE,
            from: &["re_reviewed"],
            to: "re_reviewed",
            who: SYSTEM,
            clock: Some("10 days after the appeal"),
            effects: &["event and mail to the reviewers"],
            ..TRANSITION
        },
        Transition {
            event: events::VOID,
            from: &["in_progress", "in_review", "agreed", "adjudication"],
            to: "voided_integrity",
            who: REVIEWER,
            guards: &["no_conflict"],
            effects: &[
                "by upholding a concern about integrity",
                "the application is rejected for want of integrity",
                "mail to the candidate",
            ],
            reason_required: true,
            ..TRANSITION
        },
    ],
};
