//! What must hold whatever happened. A domain tells its own by queries that count what offends; the app joins them.

/// Something that must hold.
#[derive(Debug)]
pub struct Invariant {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub meaning: &'static str,
    /// A query for the number of offenders; `at.now` is the time.
    pub offenders: &'static str,
}

/// Every domain's.
pub type Invariants = &'static [&'static [Invariant]];

/// The ledger's own.
pub const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "transactions_balance",
        meaning: "Each transaction sums to zero, in one currency.",
        offenders: "SELECT count(*) FROM ledger_transactions t WHERE (SELECT sum(m) FROM unnest(t.amounts) m) <> 0
            OR EXISTS (SELECT FROM ledger_accounts a WHERE a.id = ANY (t.accounts) AND a.currency <> t.currency)",
    },
    Invariant {
        name: "ledger_balances",
        meaning: "All entries of a currency sum to zero.",
        offenders: "SELECT count(*) FROM (SELECT FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account
            GROUP BY a.currency HAVING sum(e.amount) <> 0) off",
    },
    Invariant {
        name: "entries_are_the_journal",
        meaning: "The entries are the lines of the journal, all of them and no others.",
        offenders: "SELECT count(*) FROM (SELECT t.id, u.account, u.amount FROM ledger_transactions t
                CROSS JOIN LATERAL unnest(t.accounts, t.amounts) AS u (account, amount)) j
            FULL JOIN ledger_entries e ON e.account = j.account AND e.transaction = j.id
            WHERE e.amount IS DISTINCT FROM j.amount",
    },
    Invariant {
        name: "guards_are_sums",
        meaning: "A guarded account's row is the sum of its entries.",
        offenders: "SELECT count(*) FROM ledger_accounts a LEFT JOIN ledger_guards g ON g.account = a.id
            LEFT JOIN (SELECT account, sum(amount) AS sum FROM ledger_entries GROUP BY account) e ON e.account = a.id
            WHERE a.guarded AND g.balance IS DISTINCT FROM a.side * coalesce(e.sum, 0)",
    },
    Invariant {
        name: "guards_hold",
        meaning: "No guarded account is below zero.",
        offenders: "SELECT count(*) FROM ledger_guards WHERE balance < 0",
    },
    Invariant {
        name: "milestones_conserve",
        meaning: "What a milestone was funded with is released, refunded, lost, or still there.",
        offenders: "SELECT count(*) FROM (
            SELECT a.owner AS milestone, a.currency, sum(g.balance) AS there FROM ledger_guards g
            JOIN ledger_accounts a ON a.id = g.account AND a.kind IN ('hold', 'hold_frozen', 'fee_deferred')
            GROUP BY 1, 2) h
            FULL JOIN (SELECT t.milestone, t.currency, sum(u.amount) AS moved FROM ledger_transactions t
                CROSS JOIN LATERAL unnest(t.accounts, t.amounts) AS u (account, amount)
                JOIN ledger_accounts a ON a.id = u.account AND a.kind NOT IN ('hold', 'hold_frozen', 'fee_deferred')
                WHERE t.milestone IS NOT NULL GROUP BY 1, 2) m USING (milestone, currency)
            WHERE coalesce(h.there, 0) <> coalesce(m.moved, 0)",
    },
    Invariant {
        name: "clearing_empties",
        meaning: "No money is on its way for longer than five days.",
        offenders: "SELECT count(*) FROM ledger_guards g JOIN ledger_accounts a ON a.id = g.account
            WHERE a.kind LIKE 'clearing\\_%' AND g.balance <> 0 AND a.created_at < at.now - interval '5 days'",
    },
    Invariant {
        name: "reversals_are_opposites",
        meaning: "What takes a transaction back is its exact opposite, once.",
        offenders: "SELECT count(*) FROM ledger_transactions r JOIN ledger_transactions t ON t.id = r.reverses
            WHERE t.accounts <> r.accounts OR t.currency <> r.currency OR t.reverses IS NOT NULL
               OR t.amounts <> ARRAY(SELECT -m FROM unnest(r.amounts) WITH ORDINALITY AS u (m, n) ORDER BY n)
               OR (SELECT count(*) FROM ledger_transactions o WHERE o.reverses = t.id) > 1",
    },
    Invariant {
        name: "snapshots_are_sums",
        meaning: "A snapshot is the sum of the entries up to it.",
        // Each is held to the one before it, so that no entry is read twice.
        offenders: "SELECT count(*) FROM (SELECT account, upto, balance, coalesce(lag(upto) OVER w, 0) AS since,
                coalesce(lag(balance) OVER w, 0) AS before FROM ledger_snapshots
                WINDOW w AS (PARTITION BY account ORDER BY upto)) s
            WHERE s.balance - s.before <> (SELECT coalesce(sum(e.amount), 0) FROM ledger_entries e
                WHERE e.account = s.account AND e.transaction > s.since AND e.transaction <= s.upto)",
    },
];
