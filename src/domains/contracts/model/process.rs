//! The process tables of contracts, change orders and milestones.

use assay_kernel::process::{Guard, Machine, State, TRANSITION, Transition, Who};
use assay_kernel::{Error, Result, string_enum};

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

string_enum! {
    /// Where a change order stands.
    pub enum ChangeOrderState {
        /// Waiting for the other side.
        Proposed = "proposed",
        /// Answered with other changes; waiting for the first side.
        Countered = "countered",
        /// Agreed; what it adds is not paid yet.
        Accepted = "accepted",
        /// Part of the contract.
        Effective = "effective",
        /// Refused.
        Rejected = "rejected",
        /// Taken back.
        Withdrawn = "withdrawn",
        /// Neither answered nor paid in time.
        Expired = "expired",
    }
}

string_enum! {
    /// Where a milestone stands.
    pub enum MilestoneState {
        /// Not paid yet.
        Planned = "planned",
        /// A payment is under way.
        FundingPending = "funding_pending",
        /// The money is held.
        Funded = "funded",
        /// Being worked on.
        InWork = "in_work",
        /// Under review.
        Delivered = "delivered",
        /// The client wants changes.
        ChangesRequested = "changes_requested",
        /// Accepted by the client.
        Accepted = "accepted",
        /// Accepted in part; the rest went back.
        AcceptedPartial = "accepted_partial",
        /// Accepted by silence.
        AutoAccepted = "auto_accepted",
        /// What was accepted has reached the developer.
        Released = "released",
        /// Nothing is left to do.
        Settled = "settled",
        /// The client asks for the money back.
        RefundRequested = "refund_requested",
        /// The money went back.
        Refunded = "refunded",
        /// Frozen by the payer's bank.
        Disputed = "disputed",
        /// The payer's bank took the money.
        Resolved = "resolved",
        /// Will not be done.
        Cancelled = "cancelled",
    }
}

impl ContractState {
    /// Is it signed and not over?
    pub fn is_open(self) -> bool {
        matches!(self, Self::AwaitingFunding | Self::Active | Self::Paused | Self::Completing)
    }
}

impl MilestoneState {
    /// Is money held whose fate is open?
    pub fn is_undecided(self) -> bool {
        matches!(
            self,
            Self::Funded
                | Self::InWork
                | Self::Delivered
                | Self::ChangesRequested
                | Self::RefundRequested
                | Self::Disputed
        )
    }

    /// Is it done with, but for transfers?
    pub fn is_closed(self) -> bool {
        !self.is_undecided() && !matches!(self, Self::Planned | Self::FundingPending)
    }

    /// Was something accepted, and the transfer is awaited?
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::AcceptedPartial | Self::AutoAccepted)
    }
}

const CLIENT: &[Who] = &[Who::Client];
const DEVELOPER: &[Who] = &[Who::Developer];
const PARTIES: &[Who] = &[Who::Client, Who::Developer];
const SYSTEM: &[Who] = &[Who::System];

const fn row(
    event: &'static str,
    from: &'static [&'static str],
    to: &'static str,
    who: &'static [Who],
) -> Transition {
    Transition { event, from, to, who, ..TRANSITION }
}

/// The transition of `event` from `state` that leads to `to`.
///
/// # Errors
/// As [`Machine::transition`]; `internal` when the table has no such one.
pub fn step(
    machine: &Machine,
    state: &str,
    event: &str,
    to: &str,
    who: &[Who],
) -> Result<&'static Transition> {
    machine.transition(state, event, who)?;
    machine
        .transitions
        .iter()
        .find(|t| {
            t.event == event && t.to == to && t.from.contains(&state) && t.who.iter().any(|w| who.contains(w))
        })
        .ok_or_else(|| Error::internal(format!("{}: no `{event}` from `{state}` to `{to}`", machine.name)))
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

