//! Every invariant of the payments finds what offends it: rows broken on purpose.

use serde_json::json;

use super::Deal;

const OWN: assay_ledger::Invariants = &[assay_payments::INVARIANTS];

/// A request like the first transfer's, with an id of its own.
const REQUEST: &str = "INSERT INTO provider_commands
    SELECT (jsonb_populate_record(c, jsonb_build_object('id', '00000000-0000-0000-0000-0000000000aa'))).*
    FROM provider_commands c WHERE c.kind = 'transfer' ORDER BY c.id LIMIT 1;";
/// What it moves, between two of the platform's accounts.
const POSTED: &str = "SELECT ledger_post('KIND', 'KIND:00000000-0000-0000-0000-0000000000aa', 'USD',
    ARRAY['bank', 'stripe_platform'], array_fill('00000000-0000-0000-0000-000000000000'::uuid, ARRAY[2]),
    ARRAY[9000000, -9000000]::bigint[], NULL, NULL, NULL, now(), now());";

/// An invariant, what is done, and the SQL that does it.
fn breaches() -> Vec<(&'static str, &'static str, String)> {
    let posted = |kind: &str| POSTED.replace("KIND", kind);
    vec![
        (
            "movements_are_booked",
            "a payment that the ledger does not know",
            "UPDATE payments SET balance_transaction = 'txn_unknown'".into(),
        ),
        (
            "movements_are_booked",
            "a refund that the ledger does not know",
            "UPDATE refunds SET command_id = (SELECT id FROM provider_commands WHERE kind = 'payment' LIMIT 1)"
                .into(),
        ),
        ("one_effect", "a transfer by two requests", REQUEST.into()),
        (
            "within_the_charge",
            "more sent than was paid",
            "UPDATE transfers SET amount = amount + 9000000 WHERE state = 'paid'".into(),
        ),
        (
            "within_the_charge",
            "more given back than was paid",
            "UPDATE refunds SET amount = amount + 9000000".into(),
        ),
        (
            "nothing_leaves_while_disputed",
            "a transfer asked for after the bank took the payment back",
            format!("{REQUEST} {}", posted("transfer_commanded")),
        ),
        (
            "losses_are_booked",
            "a loss that the ledger does not know",
            "UPDATE provider_disputes SET loss = 100".into(),
        ),
        (
            "own_money_is_paid_out",
            "a payout of the platform that it had not earned",
            format!(
                "{REQUEST} {} INSERT INTO payouts (id, requested_by_id, amount, own, currency, state, command_id,
                    created_at, updated_at) SELECT gen_random_uuid(), id, 9000000, 9000000, 'USD', 'pending',
                    '00000000-0000-0000-0000-0000000000aa', now(), now() FROM accounts LIMIT 1",
                posted("payout_commanded")
            ),
        ),
        (
            "two_people",
            "an act confirmed by whoever proposed it",
            "ALTER TABLE money_approvals DROP CONSTRAINT money_approvals_two_people;
             INSERT INTO money_approvals (id, act, subject, amount, currency, payload, reason, state, proposed_by_id,
                 decided_by_id, expires_at, created_at, decided_at)
             SELECT gen_random_uuid(), 'transfer_release', gen_random_uuid(), 5, 'USD', '{}', 'x', 'carried_out', id, id,
                 now(), now(), now() FROM accounts LIMIT 1"
                .into(),
        ),
        (
            "requests_end",
            "a request without an end",
            "UPDATE provider_commands SET settled_at = NULL, created_at = created_at - interval '3 days'".into(),
        ),
        (
            "inbox_empties",
            "an event that nobody applied",
            "UPDATE provider_events SET state = 'new', received_at = received_at - interval '5 days'".into(),
        ),
        (
            "no_open_differences",
            "a difference that nobody explained",
            "INSERT INTO provider_differences (id, kind, subject, found_at)
             VALUES (gen_random_uuid(), 'not_booked', 'txn_x', now())"
                .into(),
        ),
    ]
}

#[tokio::test]
async fn each_invariant_finds_its_breaches() {
    // Something was sent and something given back before the bank takes the payment.
    let deal = Deal::funded().await;
    deal.release(1, 50_000, 0).await.expect("released");
    deal.refund(2, 20_000).await.expect("asked");
    deal.settle().await;
    deal.order("/_sandbox/disputes", json!({ "charge": deal.charge().await })).await;
    deal.settle().await;

    deal.app.assert_found(OWN, "", &breaches()).await;
    deal.app.stop().await;
}
