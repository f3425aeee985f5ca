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
            WHERE coalesce(hg.balance, 0) <> CASE
                    WHEN m.state IN ('funded', 'in_work', 'delivered', 'changes_requested', 'refund_requested')
                    THEN m.amount - m.refunded - m.released - (m.held_back - m.freed) ELSE 0 END
                OR coalesce(fg.balance, 0) <> CASE WHEN m.state = 'disputed'
                    THEN m.amount - m.refunded - m.released ELSE m.held_back - m.freed END",
    },
    Invariant {
        name: "milestones_add_up",
        meaning: "A paid milestone's amount, once it is decided, is with the developer, held back, with the client, or \
                  with the platform for an arbitration.",
        offenders: "SELECT count(*) FROM milestones m WHERE m.decided_at IS NOT NULL
            AND m.amount <> m.released + (m.held_back - m.freed) + m.refunded
                + (SELECT coalesce(sum(d.arbitration_fee), 0) FROM milestone_decisions d
                    WHERE d.milestone_id = m.id AND d.kind <> 'taken_back')",
    },
    Invariant {
        name: "disputes_are_frozen",
        meaning: "A milestone is frozen for its sides as long as their dispute over it is open, and for one only.",
        offenders: "SELECT count(*) FROM disputes d JOIN milestones m ON m.id = d.milestone_id
            WHERE (d.state NOT IN ('settled', 'executed', 'withdrawn', 'defaulted', 'expired'))
                <> (m.open_dispute_id IS NOT DISTINCT FROM d.id)
               OR (m.open_dispute_id = d.id AND NOT d.after_release AND m.state <> 'disputed')",
    },
    Invariant {
        name: "disputes_are_divided",
        meaning: "What a dispute was over went to the developer, to the client, or to the platform for an arbitration.",
        offenders: "SELECT count(*) FROM disputes d LEFT JOIN LATERAL (SELECT count(*) AS n,
                coalesce(sum(x.released + x.refunded + x.arbitration_fee), 0) AS moved
                FROM milestone_decisions x WHERE x.dispute_id = d.id) x ON true
            WHERE CASE WHEN d.state NOT IN ('settled', 'executed', 'defaulted', 'expired') THEN x.n <> 0
                WHEN NOT d.after_release THEN x.n <> 1 OR x.moved <> d.amount ELSE false END",
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
