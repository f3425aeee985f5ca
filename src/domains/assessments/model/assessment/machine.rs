//! The table by which assessments change.

use assay_kernel::Permission;
use assay_kernel::process::{Guard, Machine, State, Transition, Who, row};

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
            clock: Some("for 10 minutes"),
            effects: &["an earlier hold is given back"],
            ..row(events::HOLD, &["requested"], "requested", CANDIDATE)
        },
        Transition {
            guards: &["hold_live"],
            effects: &["the start is free for others"],
            ..row(events::RELEASE, &["requested"], "requested", CANDIDATE)
        },
        Transition {
            clock: Some("10 minutes after the hold"),
            effects: &["the start is free for others"],
            ..row(events::EXPIRE_HOLD, &["requested"], "requested", SYSTEM)
        },
        Transition {
            guards: &["slots_gone"],
            effects: &["a place on the waiting list", "event assessment.waiting", "mail to the reviewers"],
            ..row(events::WAIT, &["requested"], "requested", CANDIDATE)
        },
        Transition {
            clock: Some("hourly while it waits, and whenever time becomes free"),
            effects: &["mail to those who wait, in their order"],
            ..row(events::LOOK_FOR_SLOTS, &["requested"], "requested", SYSTEM)
        },
        Transition {
            guards: &["hold_live"],
            clock: Some("remind 24 hours and 1 hour before the start"),
            effects: &["event assessment.booked", "invitations to all by mail"],
            ..row(events::BOOK, &["requested"], "booked", CANDIDATE)
        },
        Transition {
            guards: &["in_good_time", "reschedules_left"],
            effects: &["event assessment.rescheduled", "new invitations to all by mail", "clocks set anew"],
            ..row(events::RESCHEDULE, &["booked"], "booked", CANDIDATE)
        },
        Transition {
            guards: &["not_begun"],
            effects: &["event assessment.reassigned", "new invitations by mail", "audit entry"],
            reason_required: true,
            ..row(events::REASSIGN, &["booked"], "booked", REVIEWER)
        },
        Transition {
            guards: &["not_begun", "may_shadow"],
            effects: &["an observer in training, who does not rate", "event assessment.shadowed"],
            ..row(events::SHADOW, &["booked"], "booked", HOST)
        },
        Transition {
            effects: &["event assessment.cancelled"],
            ..row(events::CANCEL, &["requested"], "cancelled", CANDIDATE)
        },
        Transition {
            guards: &["not_begun"],
            effects: &["event assessment.cancelled", "cancellations to all by mail"],
            ..row(events::CANCEL, &["booked"], "cancelled", CANDIDATE)
        },
        Transition {
            clock: Some("24 hours and 1 hour before the start"),
            effects: &["mail to all"],
            ..row(events::REMIND, &["booked"], "booked", SYSTEM)
        },
        Transition {
            guards: &["near_start"],
            effects: &["recorded in the chain of identity"],
            ..row(
                events::CHECK_IN,
                &["booked"],
                "booked",
                &[Who::Developer, Who::Staff(Permission::Assessor)],
            )
        },
        Transition {
            guards: &["near_start"],
            effects: &["an observer comes later", "recorded in the chain of identity"],
            ..row(events::CHECK_IN, &["checked_in"], "checked_in", HOST)
        },
        Transition {
            effects: &["when candidate and lead have checked in"],
            ..row(events::ADMIT, &["booked"], "checked_in", SYSTEM)
        },
        Transition {
            clock: Some("at the start and 10 minutes after it"),
            effects: &["mail to who is missing"],
            ..row(events::WARN_ABSENCE, &["booked"], "booked", SYSTEM)
        },
        Transition {
            clock: Some("15 minutes after the start"),
            effects: &[
                "the candidate may book again after 7 days, after a further no-show 30 days",
                "mail to all",
            ],
            ..row(events::CANDIDATE_NO_SHOW, &["booked"], "candidate_no_show", SYSTEM)
        },
        Transition {
            clock: Some("15 minutes after the start"),
            effects: &["a new assessment with priority", "mail to the candidate and to staff"],
            ..row(events::ASSESSOR_NO_SHOW, &["booked"], "assessor_no_show", SYSTEM)
        },
        Transition {
            guards: &["leads_it"],
            effects: &["event assessment.started"],
            ..row(events::START, &["checked_in"], "in_progress", HOST)
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
            guards: &["leads_it"],
            clock: Some("by itself 30 minutes after the booked end; cards due 24 hours after the session"),
            effects: &["two cards are opened", "mail to the raters"],
            ..row(
                events::END,
                &["in_progress"],
                "in_review",
                &[Who::Staff(Permission::Assessor), Who::System],
            )
        },
        Transition {
            clock: Some("4 hours and 20 hours after the card was opened"),
            effects: &["mail to raters whose card is missing"],
            ..row(events::REMIND_RATERS, &["in_review"], "in_review", SYSTEM)
        },
        Transition {
            clock: Some("24 hours after the card was opened"),
            effects: &["event and mail to the reviewers"],
            ..row(events::RATING_OVERDUE, &["in_review"], "in_review", SYSTEM)
        },
        Transition {
            guards: &["card_overdue"],
            effects: &["somebody else rates from the record", "audit entry"],
            reason_required: true,
            ..row(events::APPOINT_RATER, &["in_review"], "in_review", REVIEWER)
        },
        Transition {
            clock: Some("4 hours and 20 hours after the card was opened"),
            effects: &["mail to raters whose card is missing"],
            ..row(events::REMIND_RATERS, &["adjudication"], "adjudication", SYSTEM)
        },
        Transition {
            clock: Some("24 hours after the card was opened"),
            effects: &["event and mail to the reviewers"],
            ..row(events::RATING_OVERDUE, &["adjudication"], "adjudication", SYSTEM)
        },
        Transition {
            guards: &["card_overdue"],
            effects: &["somebody else rates from the record", "audit entry"],
            reason_required: true,
            ..row(events::APPOINT_RATER, &["adjudication"], "adjudication", REVIEWER)
        },
        Transition {
            clock: Some("4 hours and 20 hours after the card was opened"),
            effects: &["mail to raters whose card is missing"],
            ..row(events::REMIND_RATERS, &["appealed"], "appealed", SYSTEM)
        },
        Transition {
            clock: Some("24 hours after the card was opened"),
            effects: &["event and mail to the reviewers"],
            ..row(events::RATING_OVERDUE, &["appealed"], "appealed", SYSTEM)
        },
        Transition {
            guards: &["card_overdue"],
            effects: &["somebody else rates from the record", "audit entry"],
            reason_required: true,
            ..row(events::APPOINT_RATER, &["appealed"], "appealed", REVIEWER)
        },
        Transition {
            effects: &["with the second card", "event to the reviewers"],
            ..row(events::AGREE, &["in_review"], "agreed", SYSTEM)
        },
        Transition {
            effects: &[
                "2 levels apart on a criterion, recommendations on both sides of the pass line, no decision on one, or a \
                 score that may be on either side of the pass line",
                "a third rater is chosen",
            ],
            ..row(events::DISAGREE, &["in_review"], "adjudication", SYSTEM)
        },
        Transition {
            clock: Some("48 hours after the last card"),
            effects: &["event and mail to the reviewers"],
            ..row(events::FEEDBACK_OVERDUE, &["agreed"], "agreed", SYSTEM)
        },
        Transition {
            clock: Some("48 hours after the last card"),
            effects: &["event and mail to the reviewers"],
            ..row(events::FEEDBACK_OVERDUE, &["adjudication"], "adjudication", SYSTEM)
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
            clock: Some("48 hours after the decision at the latest"),
            effects: &[
                "the application is approved or declined with it",
                "event assessment.finalized",
                "mail with the feedback to the candidate",
            ],
            ..row(events::PUBLISH, &["finalized"], "finalized", SYSTEM)
        },
        Transition {
            guards: &["cards_in", "no_conflict", "no_concern", "redo_left"],
            effects: &[
                "a new assessment with another task family; the decision after it combines both",
                "audit entry",
            ],
            reason_required: true,
            ..row(events::GRANT_REDO, &["agreed", "adjudication", "finalized"], "finalized", REVIEWER)
        },
        Transition {
            guards: &["appeal_open"],
            clock: Some("answered in 10 days"),
            effects: &["somebody who saw no card is asked to rate anew", "mail to the candidate"],
            ..row(events::APPEAL, &["finalized"], "appealed", CANDIDATE)
        },
        Transition {
            effects: &["with the appeal's card", "event to the reviewers"],
            ..row(events::RE_REVIEW, &["appealed"], "re_reviewed", SYSTEM)
        },
        Transition {
            guards: &["no_conflict", "another_decided"],
            effects: &[
                "the outcome is raised or kept, never lowered; raised, the application is approved",
                "mail to the candidate",
                "audit entry",
            ],
            reason_required: true,
            ..row(events::ANSWER_APPEAL, &["re_reviewed"], "finalized", REVIEWER)
        },
        Transition {
            clock: Some("10 days after the appeal"),
            effects: &["event and mail to the reviewers"],
            ..row(events::APPEAL_OVERDUE, &["appealed"], "appealed", SYSTEM)
        },
        Transition {
            clock: Some("10 days after the appeal"),
            effects: &["event and mail to the reviewers"],
            ..row(events::APPEAL_OVERDUE, &["re_reviewed"], "re_reviewed", SYSTEM)
        },
        Transition {
            guards: &["no_conflict"],
            effects: &[
                "by upholding a concern about integrity",
                "the application is rejected for want of integrity",
                "mail to the candidate",
            ],
            reason_required: true,
            ..row(
                events::VOID,
                &["in_progress", "in_review", "agreed", "adjudication"],
                "voided_integrity",
                REVIEWER,
            )
        },
    ],
};
