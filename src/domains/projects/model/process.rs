//! The process tables of projects, bids and invitations.

use assay_kernel::process::{Guard, Machine, State, TRANSITION, Transition, Who};
use assay_kernel::{Permission, string_enum};

string_enum! {
    /// Where a project stands.
    pub enum ProjectState {
        /// Being written by the client.
        Draft = "draft",
        /// Waiting for a curator.
        Submitted = "submitted",
        /// A curator is reading it.
        InCuration = "in_curation",
        /// The curator asked for changes.
        ChangesRequested = "changes_requested",
        /// Open to bids.
        Listed = "listed",
        /// Open to bids, and the client has a short list.
        Shortlisting = "shortlisting",
        /// A developer has accepted the client's offer.
        Awarded = "awarded",
        /// Under a contract.
        InContract = "in_contract",
        /// The contract was fulfilled.
        Completed = "completed",
        /// The contract was ended before its end.
        Ended = "ended",
        /// Refused by curation.
        Rejected = "rejected",
        /// Hidden from the listing for now.
        Paused = "paused",
        /// The listing ran out.
        Expired = "expired",
        /// Taken back by the client.
        Withdrawn = "withdrawn",
        /// Taken down by staff.
        Removed = "removed",
    }
}

string_enum! {
    /// Where an invitation to bid stands.
    pub enum InvitationState {
        /// Sent.
        Sent = "sent",
        /// Seen by the developer.
        Viewed = "viewed",
        /// The developer means to bid.
        Accepted = "accepted",
        /// The developer does not.
        Declined = "declined",
        /// Unanswered in time.
        Expired = "expired",
    }
}

/// Names of the project machine's events.
pub mod project_events {
    #![allow(missing_docs)]
    pub const EDIT: &str = "edit";
    pub const SUBMIT: &str = "submit";
    pub const CLAIM: &str = "claim";
    pub const RELEASE: &str = "release";
    pub const REQUEST_CHANGES: &str = "request_changes";
    pub const LIST: &str = "list";
    pub const REJECT: &str = "reject";
    pub const REMOVE: &str = "remove";
    pub const REOPEN: &str = "reopen";
    pub const WITHDRAW: &str = "withdraw";
    pub const SHORTLIST: &str = "shortlist";
    pub const AWARD: &str = "award";
    pub const CONTRACT: &str = "contract";
    pub const REVERT: &str = "revert";
    pub const COMPLETE: &str = "complete";
    pub const END: &str = "end";
    pub const PAUSE: &str = "pause";
    pub const RESUME: &str = "resume";
    pub const RELIST: &str = "relist";
    pub const EXPIRE: &str = "expire";
    pub const WARN_EXPIRY: &str = "warn_expiry";
    pub const CURATION_OVERDUE: &str = "curation_overdue";
    pub const IDLE_PAUSE: &str = "idle_pause";
    pub const INVITE: &str = "invite";
}

/// Names of the bid machine's events.
pub mod bid_events {
    #![allow(missing_docs)]
    pub const REVISE: &str = "revise";
    pub const SUBMIT: &str = "submit";
    pub const JOIN_WAITLIST: &str = "join_waitlist";
    pub const PROMOTE: &str = "promote";
    pub const SHORTLIST: &str = "shortlist";
    pub const UNSHORTLIST: &str = "unshortlist";
    pub const DECLINE: &str = "decline";
    pub const OFFER: &str = "offer";
    pub const COUNTER: &str = "counter";
    pub const ACCEPT_OFFER: &str = "accept_offer";
    pub const DECLINE_OFFER: &str = "decline_offer";
    pub const RESCIND_OFFER: &str = "rescind_offer";
    pub const EXPIRE_OFFER: &str = "expire_offer";
    pub const WITHDRAW: &str = "withdraw";
    pub const CONTRACT: &str = "contract";
    pub const REVERT: &str = "revert";
}

/// Names of the invitation machine's events.
pub mod invitation_events {
    #![allow(missing_docs)]
    pub const VIEW: &str = "view";
    pub const ACCEPT: &str = "accept";
    pub const DECLINE: &str = "decline";
    pub const EXPIRE: &str = "expire";
}

