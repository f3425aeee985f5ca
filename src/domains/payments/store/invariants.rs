//! What must hold of payments, for the ledger's check.

use assay_ledger::Invariant;

/// Payments' own.
pub const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "movements_are_booked",
        meaning: "What the provider has made is in the ledger: payments, transfers, refunds; so are refunds past it.",
        offenders: "SELECT (SELECT count(*) FROM payments p WHERE p.state = 'succeeded' AND NOT EXISTS (
                SELECT FROM ledger_transactions t WHERE t.key = 'funded:' || p.balance_transaction))
            + (SELECT count(*) FROM transfers x WHERE x.state IN ('paid', 'returned') AND x.amount > 0 AND NOT EXISTS (
                SELECT FROM ledger_transactions t WHERE t.key = 'transfer_confirmed:' || x.command_id))
            + (SELECT count(*) FROM refunds r WHERE r.state = 'succeeded' AND NOT EXISTS (
                SELECT FROM ledger_transactions t WHERE t.key = 'refund_confirmed:' || r.command_id))
            + (SELECT count(*) FROM refunds r WHERE (r.state = 'paid_out_of_band') <> EXISTS (
                SELECT FROM ledger_transactions t WHERE t.key = 'refund_out_of_band:' || r.id))",
    },
    Invariant {
        name: "one_effect",
        meaning: "No transfer or refund was made by two of its requests, unless the first came back.",
        offenders: "SELECT count(*) FROM (SELECT c.subject FROM provider_commands c
            LEFT JOIN refunds r ON r.id = c.subject
            WHERE c.state = 'confirmed' AND c.kind IN ('payment', 'transfer', 'reversal', 'payout')
               OR c.state = 'confirmed' AND c.kind = 'refund' AND NOT EXISTS (
                  SELECT FROM ledger_transactions t JOIN ledger_transactions b ON b.reverses = t.id
                  WHERE t.key = 'refund_confirmed:' || c.id)
            GROUP BY c.subject HAVING count(*) > 1) twice",
    },
    Invariant {
        name: "within_the_charge",
        meaning: "Transfers less reversals, and refunds, are each within the payment.",
        offenders: "SELECT count(*) FROM payments p WHERE
            (SELECT coalesce(sum(x.amount - x.reversed), 0) FROM transfers x
                WHERE x.payment_id = p.id AND x.state IN ('queued', 'submitted', 'paid')) > p.amount + p.fee
            OR (SELECT coalesce(sum(r.amount + r.fee - r.charged_back), 0) FROM refunds r
                WHERE r.payment_id = p.id AND r.state IN ('queued', 'submitted', 'succeeded', 'paid_out_of_band'))
                > p.amount + p.fee",
    },
    Invariant {
        name: "nothing_leaves_while_disputed",
        meaning: "No transfer or refund was asked for while the payer's bank took the payment back.",
        // By the order in which the ledger, under the payment's lock, was told of both: several machines' clocks differ.
        offenders: "SELECT count(*) FROM provider_disputes d
            JOIN ledger_transactions o ON o.key = 'dispute_opened:' || d.id
            JOIN (SELECT payment_id, id FROM transfers UNION ALL SELECT payment_id, id FROM refunds) m
                ON m.payment_id = d.payment_id
            JOIN provider_commands c ON c.subject = m.id
            JOIN ledger_transactions t ON t.key IN ('transfer_commanded:' || c.id, 'refund_commanded:' || c.id)
            WHERE t.id > o.id AND NOT EXISTS (SELECT FROM ledger_transactions e WHERE e.id < t.id
                AND e.key IN ('dispute_won:' || d.id, 'dispute_lost:' || d.id))",
    },
    Invariant {
        name: "losses_are_booked",
        meaning: "What the platform bears of disputes that it lost is what it has booked.",
        offenders: "SELECT count(*) FROM (SELECT currency, sum(loss) AS said FROM provider_disputes GROUP BY 1) d
            FULL JOIN (SELECT a.currency, sum(e.amount) AS booked FROM ledger_accounts a
                JOIN ledger_entries e ON e.account = a.id WHERE a.kind = 'chargeback_loss' GROUP BY 1) l USING (currency)
            WHERE coalesce(d.said, 0) <> coalesce(l.booked, 0)",
    },
    Invariant {
        name: "own_money_is_paid_out",
        meaning: "Payouts of the platform were made from its own money: at the newest of each currency, what it had \
                  earned, less what it had spent, advanced and paid out before, covered it.",
        offenders: "SELECT count(*) FROM (SELECT DISTINCT ON (t.currency) t.id, t.currency FROM payouts p
                JOIN ledger_transactions t ON t.key = 'payout_commanded:' || p.command_id
                WHERE p.developer_id IS NULL ORDER BY t.currency, t.id DESC) t
            WHERE (SELECT sum(-e.amount) FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account
                WHERE a.currency = t.currency AND e.transaction <= t.id AND a.kind IN ('platform_fee', 'stripe_fee',
                    'dispute_fee', 'chargeback_loss', 'bank', 'developer_receivable', 'dispute_hold')) < 0",
    },
    Invariant {
        name: "two_people",
        meaning: "What a second person had to confirm was carried out by two people, neither of whom gets the money.",
        offenders: "SELECT count(*) FROM money_approvals WHERE state = 'carried_out' AND (decided_by_id IS NULL
                OR decided_by_id = proposed_by_id OR beneficiary_id IN (decided_by_id, proposed_by_id))",
    },
    Invariant {
        name: "requests_end",
        meaning: "No request to the provider is without an end for more than two days.",
        offenders: "SELECT count(*) FROM provider_commands
            WHERE settled_at IS NULL AND created_at < at.now - interval '2 days'",
    },
    Invariant {
        name: "inbox_empties",
        meaning: "No event of the provider waits for more than four days.",
        offenders: "SELECT count(*) FROM provider_events
            WHERE state = 'new' AND received_at < at.now - interval '4 days'",
    },
    Invariant {
        name: "no_open_differences",
        meaning: "Ledger and provider agree, or somebody has explained why not.",
        offenders: "SELECT count(*) FROM provider_differences WHERE resolved_at IS NULL",
    },
];
