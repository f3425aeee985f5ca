//! What must hold between the decisions on milestones and the ledger.

use assay_ledger::Invariant;

/// Numbers 5 and 14 of the design, and the uniqueness of decisions.
pub const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "decisions_are_booked",
        meaning: "What the decisions on a milestone released, held back and earned is what the ledger did.",
        offenders: "SELECT count(*) FROM (
                SELECT m.id, m.released, m.client_fee, m.held_back, m.refunded,
                    (SELECT coalesce(sum(d.released), 0) FROM milestone_decisions d WHERE d.milestone_id = m.id) AS r,
                    (SELECT coalesce(sum(d.client_fee), 0) FROM milestone_decisions d WHERE d.milestone_id = m.id) AS c,
                    (SELECT coalesce(sum(d.held_back), 0) FROM milestone_decisions d WHERE d.milestone_id = m.id) AS h,
                    (SELECT coalesce(sum(d.refunded), 0) FROM milestone_decisions d WHERE d.milestone_id = m.id) AS b,
                    (SELECT count(*) FROM milestone_decisions d WHERE d.milestone_id = m.id AND d.released > 0) AS n,
                    (SELECT count(*) FROM ledger_transactions t WHERE t.milestone = m.id AND t.kind = 'release') AS k
                FROM milestones m) x
            WHERE (x.released, x.client_fee, x.held_back, x.refunded) <> (x.r, x.c, x.h, x.b) OR x.n <> x.k",
    },
    Invariant {
        name: "milestone_states_agree",
        meaning: "A milestone's held money is what its state says: all that is not accepted while it is open, none once \
                  it is decided, and what is held back until it is freed.",
        offenders: "SELECT count(*) FROM milestones m
            LEFT JOIN ledger_accounts h ON h.owner = m.id AND h.kind = 'hold' AND h.currency = m.currency
            LEFT JOIN ledger_guards hg ON hg.account = h.id
            LEFT JOIN ledger_accounts f ON f.owner = m.id AND f.kind = 'hold_frozen' AND f.currency = m.currency
            LEFT JOIN ledger_guards fg ON fg.account = f.id
            WHERE m.state NOT IN ('disputed', 'resolved') AND (
                coalesce(hg.balance, 0) <> CASE
                    WHEN m.state IN ('funded', 'in_work', 'delivered', 'changes_requested', 'refund_requested')
                    THEN m.amount - m.released - (m.held_back - m.freed) ELSE 0 END
                OR coalesce(fg.balance, 0) <> m.held_back - m.freed)",
    },
    Invariant {
        name: "closed_milestones_are_decided",
        meaning: "A milestone that was paid and is closed has exactly one closing decision; an open one has none.",
        offenders: "SELECT count(*) FROM milestones m
            WHERE (SELECT count(*) FROM milestone_decisions d WHERE d.milestone_id = m.id AND d.terminal)
                <> CASE WHEN m.funded_at IS NOT NULL AND m.state NOT IN
                    ('funded', 'in_work', 'delivered', 'changes_requested', 'refund_requested', 'disputed')
                   THEN 1 ELSE 0 END",
    },
];