const CURATOR: &[Who] = &[Who::Staff(Permission::Curator)];
const SUBMIT_GUARDS: &[&str] = &[
    "budget_in_range",
    "milestones_complete",
    "milestones_sum",
    "skills_named",
    "effort_stated",
    "floor_met",
    "dates_plausible",
    "outcome_stated",
];

/// What listing asks of the client beside what submission asks of the project: the client can see to it while curation
/// reads.
pub const BEFORE_LISTING: &[&str] = &["client_verified", "payment_method_verified"];

/// Projects.
pub const PROJECT: Machine = Machine {
    name: "project",
    version: "2026-11-21",
    meaning: "A client's scoped project, from draft to the end of its contract.",
    initial: "draft",
    states: &[
        State { name: "draft", meaning: "Being written; only the client's organisation sees it." },
        State { name: "submitted", meaning: "Waiting for a curator, who answers in one business day." },
        State { name: "in_curation", meaning: "Claimed by a curator." },
        State { name: "changes_requested", meaning: "The curator asked for changes, with notes per field." },
        State { name: "listed", meaning: "Public and open to bids." },
        State { name: "shortlisting", meaning: "Public and open to bids; the client has a short list." },
        State { name: "awarded", meaning: "A developer has accepted the offer; other bids are closed." },
        State { name: "in_contract", meaning: "The contract is drawn up; it has its own process." },
        State { name: "completed", meaning: "Every milestone of the contract is decided." },
        State { name: "ended", meaning: "The contract was terminated before its end." },
        State { name: "rejected", meaning: "Refused by curation, with a reason; can be appealed." },
        State { name: "paused", meaning: "Hidden from the listing; bids wait." },
        State { name: "expired", meaning: "The listing ran out; bids are closed." },
        State { name: "withdrawn", meaning: "Taken back by the client; bids are closed." },
        State { name: "removed", meaning: "Taken down by staff, with a reason; can be appealed." },
    ],
    guards: &[
        Guard {
            code: "budget_in_range",
            needs: "A budget between $5,000 and $50,000, converted at the dated rate.",
        },
        Guard {
            code: "milestones_complete",
            needs: "At least one milestone; each has at least one deliverable, every deliverable a weight and an acceptance check, and the weights of a milestone sum to 10,000 basis points.",
        },
        Guard { code: "milestones_sum", needs: "The milestones' amounts sum to the budget." },
        Guard { code: "skills_named", needs: "At least one skill of the taxonomy that is a must." },
        Guard { code: "effort_stated", needs: "The effort in hours." },
        Guard {
            code: "floor_met",
            needs: "Budget divided by effort is not below the floor of the skills asked.",
        },
        Guard {
            code: "dates_plausible",
            needs: "A start that is not in the past, and a duration in which the effort fits.",
        },
        Guard { code: "outcome_stated", needs: "The outcome the client wants, in a sentence or more." },
        Guard { code: "client_verified", needs: "The client's organisation is verified by staff." },
        Guard {
            code: "payment_method_verified",
            needs: "The client's organisation has a payment method that can be paid with.",
        },
        Guard { code: "claimed_by_caller", needs: "The curator who claimed the project." },
        Guard { code: "within_period", needs: "The listing's period is not over." },
    ],
    transitions: &[
        Transition {
            event: "edit",
            from: &["draft"],
            to: "draft",
            who: &[Who::Client],
            effects: &["a new version; ETag changes"],
            ..TRANSITION
        },
        Transition {
            event: "edit",
            from: &["changes_requested"],
            to: "changes_requested",
            who: &[Who::Client],
            effects: &["a new version; ETag changes"],
            ..TRANSITION
        },
        Transition {
            event: "submit",
            from: &["draft", "changes_requested"],
            to: "submitted",
            who: &[Who::Client],
            guards: SUBMIT_GUARDS,
            clock: Some("curation_overdue after 1 business day"),
            effects: &["event project.submitted"],
            ..TRANSITION
        },
        Transition {
            event: "claim",
            from: &["submitted"],
            to: "in_curation",
            who: CURATOR,
            effects: &["the curator is recorded"],
            ..TRANSITION
        },
        Transition {
            event: "release",
            from: &["in_curation"],
            to: "submitted",
            who: CURATOR,
            effects: &["the curator is cleared"],
            ..TRANSITION
        },
        Transition {
            event: "request_changes",
            from: &["in_curation"],
            to: "changes_requested",
            who: CURATOR,
            guards: &["claimed_by_caller"],
            effects: &["decision with notes per field", "mail to the client"],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: "list",
            from: &["in_curation"],
            to: "listed",
            who: CURATOR,
            guards: &[
                "claimed_by_caller",
                "client_verified",
                "payment_method_verified",
                "budget_in_range",
                "milestones_complete",
                "milestones_sum",
                "skills_named",
                "effort_stated",
                "floor_met",
                "dates_plausible",
                "outcome_stated",
            ],
            clock: Some("expire after 30 days, warn_expiry 5 days before"),
            effects: &["public listing", "decision", "event project.listed", "mail to the client"],
            ..TRANSITION
        },
        Transition {
            event: "reject",
            from: &["in_curation"],
            to: "rejected",
            who: CURATOR,
            guards: &["claimed_by_caller"],
            effects: &["decision that can be appealed for 14 days", "mail to the client"],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: "remove",
            from: &["listed", "shortlisting", "paused"],
            to: "removed",
            who: CURATOR,
            effects: &["decision that can be appealed for 14 days", "bids closed", "mail to the client"],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: "reopen",
            from: &["rejected", "removed"],
            to: "submitted",
            who: &[Who::Staff(Permission::Reviewer)],
            effects: &["an overturned appeal sends it to another curator"],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: "withdraw",
            from: &[
                "draft",
                "submitted",
                "in_curation",
                "changes_requested",
                "listed",
                "shortlisting",
                "paused",
            ],
            to: "withdrawn",
            who: &[Who::Client],
            effects: &["bids closed", "timers cleared"],
            ..TRANSITION
        },
        Transition {
            event: "shortlist",
            from: &["listed"],
            to: "shortlisting",
            who: &[Who::System],
            effects: &["with the first bid on the short list"],
            ..TRANSITION
        },
        Transition {
            event: "award",
            from: &["listed", "shortlisting"],
            to: "awarded",
            who: &[Who::System],
            effects: &["with the accepted offer", "other bids closed", "listing taken down"],
            ..TRANSITION
        },
        Transition {
            event: "contract",
            from: &["awarded"],
            to: "in_contract",
            who: &[Who::System],
            effects: &["with the contract that the client draws up"],
            ..TRANSITION
        },
        Transition {
            event: "revert",
            from: &["in_contract"],
            to: "awarded",
            who: &[Who::System],
            effects: &["with a contract that is cancelled before its start"],
            ..TRANSITION
        },
        Transition {
            event: "complete",
            from: &["in_contract"],
            to: "completed",
            who: &[Who::System],
            effects: &["with the contract"],
            ..TRANSITION
        },
        Transition {
            event: "end",
            from: &["in_contract"],
            to: "ended",
            who: &[Who::System],
            effects: &["with a contract that is terminated"],
            ..TRANSITION
        },
        Transition {
            event: "pause",
            from: &["listed", "shortlisting"],
            to: "paused",
            who: &[Who::Client],
            effects: &["listing hidden"],
            ..TRANSITION
        },
        Transition {
            event: "idle_pause",
            from: &["listed", "shortlisting"],
            to: "paused",
            who: &[Who::System],
            clock: Some("10 days without an act of the client while bids wait"),
            effects: &["listing hidden", "event project.paused"],
            ..TRANSITION
        },
        Transition {
            event: "resume",
            from: &["paused"],
            to: "listed",
            who: &[Who::Client],
            guards: &["within_period"],
            effects: &["public listing"],
            ..TRANSITION
        },
        Transition {
            event: "relist",
            from: &["expired"],
            to: "draft",
            who: &[Who::Client],
            effects: &["goes through curation again"],
            ..TRANSITION
        },
        Transition {
            event: "expire",
            from: &["listed", "shortlisting", "paused"],
            to: "expired",
            who: &[Who::System],
            clock: Some("30 days after listing"),
            effects: &["bids expired", "slots returned"],
            ..TRANSITION
        },
        Transition {
            event: "invite",
            from: &["listed"],
            to: "listed",
            who: &[Who::Client],
            effects: &["an invitation is sent"],
            ..TRANSITION
        },
        Transition {
            event: "invite",
            from: &["shortlisting"],
            to: "shortlisting",
            who: &[Who::Client],
            effects: &["an invitation is sent"],
            ..TRANSITION
        },
    ],
};