/// Change orders.
pub const CHANGE_ORDER: Machine = Machine {
    name: "change_order",
    version: "2026-11-21",
    meaning: "A change of a signed contract: milestones added, dropped or moved.",
    initial: "proposed",
    states: &[
        State { name: "proposed", meaning: "The other side answers within seven days." },
        State {
            name: "countered",
            meaning: "Answered with other changes, which are answered within seven days.",
        },
        State {
            name: "accepted",
            meaning: "Agreed; it waits for the payment of what it adds, for seven days.",
        },
        State { name: "effective", meaning: "Part of the contract." },
        State { name: "rejected", meaning: "Refused." },
        State { name: "withdrawn", meaning: "Taken back by the side that proposed last." },
        State { name: "expired", meaning: "Neither answered nor paid in time, or the contract ended." },
    ],
    guards: &[
        Guard { code: "asked_of_you", needs: "The other side proposed last." },
        Guard { code: "proposed_by_you", needs: "Your side proposed last." },
        Guard { code: "contract_active", needs: "The contract is active." },
    ],
    transitions: &[
        Transition {
            guards: &["asked_of_you", "contract_active"],
            clock: Some("expire after 7 days"),
            ..row("counter", &["proposed", "countered"], "countered", PARTIES)
        },
        Transition {
            guards: &["asked_of_you", "contract_active"],
            clock: Some("expire after 7 days, unless what it adds is paid"),
            effects: &["the milestones that it adds can be funded"],
            ..row("accept", &["proposed", "countered"], "accepted", PARTIES)
        },
        Transition {
            guards: &["asked_of_you"],
            ..row("reject", &["proposed", "countered"], "rejected", PARTIES)
        },
        Transition {
            guards: &["proposed_by_you"],
            ..row("withdraw", &["proposed", "countered"], "withdrawn", PARTIES)
        },
        Transition {
            effects: &["milestones are dropped and moved; dropped money goes back"],
            ..row("take_effect", &["accepted"], "effective", SYSTEM)
        },
        Transition {
            clock: Some("7 days"),
            ..row("expire", &["proposed", "countered", "accepted"], "expired", SYSTEM)
        },
    ],
};

/// States in which money is held and the work is not delivered.
const UNDELIVERED: &[&str] = &["funded", "in_work", "changes_requested"];
const LIVE: &[&str] = &["funded", "in_work", "changes_requested", "delivered"];
const HELD: &[&str] = &["funded", "in_work", "changes_requested", "delivered", "refund_requested"];
const REFUND_GRANTED: Transition =
    row("grant_refund", &["refund_requested"], "refunded", &[Who::Developer, Who::System]);
const REFUND_DECLINED: Transition = row("decline_refund", &["refund_requested"], "funded", DEVELOPER);
const REFUND_WITHDRAWN: Transition = row("withdraw_refund", &["refund_requested"], "funded", CLIENT);
const THAWED: Transition = row("unfreeze", &["disputed"], "funded", SYSTEM);

