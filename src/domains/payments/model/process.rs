//! The process tables of payments.

use assay_kernel::Permission;
use assay_kernel::process::{Guard, Machine, State, TRANSITION, Transition, Who};

const fn state(name: &'static str, meaning: &'static str) -> State {
    State { name, meaning }
}

const SYSTEM: &[Who] = &[Who::System];
const FINANCE: &[Who] = &[Who::Staff(Permission::Finance)];

/// A client's payment for a milestone.
pub const PAYMENT: Machine = Machine {
    name: "payment",
    version: "1",
    meaning: "A client's payment for a milestone. Money is held from `succeeded` on, never before.",
    initial: "pending",
    states: &[
        state("pending", "The provider is asked for it."),
        state("requires_action", "The payer must say yes to their bank."),
        state("processing", "A bank debit is under way: up to four business days."),
        state("succeeded", "The money is here and held for the milestone."),
        state("failed", "It was refused; a new payment can be made."),
        state("canceled", "It was given up; a new payment can be made."),
    ],
    guards: &[],
    transitions: &[
        Transition {
            event: "require_action",
            from: &["pending", "processing"],
            to: "requires_action",
            who: SYSTEM,
            ..TRANSITION
        },
        Transition {
            event: "process",
            from: &["pending", "requires_action"],
            to: "processing",
            who: SYSTEM,
            ..TRANSITION
        },
        Transition {
            event: "succeed",
            // Also what we took for failed: the provider's word counts.
            from: &["pending", "requires_action", "processing", "failed", "canceled"],
            to: "succeeded",
            who: SYSTEM,
            effects: &["the money is held for the milestone"],
            ..TRANSITION
        },
        Transition {
            event: "fail",
            from: &["pending", "requires_action", "processing"],
            to: "failed",
            who: SYSTEM,
            ..TRANSITION
        },
        Transition {
            event: "cancel",
            from: &["pending", "requires_action", "processing"],
            to: "canceled",
            who: SYSTEM,
            ..TRANSITION
        },
    ],
};

const HELD_FOR_TAX: Transition = Transition {
    event: "hold_for_tax",
    from: &["incomplete"],
    to: "incomplete",
    who: FINANCE,
    guards: &["no_tax_hold"],
    effects: &["transfers wait for tax papers"],
    reason_required: true,
    ..TRANSITION
};
const TAX_CLEARED: Transition = Transition {
    event: "clear_tax_hold",
    guards: &["tax_hold"],
    effects: &["transfers that waited are sent"],
    ..HELD_FOR_TAX
};

/// Somebody who is paid.
pub const PAYEE: Machine = Machine {
    name: "payee",
    version: "1",
    meaning: "A developer's account at the payment provider, as the provider sees it.",
    initial: "incomplete",
    states: &[
        state("incomplete", "The provider's questions are not answered."),
        state("pending_review", "They are answered, and the provider checks them."),
        state("active", "Money can be sent."),
        state("restricted", "The provider asks for something again; money waits."),
        state("blocked", "The provider, or our finance staff, sends no money there."),
    ],
    guards: &[
        Guard { code: "staffs_block", needs: "the block is the finance staff's own" },
        Guard { code: "no_tax_hold", needs: "transfers do not wait for tax papers" },
        Guard { code: "tax_hold", needs: "transfers wait for tax papers" },
    ],
    transitions: &[
        Transition {
            event: "answer",
            from: &["incomplete"],
            to: "pending_review",
            who: SYSTEM,
            ..TRANSITION
        },
        Transition {
            event: "activate",
            from: &["incomplete", "pending_review", "restricted"],
            to: "active",
            who: SYSTEM,
            effects: &["transfers that waited are sent"],
            ..TRANSITION
        },
        Transition {
            event: "restrict",
            from: &["active", "pending_review"],
            to: "restricted",
            who: SYSTEM,
            ..TRANSITION
        },
        Transition {
            event: "block",
            from: &["incomplete", "pending_review", "active", "restricted"],
            to: "blocked",
            who: &[Who::System, Who::Staff(Permission::Finance)],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: "unblock",
            from: &["blocked"],
            to: "restricted",
            who: FINANCE,
            guards: &["staffs_block"],
            effects: &["the provider is asked how it stands"],
            reason_required: true,
            ..TRANSITION
        },
        HELD_FOR_TAX,
        Transition { from: &["pending_review"], to: "pending_review", ..HELD_FOR_TAX },
        Transition { from: &["active"], to: "active", ..HELD_FOR_TAX },
        Transition { from: &["restricted"], to: "restricted", ..HELD_FOR_TAX },
        Transition { from: &["blocked"], to: "blocked", ..HELD_FOR_TAX },
        TAX_CLEARED,
        Transition { from: &["pending_review"], to: "pending_review", ..TAX_CLEARED },
        Transition { from: &["active"], to: "active", ..TAX_CLEARED },
        Transition { from: &["restricted"], to: "restricted", ..TAX_CLEARED },
        Transition { from: &["blocked"], to: "blocked", ..TAX_CLEARED },
    ],
};