/// Bids.
pub const BID: Machine = Machine {
    name: "bid",
    version: "2026-11-21",
    meaning: "A developer's bid on a project, from draft to the contract.",
    initial: "draft",
    states: &[
        State { name: "draft", meaning: "Being written; only the developer sees it." },
        State {
            name: "waitlisted",
            meaning: "The project has twelve live bids; this one moves up when a place is free.",
        },
        State { name: "submitted", meaning: "Seen by the client." },
        State { name: "shortlisted", meaning: "On the client's short list." },
        State { name: "offered", meaning: "The client has made an offer; the developer answers." },
        State { name: "countered", meaning: "The developer has made a counter-offer; the client answers." },
        State { name: "accepted", meaning: "Both agree on the terms; a contract follows." },
        State { name: "contracted", meaning: "The contract is drawn up." },
        State { name: "declined", meaning: "The client declined, with a reason." },
        State { name: "withdrawn", meaning: "The developer took it back." },
        State { name: "expired", meaning: "The listing ran out." },
        State { name: "closed", meaning: "The project went to another bid, or was taken down." },
    ],
    guards: &[
        Guard { code: "developer_approved", needs: "An approval that is active and unexpired." },
        Guard { code: "project_open", needs: "The project is open to bids." },
        Guard { code: "counters_left", needs: "Fewer than six counter-offers so far." },
        Guard {
            code: "within_spending_limit",
            needs: "The total, with the client's fee, within the caller's spending limit.",
        },
        Guard { code: "no_other_offer", needs: "No other bid of the project has an open offer." },
    ],
    transitions: &[
        Transition {
            event: "revise",
            from: &["draft"],
            to: "draft",
            who: &[Who::Developer],
            effects: &["the former revision is kept"],
            ..TRANSITION
        },
        Transition {
            event: "revise",
            from: &["waitlisted"],
            to: "waitlisted",
            who: &[Who::Developer],
            guards: &["project_open"],
            effects: &["the former revision is kept"],
            ..TRANSITION
        },
        Transition {
            event: "revise",
            from: &["submitted"],
            to: "submitted",
            who: &[Who::Developer],
            guards: &["project_open"],
            effects: &["the former revision is kept"],
            ..TRANSITION
        },
        Transition {
            event: "revise",
            from: &["shortlisted"],
            to: "shortlisted",
            who: &[Who::Developer],
            guards: &["project_open"],
            effects: &["the former revision is kept"],
            ..TRANSITION
        },
        Transition {
            event: "submit",
            from: &["draft"],
            to: "submitted",
            who: &[Who::Developer],
            guards: &["developer_approved", "project_open"],
            effects: &["takes one of the project's twelve places and of the developer's eight"],
            ..TRANSITION
        },
        Transition {
            event: "join_waitlist",
            from: &["draft"],
            to: "waitlisted",
            who: &[Who::System],
            effects: &["instead of submit, when the project has twelve live bids"],
            ..TRANSITION
        },
        Transition {
            event: "promote",
            from: &["waitlisted"],
            to: "submitted",
            who: &[Who::System],
            effects: &["the oldest waiting bid, when a place is free"],
            ..TRANSITION
        },
        Transition {
            event: "shortlist",
            from: &["submitted"],
            to: "shortlisted",
            who: &[Who::Client],
            guards: &["project_open"],
            ..TRANSITION
        },
        Transition {
            event: "unshortlist",
            from: &["shortlisted"],
            to: "submitted",
            who: &[Who::Client],
            ..TRANSITION
        },
        Transition {
            event: "decline",
            from: &["waitlisted", "submitted", "shortlisted"],
            to: "declined",
            who: &[Who::Client],
            effects: &["places returned"],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: "offer",
            from: &["submitted", "shortlisted"],
            to: "offered",
            who: &[Who::Client],
            guards: &["project_open", "developer_approved", "within_spending_limit", "no_other_offer"],
            clock: Some("expire_offer after 7 days"),
            effects: &["mail to the developer"],
            ..TRANSITION
        },
        Transition {
            event: "counter",
            from: &["offered"],
            to: "countered",
            who: &[Who::Developer],
            guards: &["counters_left"],
            clock: Some("expire_offer after 7 days"),
            ..TRANSITION
        },
        Transition {
            event: "counter",
            from: &["countered"],
            to: "offered",
            who: &[Who::Client],
            guards: &["counters_left", "within_spending_limit"],
            clock: Some("expire_offer after 7 days"),
            ..TRANSITION
        },
        Transition {
            event: "accept_offer",
            from: &["offered"],
            to: "accepted",
            who: &[Who::Developer],
            guards: &["developer_approved", "project_open"],
            effects: &["project awarded", "other bids closed", "places returned"],
            ..TRANSITION
        },
        Transition {
            event: "accept_offer",
            from: &["countered"],
            to: "accepted",
            who: &[Who::Client],
            guards: &["developer_approved", "project_open", "within_spending_limit"],
            effects: &["project awarded", "other bids closed", "places returned"],
            ..TRANSITION
        },
        Transition {
            event: "decline_offer",
            from: &["offered"],
            to: "shortlisted",
            who: &[Who::Developer],
            ..TRANSITION
        },
        Transition {
            event: "rescind_offer",
            from: &["offered", "countered"],
            to: "shortlisted",
            who: &[Who::Client],
            ..TRANSITION
        },
        Transition {
            event: "expire_offer",
            from: &["offered", "countered"],
            to: "shortlisted",
            who: &[Who::System],
            clock: Some("7 days after the offer"),
            ..TRANSITION
        },
        Transition {
            event: "contract",
            from: &["accepted"],
            to: "contracted",
            who: &[Who::System],
            effects: &["with the contract that the client draws up"],
            ..TRANSITION
        },
        Transition {
            event: "revert",
            from: &["contracted"],
            to: "accepted",
            who: &[Who::System],
            effects: &["with a contract that is cancelled before its start"],
            ..TRANSITION
        },
        Transition {
            event: "withdraw",
            from: &["draft", "waitlisted", "submitted", "shortlisted", "offered", "countered"],
            to: "withdrawn",
            who: &[Who::Developer],
            effects: &["places returned"],
            ..TRANSITION
        },
        Transition {
            event: "close",
            from: &["draft", "waitlisted", "submitted", "shortlisted", "offered", "countered"],
            to: "closed",
            who: &[Who::System],
            effects: &["places returned"],
            ..TRANSITION
        },
        Transition {
            event: "expire",
            from: &["draft", "waitlisted", "submitted", "shortlisted", "offered", "countered"],
            to: "expired",
            who: &[Who::System],
            clock: Some("with the listing"),
            effects: &["places returned"],
            ..TRANSITION
        },
    ],
};