/// Milestones.
pub const MILESTONE: Machine = Machine {
    name: "milestone",
    version: "2026-11-21",
    meaning: "A milestone of a contract and its money. Exactly one decision closes it.",
    initial: "planned",
    states: &[
        State { name: "planned", meaning: "Agreed, not paid." },
        State { name: "funding_pending", meaning: "The client's payment is under way." },
        State { name: "funded", meaning: "The money is held; work can begin." },
        State { name: "in_work", meaning: "The developer works on it." },
        State { name: "delivered", meaning: "Under review; silence accepts at the end of the window." },
        State {
            name: "changes_requested",
            meaning: "The client asked for changes, within the agreed rounds.",
        },
        State { name: "accepted", meaning: "The client accepted all of it; the transfer follows." },
        State { name: "accepted_partial", meaning: "A part was accepted and released, the rest went back." },
        State { name: "auto_accepted", meaning: "The window ran out without a word: accepted." },
        State { name: "released", meaning: "The developer has the money, but for what is held back." },
        State { name: "settled", meaning: "Nothing is left to do." },
        State {
            name: "refund_requested",
            meaning: "The client asks for what is left; the developer answers in seven days.",
        },
        State { name: "refunded", meaning: "What was held went back to the client." },
        State { name: "disputed", meaning: "The payer's bank has frozen the payment." },
        State { name: "resolved", meaning: "The payer's bank took the payment back." },
        State { name: "cancelled", meaning: "It will not be done; what was held went back." },
    ],
    guards: &[
        Guard {
            code: "contract_open",
            needs: "The contract takes payments: it waits for the first one, or is active.",
        },
        Guard { code: "revisions_left", needs: "The agreed rounds of changes are not used up." },
        Guard { code: "is_late", needs: "Fifteen days after the due date, and nothing was delivered." },
        Guard { code: "is_held_back", needs: "A part is held back." },
    ],
    transitions: &[
        Transition { guards: &["contract_open"], ..row("fund", &["planned"], "funding_pending", CLIENT) },
        row("fail_funding", &["funding_pending"], "planned", SYSTEM),
        Transition {
            clock: Some(
                "late 15 days and never_delivered 75 days after the due date, hold_deadline after 90 days",
            ),
            ..row("arrive", &["funding_pending"], "funded", SYSTEM)
        },
        row("start", &["funded", "changes_requested"], "in_work", DEVELOPER),
        Transition {
            clock: Some(
                "auto_accept at the end of the review window, warned at half of it and 24 hours before",
            ),
            effects: &["evidence for each deliverable"],
            ..row("deliver", UNDELIVERED, "delivered", DEVELOPER)
        },
        Transition {
            effects: &["the accepted deliverables are released by weight"],
            ..row("accept", &["delivered"], "delivered", &[Who::Client, Who::System])
        },
        Transition {
            effects: &["decision", "release"],
            ..row("accept", &["delivered"], "accepted", &[Who::Client, Who::System])
        },
        Transition {
            guards: &["revisions_left"],
            reason_required: true,
            ..row("request_changes", &["delivered"], "changes_requested", CLIENT)
        },
        Transition {
            clock: Some("the review window, 5 to 14 days"),
            effects: &["decision", "release"],
            ..row("auto_accept", &["delivered"], "auto_accepted", SYSTEM)
        },
        Transition {
            reason_required: true,
            clock: Some("grant_refund after 7 days of silence"),
            ..row("request_refund", LIVE, "refund_requested", CLIENT)
        },
        Transition { effects: &["decision", "refund"], ..REFUND_GRANTED },
        Transition {
            to: "accepted_partial",
            effects: &["decision", "refund of what is left"],
            ..REFUND_GRANTED
        },
        Transition { reason_required: true, ..REFUND_DECLINED },
        Transition { reason_required: true, to: "in_work", ..REFUND_DECLINED },
        Transition { reason_required: true, to: "changes_requested", ..REFUND_DECLINED },
        Transition { reason_required: true, to: "delivered", ..REFUND_DECLINED },
        REFUND_WITHDRAWN,
        Transition { to: "in_work", ..REFUND_WITHDRAWN },
        Transition { to: "changes_requested", ..REFUND_WITHDRAWN },
        Transition { to: "delivered", ..REFUND_WITHDRAWN },
        Transition {
            guards: &["is_late"],
            effects: &["decision", "refund"],
            ..row("cancel_late", UNDELIVERED, "cancelled", CLIENT)
        },
        Transition { guards: &["is_late"], ..row("cancel_late", UNDELIVERED, "accepted_partial", CLIENT) },
        Transition {
            clock: Some("75 days after the due date, reminded 3 days before"),
            effects: &["decision", "refund"],
            ..row("never_delivered", UNDELIVERED, "cancelled", SYSTEM)
        },
        row("never_delivered", UNDELIVERED, "accepted_partial", SYSTEM),
        Transition {
            effects: &["with the end of the contract: decision", "release", "refund"],
            ..row("settle_up", HELD, "cancelled", SYSTEM)
        },
        row("settle_up", HELD, "accepted_partial", SYSTEM),
        row("settle_up", HELD, "accepted", SYSTEM),
        Transition {
            effects: &["with a change order, or the end of the contract"],
            ..row("drop", &["planned", "funding_pending"], "cancelled", SYSTEM)
        },
        Transition { effects: &["decision", "refund"], ..row("drop", HELD, "cancelled", SYSTEM) },
        row("drop", HELD, "accepted_partial", SYSTEM),
        Transition {
            clock: Some("90 days after the payment, warned 14 days before"),
            ..row("force", &["delivered"], "auto_accepted", SYSTEM)
        },
        row("force", &["funded", "in_work", "changes_requested", "refund_requested"], "cancelled", SYSTEM),
        row(
            "force",
            &["funded", "in_work", "changes_requested", "refund_requested"],
            "accepted_partial",
            SYSTEM,
        ),
        row("freeze", HELD, "disputed", SYSTEM),
        THAWED,
        Transition { to: "in_work", ..THAWED },
        Transition { to: "changes_requested", ..THAWED },
        Transition { to: "delivered", ..THAWED },
        Transition { to: "refund_requested", ..THAWED },
        row("charge_back", &["disputed"], "resolved", SYSTEM),
        Transition {
            effects: &["money that arrives too late goes back: decision", "refund"],
            ..row("return_money", &["cancelled"], "refunded", SYSTEM)
        },
        row("transfer", &["accepted", "accepted_partial", "auto_accepted"], "released", SYSTEM),
        Transition {
            guards: &["is_held_back"],
            clock: Some("free_holdback at the agreed date"),
            ..row("free_holdback", &["released"], "released", &[Who::Client, Who::System])
        },
        Transition {
            guards: &["is_held_back"],
            ..row("free_holdback", &["accepted"], "accepted", &[Who::Client, Who::System])
        },
        Transition {
            guards: &["is_held_back"],
            ..row("free_holdback", &["accepted_partial"], "accepted_partial", &[Who::Client, Who::System])
        },
        Transition {
            guards: &["is_held_back"],
            ..row("free_holdback", &["auto_accepted"], "auto_accepted", &[Who::Client, Who::System])
        },
        row("settle", &["released"], "settled", SYSTEM),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sound_and_name_exactly_the_states_in_code() {
        let names = |machine: &Machine| machine.states.iter().map(|s| s.name).collect::<Vec<_>>();
        for machine in [&CONTRACT, &CHANGE_ORDER, &MILESTONE] {
            assert_eq!(machine.faults(), Vec::<String>::new(), "{}", machine.name);
        }
        assert_eq!(names(&CONTRACT), ContractState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>());
        assert_eq!(
            names(&CHANGE_ORDER),
            ChangeOrderState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>()
        );
        assert_eq!(names(&MILESTONE), MilestoneState::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>());
    }

    #[test]
    fn a_closed_milestone_takes_no_further_decision() {
        const DECIDING: &[&str] = &[
            "accept",
            "auto_accept",
            "grant_refund",
            "cancel_late",
            "never_delivered",
            "settle_up",
            "force",
        ];
        for state in MilestoneState::ALL.iter().filter(|state| state.is_closed()) {
            for event in DECIDING {
                assert!(
                    !MILESTONE
                        .transitions
                        .iter()
                        .any(|t| t.event == *event && t.from.contains(&state.as_str())),
                    "{event} from {state}"
                );
            }
        }
    }

    #[test]
    fn a_step_names_where_it_leads() {
        let back = |to| step(&MILESTONE, "refund_requested", "decline_refund", to, DEVELOPER).map(|t| t.to);
        assert_eq!(back("delivered").unwrap(), "delivered");
        assert_eq!(back("planned").unwrap_err().code(), assay_kernel::Code::Internal);
        assert_eq!(
            step(&MILESTONE, "settled", "accept", "accepted", CLIENT).unwrap_err().code(),
            assay_kernel::Code::StateConflict
        );
    }
}
