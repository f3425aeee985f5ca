//! The process table of disputes.

use assay_kernel::process::{Guard, Machine, State, Transition, Who, row};
use assay_kernel::{Permission, string_enum};

use super::{PARTIES, SYSTEM};

string_enum! {
    /// Where a dispute stands.
    pub enum DisputeState {
        /// Opened; the money is frozen.
        Opened = "opened",
        /// The other side is asked.
        ResponseDue = "response_due",
        /// Both sides make offers.
        Negotiation = "negotiation",
        /// A mediator is to propose.
        Mediation = "mediation",
        /// The mediator has proposed; both sides answer.
        ProposalOut = "proposal_out",
        /// Both sides agreed.
        Settled = "settled",
        /// Somebody else of the staff is to decide.
        Arbitration = "arbitration",
        /// Decided; it is carried out when nobody finds an error of arithmetic.
        Awarded = "awarded",
        /// Carried out.
        Executed = "executed",
        /// Taken back.
        Withdrawn = "withdrawn",
        /// Never answered: decided as claimed.
        Defaulted = "defaulted",
        /// Not ended in the time for which money can be held.
        Expired = "expired",
    }
}

impl DisputeState {
    /// Is the money still frozen?
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Settled | Self::Executed | Self::Withdrawn | Self::Defaulted | Self::Expired)
    }
}

/// Who mediates and arbitrates: those who decide applications and appeals, used to weigh evidence against criteria.
/// Not finance, who carry the money out; not curators, who shaped the project.
pub const REVIEWER: &[Who] = &[Who::Staff(Permission::Reviewer)];

/// States in which the sides can still agree with each other.
const TALKING: &[&str] = &["negotiation", "mediation", "proposal_out", "arbitration"];
const ACCEPT_PROPOSAL: Transition = Transition {
    guards: &["not_answered_by_you"],
    ..row("accept_proposal", &["proposal_out"], "proposal_out", PARTIES)
};

const LOSE_PART: Transition = Transition {
    effects: &[
        "the payer's bank has taken a part of what is held for the client: the dispute is over the rest",
    ],
    ..row("lose_part", &["response_due"], "response_due", SYSTEM)
};

