//! The process table of bids.

use assay_kernel::process::{Guard, Machine, State, Transition, Who, row};

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
            effects: &["the former revision is kept"],
            ..row("revise", &["draft"], "draft", &[Who::Developer])
        },
        Transition {
            guards: &["project_open"],
            effects: &["the former revision is kept"],
            ..row("revise", &["waitlisted"], "waitlisted", &[Who::Developer])
        },
        Transition {
            guards: &["project_open"],
            effects: &["the former revision is kept"],
            ..row("revise", &["submitted"], "submitted", &[Who::Developer])
        },
        Transition {
            guards: &["project_open"],
            effects: &["the former revision is kept"],
            ..row("revise", &["shortlisted"], "shortlisted", &[Who::Developer])
        },
        Transition {
            guards: &["developer_approved", "project_open"],
            effects: &["takes one of the project's twelve places and of the developer's eight"],
            ..row("submit", &["draft"], "submitted", &[Who::Developer])
        },
        Transition {
            effects: &["instead of submit, when the project has twelve live bids"],
            ..row("join_waitlist", &["draft"], "waitlisted", &[Who::System])
        },
        Transition {
            effects: &["the oldest waiting bid, when a place is free"],
            ..row("promote", &["waitlisted"], "submitted", &[Who::System])
        },
        Transition {
            guards: &["project_open"],
            ..row("shortlist", &["submitted"], "shortlisted", &[Who::Client])
        },
        row("unshortlist", &["shortlisted"], "submitted", &[Who::Client]),
        Transition {
            effects: &["places returned"],
            reason_required: true,
            ..row("decline", &["waitlisted", "submitted", "shortlisted"], "declined", &[Who::Client])
        },
        Transition {
            guards: &["project_open", "developer_approved", "within_spending_limit", "no_other_offer"],
            clock: Some("expire_offer after 7 days"),
            effects: &["mail to the developer"],
            ..row("offer", &["submitted", "shortlisted"], "offered", &[Who::Client])
        },
        Transition {
            guards: &["counters_left"],
            clock: Some("expire_offer after 7 days"),
            ..row("counter", &["offered"], "countered", &[Who::Developer])
        },
        Transition {
            guards: &["counters_left", "within_spending_limit"],
            clock: Some("expire_offer after 7 days"),
            ..row("counter", &["countered"], "offered", &[Who::Client])
        },
        Transition {
            guards: &["developer_approved", "project_open"],
            effects: &["project awarded", "other bids closed", "places returned"],
            ..row("accept_offer", &["offered"], "accepted", &[Who::Developer])
        },
        Transition {
            guards: &["developer_approved", "project_open", "within_spending_limit"],
            effects: &["project awarded", "other bids closed", "places returned"],
            ..row("accept_offer", &["countered"], "accepted", &[Who::Client])
        },
        row("decline_offer", &["offered"], "shortlisted", &[Who::Developer]),
        row("rescind_offer", &["offered", "countered"], "shortlisted", &[Who::Client]),
        Transition {
            clock: Some("7 days after the offer"),
            ..row("expire_offer", &["offered", "countered"], "shortlisted", &[Who::System])
        },
        Transition {
            effects: &["with the contract that the client draws up"],
            ..row("contract", &["accepted"], "contracted", &[Who::System])
        },
        Transition {
            effects: &["with a contract that is cancelled before its start"],
            ..row("revert", &["contracted"], "accepted", &[Who::System])
        },
        Transition {
            effects: &["places returned"],
            ..row(
                "withdraw",
                &["draft", "waitlisted", "submitted", "shortlisted", "offered", "countered"],
                "withdrawn",
                &[Who::Developer],
            )
        },
        Transition {
            effects: &["places returned"],
            ..row(
                "close",
                &["draft", "waitlisted", "submitted", "shortlisted", "offered", "countered"],
                "closed",
                &[Who::System],
            )
        },
        Transition {
            clock: Some("with the listing"),
            effects: &["places returned"],
            ..row(
                "expire",
                &["draft", "waitlisted", "submitted", "shortlisted", "offered", "countered"],
                "expired",
                &[Who::System],
            )
        },
    ],
};
