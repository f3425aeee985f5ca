//! The process tables of payments.

use assay_kernel::Permission;
use assay_kernel::process::{Guard, Machine, State, Transition, Who, row};

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
        row("require_action", &["pending", "processing"], "requires_action", SYSTEM),
        row("process", &["pending", "requires_action"], "processing", SYSTEM),
        // Also what we took for failed: the provider's word counts.
        Transition {
            effects: &["the money is held for the milestone"],
            ..row(
                "succeed",
                &["pending", "requires_action", "processing", "failed", "canceled"],
                "succeeded",
                SYSTEM,
            )
        },
        row("fail", &["pending", "requires_action", "processing"], "failed", SYSTEM),
        row("cancel", &["pending", "requires_action", "processing"], "canceled", SYSTEM),
    ],
};

const HELD_FOR_TAX: Transition = Transition {
    guards: &["no_tax_hold"],
    effects: &["transfers wait for tax papers"],
    reason_required: true,
    ..row("hold_for_tax", &["incomplete"], "incomplete", FINANCE)
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
        row("answer", &["incomplete"], "pending_review", SYSTEM),
        Transition {
            effects: &["transfers that waited are sent"],
            ..row("activate", &["incomplete", "pending_review", "restricted"], "active", SYSTEM)
        },
        row("restrict", &["active", "pending_review"], "restricted", SYSTEM),
        Transition {
            reason_required: true,
            ..row(
                "block",
                &["incomplete", "pending_review", "active", "restricted"],
                "blocked",
                &[Who::System, Who::Staff(Permission::Finance)],
            )
        },
        Transition {
            guards: &["staffs_block"],
            effects: &["the provider is asked how it stands"],
            reason_required: true,
            ..row("unblock", &["blocked"], "restricted", FINANCE)
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
            clock: Some("release_hold"),
            effects: &["the provider is asked under a new key"],
            ..row("queue", &["accrued", "on_hold", "failed"], "queued", SYSTEM)
        },
        Transition {
            reason_required: true,
            ..row(
                "hold",
                &["accrued", "failed", "on_hold"],
                "on_hold",
                &[Who::System, Who::Staff(Permission::Finance)],
            )
        },
        Transition {
            guards: &["not_in_dispute"],
            effects: &["it is queued, unless something else stands in its way"],
            reason_required: true,
            ..row(
                "release_hold",
                &["on_hold", "failed"],
                "accrued",
                &[Who::System, Who::Staff(Permission::Finance)],
            )
        },
        row("submit", &["queued"], "submitted", SYSTEM),
        row("confirm", &["queued", "submitted"], "paid", SYSTEM),
        Transition {
            effects: &["the money is the developer's to be paid again"],
            ..row("refuse", &["queued", "submitted"], "failed", SYSTEM)
        },
        Transition {
            effects: &["all of it repaid what the developer owed: nothing is sent"],
            ..row("offset", &["accrued", "on_hold", "failed"], "paid", SYSTEM)
        },
        row("return", &["paid"], "returned", SYSTEM),
        row("cancel", &["accrued", "on_hold", "failed"], "canceled", SYSTEM),
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
        row("await", &["queued"], "taking_back", SYSTEM),
        row("queue", &["taking_back"], "queued", SYSTEM),
        Transition {
            effects: &["the provider is asked under a new key"],
            reason_required: true,
            ..row("retry", &["refused", "failed"], "queued", FINANCE)
        },
        Transition {
            effects: &["booked against the platform's bank, whence the client is paid"],
            reason_required: true,
            ..row("pay_out_of_band", &["refused", "failed"], "paid_out_of_band", FINANCE)
        },
        row("submit", &["queued"], "submitted", SYSTEM),
        row("confirm", &["queued", "submitted"], "succeeded", SYSTEM),
        row("refuse", &["queued", "submitted"], "refused", SYSTEM),
        Transition {
            effects: &["the provider surely did nothing; it is asked under a new key"],
            ..row("ask_anew", &["queued", "submitted"], "queued", SYSTEM)
        },
        row("come_back", &["succeeded"], "failed", SYSTEM),
        row("charge_back", &["queued", "submitted", "refused", "failed"], "charged_back", SYSTEM),
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
