//! The process table of projects.

use assay_kernel::process::{Guard, Machine, State, Transition, Who, row};
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
            effects: &["a new version; ETag changes"],
            ..row("edit", &["draft"], "draft", &[Who::Client])
        },
        Transition {
            effects: &["a new version; ETag changes"],
            ..row("edit", &["changes_requested"], "changes_requested", &[Who::Client])
        },
        Transition {
            guards: SUBMIT_GUARDS,
            clock: Some("curation_overdue after 1 business day"),
            effects: &["event project.submitted"],
            ..row("submit", &["draft", "changes_requested"], "submitted", &[Who::Client])
        },
        Transition {
            effects: &["the curator is recorded"],
            ..row("claim", &["submitted"], "in_curation", CURATOR)
        },
        Transition {
            effects: &["the curator is cleared"],
            ..row("release", &["in_curation"], "submitted", CURATOR)
        },
        Transition {
            guards: &["claimed_by_caller"],
            effects: &["decision with notes per field", "mail to the client"],
            reason_required: true,
            ..row("request_changes", &["in_curation"], "changes_requested", CURATOR)
        },
        Transition {
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
            ..row("list", &["in_curation"], "listed", CURATOR)
        },
        Transition {
            guards: &["claimed_by_caller"],
            effects: &["decision that can be appealed for 14 days", "mail to the client"],
            reason_required: true,
            ..row("reject", &["in_curation"], "rejected", CURATOR)
        },
        Transition {
            effects: &["decision that can be appealed for 14 days", "bids closed", "mail to the client"],
            reason_required: true,
            ..row("remove", &["listed", "shortlisting", "paused"], "removed", CURATOR)
        },
        Transition {
            effects: &["an overturned appeal sends it to another curator"],
            reason_required: true,
            ..row("reopen", &["rejected", "removed"], "submitted", &[Who::Staff(Permission::Reviewer)])
        },
        Transition {
            effects: &["bids closed", "timers cleared"],
            ..row(
                "withdraw",
                &[
                    "draft",
                    "submitted",
                    "in_curation",
                    "changes_requested",
                    "listed",
                    "shortlisting",
                    "paused",
                ],
                "withdrawn",
                &[Who::Client],
            )
        },
        Transition {
            effects: &["with the first bid on the short list"],
            ..row("shortlist", &["listed"], "shortlisting", &[Who::System])
        },
        Transition {
            effects: &["with the accepted offer", "other bids closed", "listing taken down"],
            ..row("award", &["listed", "shortlisting"], "awarded", &[Who::System])
        },
        Transition {
            effects: &["with the contract that the client draws up"],
            ..row("contract", &["awarded"], "in_contract", &[Who::System])
        },
        Transition {
            effects: &["with a contract that is cancelled before its start"],
            ..row("revert", &["in_contract"], "awarded", &[Who::System])
        },
        Transition {
            effects: &["with the contract"],
            ..row("complete", &["in_contract"], "completed", &[Who::System])
        },
        Transition {
            effects: &["with a contract that is terminated"],
            ..row("end", &["in_contract"], "ended", &[Who::System])
        },
        Transition {
            effects: &["listing hidden"],
            ..row("pause", &["listed", "shortlisting"], "paused", &[Who::Client])
        },
        Transition {
            clock: Some("10 days without an act of the client while bids wait"),
            effects: &["listing hidden", "event project.paused"],
            ..row("idle_pause", &["listed", "shortlisting"], "paused", &[Who::System])
        },
        Transition {
            guards: &["within_period"],
            effects: &["public listing"],
            ..row("resume", &["paused"], "listed", &[Who::Client])
        },
        Transition {
            effects: &["goes through curation again"],
            ..row("relist", &["expired"], "draft", &[Who::Client])
        },
        Transition {
            clock: Some("30 days after listing"),
            effects: &["bids expired", "slots returned"],
            ..row("expire", &["listed", "shortlisting", "paused"], "expired", &[Who::System])
        },
        Transition {
            effects: &["an invitation is sent"],
            ..row("invite", &["listed"], "listed", &[Who::Client])
        },
        Transition {
            effects: &["an invitation is sent"],
            ..row("invite", &["shortlisting"], "shortlisting", &[Who::Client])
        },
    ],
};