/// Released money on its way to a developer.
pub const TRANSFER: Machine = Machine {
    name: "transfer",
    version: "1",
    meaning: "A release on its way to the developer's account at the payment provider.",
    initial: "accrued",
    states: &[
        state("accrued", "Released; it waits out the days in which the payment may be taken back."),
        state("on_hold", "Something stands in its way: `hold` says what."),
        state("queued", "The provider is about to be asked."),
        state("submitted", "The provider was asked; the answer is not known yet."),
        state("paid", "The developer's account has it."),
        state("failed", "The provider refused; it is tried again."),
        state("returned", "It was taken back whole."),
        state("canceled", "It was given back to the client before it was sent."),
    ],
    guards: &[Guard { code: "not_in_dispute", needs: "the sides of the contract do not disagree over it" }],
    transitions: &[
        Transition {
            event: "queue",
            from: &["accrued", "on_hold", "failed"],
            to: "queued",
            who: SYSTEM,
            clock: Some("release_hold"),
            effects: &["the provider is asked under a new key"],
            ..TRANSITION
        },
        Transition {
            event: "hold",
            from: &["accrued", "failed", "on_hold"],
            to: "on_hold",
            who: &[Who::System, Who::Staff(Permission::Finance)],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: "release_hold",
            from: &["on_hold", "failed"],
            to: "accrued",
            who: &[Who::System, Who::Staff(Permission::Finance)],
            guards: &["not_in_dispute"],
            effects: &["it is queued, unless something else stands in its way"],
            reason_required: true,
            ..TRANSITION
        },
        Transition { event: "submit", from: &["queued"], to: "submitted", who: SYSTEM, ..TRANSITION },
        Transition {
            event: "confirm",
            from: &["queued", "submitted"],
            to: "paid",
            who: SYSTEM,
            ..TRANSITION
        },
        Transition {
            event: "refuse",
            from: &["queued", "submitted"],
            to: "failed",
            who: SYSTEM,
            effects: &["the money is the developer's to be paid again"],
            ..TRANSITION
        },
        Transition {
            event: "offset",
            from: &["accrued", "on_hold", "failed"],
            to: "paid",
            who: SYSTEM,
            effects: &["all of it repaid what the developer owed: nothing is sent"],
            ..TRANSITION
        },
        Transition { event: "return", from: &["paid"], to: "returned", who: SYSTEM, ..TRANSITION },
        Transition {
            event: "cancel",
            from: &["accrued", "on_hold", "failed"],
            to: "canceled",
            who: SYSTEM,
            ..TRANSITION
        },
    ],
};

/// Money on its way back to a client.
pub const REFUND: Machine = Machine {
    name: "refund",
    version: "1",
    meaning: "Money on its way back to a client.",
    initial: "queued",
    states: &[
        state("taking_back", "What was released is taken back from the developer first."),
        state("queued", "The provider is about to be asked."),
        state("submitted", "The provider was asked; the answer is not known yet."),
        state("succeeded", "The provider has sent it."),
        state("refused", "The provider did not take it; the money is where it was."),
        state("failed", "It came back from the payer's bank; the money is where it was."),
        state("paid_out_of_band", "The platform has paid it from its bank, past the provider."),
        state("charged_back", "The payer's bank has given the client all of it: nothing is sent any more."),
    ],
    guards: &[],
    transitions: &[
        Transition { event: "await", from: &["queued"], to: "taking_back", who: SYSTEM, ..TRANSITION },
        Transition { event: "queue", from: &["taking_back"], to: "queued", who: SYSTEM, ..TRANSITION },
        Transition {
            event: "retry",
            from: &["refused", "failed"],
            to: "queued",
            who: FINANCE,
            effects: &["the provider is asked under a new key"],
            reason_required: true,
            ..TRANSITION
        },
        Transition {
            event: "pay_out_of_band",
            from: &["refused", "failed"],
            to: "paid_out_of_band",
            who: FINANCE,
            effects: &["booked against the platform's bank, whence the client is paid"],
            reason_required: true,
            ..TRANSITION
        },
        Transition { event: "submit", from: &["queued"], to: "submitted", who: SYSTEM, ..TRANSITION },
        Transition {
            event: "confirm",
            from: &["queued", "submitted"],
            to: "succeeded",
            who: SYSTEM,
            ..TRANSITION
        },
        Transition {
            event: "refuse",
            from: &["queued", "submitted"],
            to: "refused",
            who: SYSTEM,
            ..TRANSITION
        },
        Transition {
            event: "ask_anew",
            from: &["queued", "submitted"],
            to: "queued",
            who: SYSTEM,
            effects: &["the provider surely did nothing; it is asked under a new key"],
            ..TRANSITION
        },
        Transition { event: "come_back", from: &["succeeded"], to: "failed", who: SYSTEM, ..TRANSITION },
        Transition {
            event: "charge_back",
            from: &["queued", "submitted", "refused", "failed"],
            to: "charged_back",
            who: SYSTEM,
            ..TRANSITION
        },
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sound() {
        for machine in [&PAYMENT, &PAYEE, &TRANSFER, &REFUND, &super::super::approval::APPROVAL] {
            assert_eq!(machine.faults(), Vec::<String>::new(), "{}", machine.name);
        }
    }
}
