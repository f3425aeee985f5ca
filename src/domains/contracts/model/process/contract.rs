//! The process table of contracts.

use assay_kernel::process::{Guard, Machine, State, Transition, row};
use assay_kernel::string_enum;

use super::{CLIENT, PARTIES, SYSTEM};

string_enum! {
    /// Where a contract stands.
    pub enum ContractState {
        /// Drawn up; one or both have not signed.
        OfferSent = "offer_sent",
        /// Signed by both; nothing is paid yet.
        AwaitingFunding = "awaiting_funding",
        /// At work.
        Active = "active",
        /// At rest.
        Paused = "paused",
        /// Notice is given; what is under way is finished.
        Completing = "completing",
        /// Every milestone is decided.
        Completed = "completed",
        /// Ended by both.
        TerminatedMutual = "terminated_mutual",
        /// Ended by one, for a cause.
        TerminatedForCause = "terminated_for_cause",
        /// Ended before anything was paid.
        CancelledBeforeStart = "cancelled_before_start",
    }
}

impl ContractState {
    /// Is it signed and not over?
    pub fn is_open(self) -> bool {
        matches!(self, Self::AwaitingFunding | Self::Active | Self::Paused | Self::Completing)
    }
}

/// Contracts.
pub const CONTRACT: Machine = Machine {
    name: "contract",
    version: "2026-11-21",
    meaning: "What a client and a developer agreed on, from the draft to the last milestone.",
    initial: "offer_sent",
    states: &[
        State { name: "offer_sent", meaning: "Drawn up by the client; both sign it, word for word." },
        State {
            name: "awaiting_funding",
            meaning: "Signed by both; the first payment is awaited for seven days.",
        },
        State { name: "active", meaning: "Work goes on." },
        State { name: "paused", meaning: "At rest: dates of delivery wait. Reviews that have begun go on." },
        State {
            name: "completing",
            meaning: "Notice is given: nothing new is paid, what is under way is finished.",
        },
        State { name: "completed", meaning: "Every milestone is decided." },
        State { name: "terminated_mutual", meaning: "Both agreed to end it, and on who gets what." },
        State {
            name: "terminated_for_cause",
            meaning: "One side ended it; deliveries are reviewed as agreed.",
        },
        State { name: "cancelled_before_start", meaning: "Given up before anything was paid." },
    ],
    guards: &[
        Guard { code: "not_signed_by_you", needs: "Your side has not signed yet." },
        Guard { code: "no_payment_under_way", needs: "No payment is under way." },
        Guard {
            code: "within_spending_limit",
            needs: "The total, with the fee, within the caller's spending limit.",
        },
        Guard { code: "no_open_proposal", needs: "No proposal to end the contract is open." },
        Guard { code: "asked_of_you", needs: "The other side has proposed to end the contract." },
        Guard { code: "proposal_open", needs: "A proposal to end the contract is open." },
    ],
    transitions: &[
        Transition {
            guards: &["not_signed_by_you"],
            effects: &[
                "signature over the content hash, with a recent sign-in",
                "link of the signer's identity chain",
            ],
            ..row("sign", &["offer_sent"], "offer_sent", PARTIES)
        },
        Transition {
            effects: &["with the second signature"],
            clock: Some("lapse after 7 days"),
            ..row("close_signing", &["offer_sent"], "awaiting_funding", SYSTEM)
        },
        Transition {
            guards: &["no_payment_under_way"],
            reason_required: true,
            effects: &["the award stands"],
            ..row("cancel", &["offer_sent", "awaiting_funding"], "cancelled_before_start", PARTIES)
        },
        Transition {
            clock: Some("7 days without signatures, or without a payment"),
            ..row("lapse", &["offer_sent", "awaiting_funding"], "cancelled_before_start", SYSTEM)
        },
        Transition {
            guards: &["within_spending_limit"],
            ..row("fund", &["awaiting_funding"], "awaiting_funding", CLIENT)
        },
        Transition { guards: &["within_spending_limit"], ..row("fund", &["active"], "active", CLIENT) },
        Transition {
            effects: &["with the first milestone that is funded"],
            ..row("activate", &["awaiting_funding"], "active", SYSTEM)
        },
        Transition { reason_required: true, ..row("pause", &["active"], "paused", PARTIES) },
        Transition {
            effects: &["dates of delivery move by the time of the pause"],
            ..row("resume", &["paused"], "active", PARTIES)
        },
        Transition {
            reason_required: true,
            clock: Some("notice_over after 5 business days"),
            ..row("give_notice", &["active", "paused"], "completing", PARTIES)
        },
        Transition {
            clock: Some("5 business days after the notice"),
            effects: &["what was not delivered is refunded, what was not paid cancelled"],
            ..row("notice_over", &["completing"], "completing", SYSTEM)
        },
        row("propose_change", &["active"], "active", PARTIES),
        Transition {
            guards: &["no_open_proposal"],
            ..row("propose_termination", &["active"], "active", PARTIES)
        },
        Transition {
            guards: &["no_open_proposal"],
            ..row("propose_termination", &["paused"], "paused", PARTIES)
        },
        Transition {
            guards: &["no_open_proposal"],
            ..row("propose_termination", &["completing"], "completing", PARTIES)
        },
        Transition {
            guards: &["proposal_open"],
            ..row("decline_termination", &["active"], "active", PARTIES)
        },
        Transition {
            guards: &["proposal_open"],
            ..row("decline_termination", &["paused"], "paused", PARTIES)
        },
        Transition {
            guards: &["proposal_open"],
            ..row("decline_termination", &["completing"], "completing", PARTIES)
        },
        Transition {
            guards: &["asked_of_you"],
            effects: &["each milestone is settled as proposed"],
            ..row("accept_termination", &["active", "paused", "completing"], "terminated_mutual", PARTIES)
        },
        Transition {
            reason_required: true,
            effects: &[
                "what was not delivered is refunded but for what the client leaves",
                "deliveries are reviewed",
            ],
            ..row("terminate_for_cause", &["active", "paused", "completing"], "terminated_for_cause", PARTIES)
        },
        Transition {
            effects: &["with the last milestone that is decided"],
            ..row("complete", &["active", "paused", "completing"], "completed", SYSTEM)
        },
    ],
};
