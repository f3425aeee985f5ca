//! Assessments and their states.

mod machine;

use assay_kernel::string_enum;

pub use machine::ASSESSMENT;

string_enum! {
    /// Where an assessment stands.
    pub enum AssessmentState {
        /// Waits for a time.
        Requested = "requested",
        /// Has a time and people.
        Booked = "booked",
        /// Candidate and lead are there.
        CheckedIn = "checked_in",
        /// The session is under way.
        InProgress = "in_progress",
        /// The session is over; two people rate it, each for themselves.
        InReview = "in_review",
        /// Both cards are in and agree.
        Agreed = "agreed",
        /// The cards are too far apart: a third person rates.
        Adjudication = "adjudication",
        /// Decided.
        Finalized = "finalized",
        /// The candidate appeals against the outcome.
        Appealed = "appealed",
        /// The appeal's rater has rated.
        ReReviewed = "re_reviewed",
        /// The candidate did not come.
        CandidateNoShow = "candidate_no_show",
        /// The assessors did not come.
        AssessorNoShow = "assessor_no_show",
        /// Broken off for technical reasons.
        AbortedTechnical = "aborted_technical",
        /// Given up before the session.
        Cancelled = "cancelled",
        /// Void for want of integrity.
        VoidedIntegrity = "voided_integrity",
    }
}

string_enum! {
    /// Where a booking stands.
    pub enum BookingState {
        /// Held for the candidate for some minutes.
        Held = "held",
        /// The assessment's time.
        Confirmed = "confirmed",
        /// The session took place.
        Completed = "completed",
        /// A side did not come.
        NoShow = "no_show",
        /// Given up for another time.
        Rescheduled = "rescheduled",
        /// Cancelled in good time.
        CancelledEarly = "cancelled_early",
        /// Cancelled late.
        CancelledLate = "cancelled_late",
        /// A hold that was given back.
        Released = "released",
        /// A hold that ran out.
        Expired = "expired",
    }
}

impl BookingState {
    /// Does it count as work of those who were assigned (A2)? What was given up in good time does not.
    pub fn is_load(self) -> bool {
        !matches!(self, Self::CancelledEarly | Self::Expired | Self::Released | Self::Rescheduled)
    }
}

string_enum! {
    /// What somebody of the staff does in a session.
    pub enum HostRole {
        /// Pairs with the candidate, and rates.
        Lead = "lead",
        /// Watches, and rates.
        Observer = "observer",
        /// Watches to learn; does not rate.
        Shadow = "shadow",
    }
}

string_enum! {
    /// Why an assessment follows another of the same application.
    pub enum RedoReason {
        /// The session was broken off for technical reasons.
        Technical = "technical",
        /// The assessors did not come.
        AssessorNoShow = "assessor_no_show",
        /// The candidate did not come, and may book again after a time.
        CandidateNoShow = "candidate_no_show",
        /// A reviewer granted it.
        Granted = "granted",
        /// The candidate had given the session up.
        Cancelled = "cancelled",
    }
}

/// Names of the machine's events and of its timers.
pub mod events {
    #![allow(missing_docs, dead_code)] // the names of timers that are set elsewhere, too
    pub const HOLD: &str = "hold";
    pub const RELEASE: &str = "release";
    pub const EXPIRE_HOLD: &str = "expire_hold";
    pub const WAIT: &str = "wait";
    pub const LOOK_FOR_SLOTS: &str = "look_for_slots";
    pub const SHADOW: &str = "shadow";
    pub const BOOK: &str = "book";
    pub const RESCHEDULE: &str = "reschedule";
    pub const REASSIGN: &str = "reassign";
    pub const CANCEL: &str = "cancel";
    pub const REMIND: &str = "remind";
    pub const CHECK_IN: &str = "check_in";
    pub const ADMIT: &str = "admit";
    pub const WARN_ABSENCE: &str = "warn_absence";
    pub const CLOSE_ABSENCE: &str = "close_absence";
    pub const CANDIDATE_NO_SHOW: &str = "candidate_no_show";
    pub const ASSESSOR_NO_SHOW: &str = "assessor_no_show";
    pub const START: &str = "start";
    pub const ABORT: &str = "abort";
    pub const END: &str = "end";
    pub const REMIND_RATERS: &str = "remind_raters";
    pub const RATING_OVERDUE: &str = "rating_overdue";
    pub const APPOINT_RATER: &str = "appoint_rater";
    pub const AGREE: &str = "agree";
    pub const DISAGREE: &str = "disagree";
    pub const FINALIZE: &str = "finalize";
    pub const GRANT_REDO: &str = "grant_redo";
    pub const PUBLISH: &str = "publish";
    pub const APPEAL: &str = "appeal";
    pub const RE_REVIEW: &str = "re_review";
    pub const ANSWER_APPEAL: &str = "answer_appeal";
    pub const APPEAL_OVERDUE: &str = "appeal_overdue";
    pub const FEEDBACK_OVERDUE: &str = "feedback_overdue";
    pub const VOID: &str = "void";
}

#[cfg(test)]
mod tests {
    use assay_platform::policy::Policy;

    use super::*;

    #[test]
    fn the_rating_tells_the_numbers_of_the_policy() {
        let policy = Policy::shipped().unwrap().assessments.default;
        let told = |event: &str| {
            let rows = ASSESSMENT.transitions.iter().filter(|row| row.event == event);
            rows.filter_map(|row| row.clock).collect::<Vec<_>>()
        };
        let all = |event: &str, number: &str| {
            let clocks = told(event);
            assert!(
                !clocks.is_empty() && clocks.iter().all(|clock| clock.contains(number)),
                "{event}: {clocks:?}"
            );
        };
        for hours in &policy.rating_reminder_hours {
            all(events::REMIND_RATERS, &format!("{hours} hours"));
        }
        all(events::RATING_OVERDUE, &format!("{} hours", policy.rating_due_hours));
        for event in [events::FINALIZE, events::PUBLISH, events::FEEDBACK_OVERDUE] {
            all(event, &format!("{} hours", policy.feedback_hours));
        }
        for event in [events::APPEAL, events::APPEAL_OVERDUE] {
            all(event, &format!("{} days", policy.appeal_answer_days));
        }
        let needs = |code: &str| ASSESSMENT.guards.iter().find(|guard| guard.code == code).unwrap().needs;
        assert!(needs("appeal_open").contains(&format!("{} days", policy.appeal_days)));
        assert!(needs("redo_left").contains(&format!("{} granted redo", policy.max_redos)));
    }

    #[test]
    fn the_machine_is_sound() {
        assert_eq!(ASSESSMENT.faults(), Vec::<String>::new());
        let named: Vec<&str> = ASSESSMENT.states.iter().map(|state| state.name).collect();
        let typed: Vec<&str> = AssessmentState::ALL.iter().map(|state| state.as_str()).collect();
        assert_eq!(named, typed);
    }
}