/// Disputes.
pub const DISPUTE: Machine = Machine {
    name: "dispute",
    version: "2026-11-21",
    meaning: "The sides of a contract disagree over a milestone's money. It is frozen until they agree or staff decide; \
              other milestones go on.",
    initial: "opened",
    states: &[
        State { name: "opened", meaning: "A side has opened it; the milestone's money is frozen." },
        State {
            name: "response_due",
            meaning: "The other side is to answer within seven days; silence grants the claim.",
        },
        State { name: "negotiation", meaning: "Both sides make offers, for five days." },
        State {
            name: "mediation",
            meaning: "A mediator with no tie to the case proposes within three business days.",
        },
        State {
            name: "proposal_out",
            meaning: "The mediator has proposed, each finding with what it rests on; both answer within five days.",
        },
        State { name: "settled", meaning: "Both sides agreed, and the money was divided so." },
        State { name: "arbitration", meaning: "Another person decides." },
        State {
            name: "awarded",
            meaning: "Decided. It is carried out after the days in which an error of arithmetic can be shown.",
        },
        State { name: "executed", meaning: "The award was carried out." },
        State {
            name: "withdrawn",
            meaning: "Taken back by who opened it, or without an object: things go on where they stood.",
        },
        State { name: "defaulted", meaning: "Never answered: the money was divided as claimed." },
        State {
            name: "expired",
            meaning: "Not ended in the time for which the provider lets money be held: it was divided as the mediator \
                      proposed, and without a proposal as if nobody had disputed.",
        },
    ],
    guards: &[
        Guard { code: "asked_of_you", needs: "The other side opened the dispute." },
        Guard { code: "opened_by_you", needs: "Your side opened the dispute." },
        Guard { code: "offer_of_other_side", needs: "An offer of the other side stands." },
        Guard { code: "not_answered_by_you", needs: "Your side has not accepted the proposal yet." },
        Guard { code: "no_award_pending", needs: "No award waits for a second person's confirmation." },
        Guard { code: "not_appealed", needs: "Nobody has appealed yet: there is one appeal." },
        Guard { code: "appeal_waits", needs: "An appeal waits for its answer." },
        Guard {
            code: "no_tie",
            needs: "No part in the case: no side of it, no organisation or employer in common, neither curated the \
                    project nor assessed the developer.",
        },
        Guard { code: "another_person", needs: "Another person than those who proposed or decided before." },
    ],
    transitions: &[
        Transition {
            effects: &["first notice to the other side"],
            clock: Some("second notice after 4 days, default after 7"),
            ..row("ask_response", &["opened"], "response_due", SYSTEM)
        },
        Transition {
            guards: &["asked_of_you"],
            clock: Some("escalate after 5 days"),
            ..row("respond", &["response_due"], "negotiation", PARTIES)
        },
        Transition {
            clock: Some("7 days without an answer"),
            effects: &["decision as claimed", "release", "refund"],
            ..row("default", &["response_due"], "defaulted", SYSTEM)
        },
        row("offer", &["negotiation"], "negotiation", PARTIES),
        row("offer", &["mediation"], "mediation", PARTIES),
        row("offer", &["proposal_out"], "proposal_out", PARTIES),
        row("offer", &["arbitration"], "arbitration", PARTIES),
        Transition {
            guards: &["offer_of_other_side"],
            effects: &["decision as offered", "release", "refund"],
            ..row("accept_offer", TALKING, "settled", PARTIES)
        },
        Transition {
            clock: Some("5 days of negotiation; propose_overdue after 3 business days"),
            ..row("escalate", &["negotiation"], "mediation", &[Who::Client, Who::Developer, Who::System])
        },
        Transition {
            guards: &["no_tie"],
            clock: Some("give_up_proposal after 5 days"),
            ..row("propose", &["mediation"], "proposal_out", REVIEWER)
        },
        ACCEPT_PROPOSAL,
        Transition {
            to: "settled",
            effects: &["with the second side: decision as proposed", "release", "refund"],
            ..ACCEPT_PROPOSAL
        },
        row("reject_proposal", &["proposal_out"], "arbitration", PARTIES),
        Transition {
            clock: Some("5 days without both answers"),
            ..row("give_up_proposal", &["proposal_out"], "arbitration", SYSTEM)
        },
        Transition {
            guards: &["no_tie", "another_person", "no_award_pending"],
            reason_required: true,
            clock: Some("execute after 5 days"),
            effects: &["above a threshold only when a second person has confirmed it"],
            ..row("award", &["arbitration"], "awarded", REVIEWER)
        },
        Transition {
            guards: &["not_appealed"],
            reason_required: true,
            effects: &["for an error of arithmetic only", "the award waits for the answer"],
            ..row("appeal", &["awarded"], "awarded", PARTIES)
        },
        Transition {
            guards: &["appeal_waits", "no_tie", "another_person"],
            reason_required: true,
            ..row("decide_appeal", &["awarded"], "awarded", REVIEWER)
        },
        Transition {
            clock: Some("5 days after the award, or with the answer to an appeal"),
            effects: &["decision", "release", "refund", "the loser's fee, out of what the loser gets"],
            ..row("execute", &["awarded"], "executed", SYSTEM)
        },
        Transition {
            clock: Some("the end of the time for which money can be held"),
            effects: &["decision", "release", "refund", "an appeal is not waited for"],
            ..row("force", &["awarded"], "executed", SYSTEM)
        },
        Transition {
            clock: Some("the end of the time for which money can be held"),
            effects: &[
                "decision as proposed; without a proposal what is delivered counts as accepted, the rest goes back",
                "release",
                "refund",
            ],
            ..row(
                "force",
                &["response_due", "negotiation", "mediation", "proposal_out", "arbitration"],
                "expired",
                SYSTEM,
            )
        },
        Transition {
            guards: &["opened_by_you"],
            effects: &["the money thaws; the time that the dispute took is added"],
            ..row(
                "withdraw",
                &["response_due", "negotiation", "mediation", "proposal_out", "arbitration"],
                "withdrawn",
                PARTIES,
            )
        },
        LOSE_PART,
        Transition { from: &["negotiation"], to: "negotiation", ..LOSE_PART },
        Transition { from: &["mediation"], to: "mediation", ..LOSE_PART },
        Transition { from: &["proposal_out"], to: "proposal_out", ..LOSE_PART },
        Transition { from: &["arbitration"], to: "arbitration", ..LOSE_PART },
        Transition { from: &["awarded"], to: "awarded", ..LOSE_PART },
        Transition {
            effects: &["the payer's bank has taken the payment: nothing is left to divide"],
            ..row(
                "lose_object",
                &["response_due", "negotiation", "mediation", "proposal_out", "arbitration", "awarded"],
                "withdrawn",
                SYSTEM,
            )
        },
    ],
};