/// Invitations to bid.
pub const INVITATION: Machine = Machine {
    name: "invitation",
    version: "2026-11-01",
    meaning: "A client's invitation to one developer to bid on a project.",
    initial: "sent",
    states: &[
        State { name: "sent", meaning: "Sent, by mail and event." },
        State { name: "viewed", meaning: "The developer has read it." },
        State { name: "accepted", meaning: "The developer means to bid." },
        State { name: "declined", meaning: "The developer does not." },
        State { name: "expired", meaning: "Unanswered for seven days, or the project closed." },
    ],
    guards: &[Guard { code: "project_open", needs: "The project is open to bids." }],
    transitions: &[
        Transition { event: "view", from: &["sent"], to: "viewed", who: &[Who::Developer], ..TRANSITION },
        Transition {
            event: "accept",
            from: &["sent", "viewed"],
            to: "accepted",
            who: &[Who::Developer],
            guards: &["project_open"],
            ..TRANSITION
        },
        Transition {
            event: "decline",
            from: &["sent", "viewed"],
            to: "declined",
            who: &[Who::Developer],
            ..TRANSITION
        },
        Transition {
            event: "expire",
            from: &["sent", "viewed"],
            to: "expired",
            who: &[Who::System],
            clock: Some("7 days after sending"),
            ..TRANSITION
        },
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BidState;

    #[test]
    fn the_tables_are_sound_and_name_exactly_the_states_in_code() {
        for machine in [&PROJECT, &BID, &INVITATION] {
            assert_eq!(machine.faults(), Vec::<String>::new(), "{}", machine.name);
        }
        let names = |machine: &Machine| machine.states.iter().map(|s| s.name).collect::<Vec<_>>();
        assert_eq!(names(&PROJECT), ProjectState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>());
        assert_eq!(names(&BID), BidState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>());
        assert_eq!(names(&INVITATION), InvitationState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>());
    }
}
