//! The process table of milestones.

use assay_kernel::process::{Guard, Machine, State, Transition, Who, row};
use assay_kernel::string_enum;

use super::{CLIENT, DEVELOPER, PARTIES, SYSTEM};

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
        /// Frozen: the sides disagree, or the payer's bank takes the payment back.
        Disputed = "disputed",
        /// Decided by a dispute, or the payer's bank took the money.
        Resolved = "resolved",
        /// Will not be done.
        Cancelled = "cancelled",
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

    /// Is money held, and may the sides act on it?
    pub fn is_live(self) -> bool {
        self.is_undecided() && self != Self::Disputed
    }

    /// Is money held, and the work not delivered?
    pub fn is_undelivered(self) -> bool {
        UNDELIVERED.contains(&self.as_str())
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

/// States in which money is held and the work is not delivered.
const UNDELIVERED: &[&str] = &["funded", "in_work", "changes_requested"];
const LIVE: &[&str] = &["funded", "in_work", "changes_requested", "delivered"];
const HELD: &[&str] = &["funded", "in_work", "changes_requested", "delivered", "refund_requested"];
const REFUND_GRANTED: Transition =
    row("grant_refund", &["refund_requested"], "refunded", &[Who::Developer, Who::System]);
const REFUND_DECLINED: Transition = row("decline_refund", &["refund_requested"], "funded", DEVELOPER);
const REFUND_WITHDRAWN: Transition = row("withdraw_refund", &["refund_requested"], "funded", CLIENT);
const THAWED: Transition = row("unfreeze", &["disputed"], "funded", SYSTEM);
const FREED: Transition = Transition {
    guards: &["is_held_back", "not_in_dispute"],
    ..row("free_holdback", &["released"], "released", &[Who::Client, Who::System])
};
const AFTER_RELEASE: Transition = Transition {
    guards: &["not_in_dispute", "dispute_in_time"],
    reason_required: true,
    effects: &["what is held back or was not sent waits, until money can be held no longer"],
    ..row("open_dispute", &["accepted"], "accepted", PARTIES)
};

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
        State {
            name: "disputed",
            meaning: "Frozen: the sides disagree over it, or the payer's bank takes the payment back.",
        },
        State { name: "resolved", meaning: "Divided as a dispute ended, or taken back by the payer's bank." },
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
        Guard { code: "not_in_dispute", needs: "No dispute over it is open." },
        Guard {
            code: "dispute_in_time",
            needs: "Thirty days have not passed since the decision, and something was accepted.",
        },
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
        row("charge_back", &["disputed"], "resolved", SYSTEM),
        Transition {
            reason_required: true,
            effects: &["its money is frozen", "its other clocks stop"],
            ..row("open_dispute", HELD, "disputed", PARTIES)
        },
        AFTER_RELEASE,
        Transition { from: &["accepted_partial"], to: "accepted_partial", ..AFTER_RELEASE },
        Transition { from: &["auto_accepted"], to: "auto_accepted", ..AFTER_RELEASE },
        Transition { from: &["released"], to: "released", ..AFTER_RELEASE },
        Transition { from: &["settled"], to: "settled", ..AFTER_RELEASE },
        Transition {
            effects: &["decision as the dispute ended", "release", "refund"],
            ..row("divide", &["disputed"], "resolved", SYSTEM)
        },
        Transition {
            effects: &["what a dispute gives the client of it goes back"],
            ..row(
                "divide_accepted",
                &["accepted", "accepted_partial", "auto_accepted", "released", "settled"],
                "resolved",
                SYSTEM,
            )
        },
        Transition {
            effects: &["money that arrives too late goes back: decision", "refund"],
            ..row("return_money", &["cancelled"], "refunded", SYSTEM)
        },
        row("transfer", &["accepted", "accepted_partial", "auto_accepted"], "released", SYSTEM),
        Transition { clock: Some("free_holdback at the agreed date"), ..FREED },
        Transition { from: &["accepted"], to: "accepted", ..FREED },
        Transition { from: &["accepted_partial"], to: "accepted_partial", ..FREED },
        Transition { from: &["auto_accepted"], to: "auto_accepted", ..FREED },
        Transition { from: &["resolved"], to: "resolved", ..FREED },
        row("settle", &["released"], "settled", SYSTEM),
    ],
};
