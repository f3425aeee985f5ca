-- What `assay-bench reconcile` compares: of each five transactions of the provider two are payments, two transfers, one
-- a refund. The rows are those that the service would have written; the ledger is posted to by its own function.

CREATE FUNCTION bench_id(kind integer, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT (lpad(to_hex(kind), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;

INSERT INTO accounts (id, github_id, login, status, roles, display_name, contact_email, github_emails,
    terms_version, version, created_at, updated_at)
VALUES (bench_id(1, 1), 4711, 'bench', 'active', '{developer,client}', 'Bench', 'bench@example.org', '[]', '1', 1, now(), now());
INSERT INTO organisations (id, name, country, created_by_id, created_at, updated_at)
VALUES (bench_id(2, 1), 'Bench Ltd', 'DK', bench_id(1, 1), now(), now());
INSERT INTO payment_methods (id, organisation_id, added_by_id, kind, state, method, created_at, updated_at)
VALUES (bench_id(3, 1), bench_id(2, 1), bench_id(1, 1), 'card', 'verified', 'pm_bench', now(), now());

CREATE FUNCTION bench_book(p_count bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_none uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    PERFORM ledger_post('funded', 'funded:txn_' || n, 'USD', ARRAY['stripe_platform', 'hold', 'fee_deferred'],
        ARRAY[v_none, bench_id(4, n), bench_id(4, n)], ARRAY[115000, -100000, -15000], NULL, bench_id(4, n), NULL, now(), now())
    FROM generate_series(0, p_count - 1) n WHERE n % 5 < 2;
    PERFORM ledger_post('processing_fee', 'processing_fee:txn_' || n, 'USD', ARRAY['stripe_fee', 'stripe_platform'],
        ARRAY[v_none, v_none], ARRAY[3365, -3365], NULL, NULL, NULL, now(), now())
    FROM generate_series(0, p_count - 1) n WHERE n % 5 < 2;
    INSERT INTO payments (id, milestone, contract, organisation_id, method_id, amount, fee, currency, state, payment_intent,
            charge, balance_transaction, created_at, updated_at, succeeded_at)
        SELECT bench_id(5, n), bench_id(4, n), bench_id(6, n), bench_id(2, 1), bench_id(3, 1), 100000, 15000, 'USD',
            'succeeded', 'pi_' || n, 'ch_' || n, 'txn_' || n, now(), now(), now()
        FROM generate_series(0, p_count - 1) n WHERE n % 5 < 2;
    INSERT INTO provider_commands (id, kind, subject, path, body, state, attempts, first_sent_at, next_at, object, created_at,
            settled_at)
        SELECT bench_id(7, n), CASE WHEN n % 5 = 4 THEN 'refund' ELSE 'transfer' END, bench_id(8, n), '/v1/x', '', 'confirmed',
            1, now(), now(), CASE WHEN n % 5 = 4 THEN 're_' ELSE 'tr_' END || n, now(), now()
        FROM generate_series(0, p_count - 1) n WHERE n % 5 >= 2;
    INSERT INTO transfers (id, decision, milestone, contract, developer_id, payment_id, amount, currency, state, payable_from,
            command_id, tries, transfer, created_at, updated_at, paid_at)
        SELECT bench_id(8, n), bench_id(9, n), bench_id(4, n - 2), bench_id(6, n - 2), bench_id(1, 1), bench_id(5, n - 2),
            100000, 'USD', 'paid', now(), bench_id(7, n), 1, 'tr_' || n, now(), now(), now()
        FROM generate_series(0, p_count - 1) n WHERE n % 5 IN (2, 3);
    PERFORM ledger_post('transfer_confirmed', 'transfer_confirmed:' || bench_id(7, n), 'USD',
        ARRAY['clearing_transfer', 'stripe_platform'], ARRAY[bench_id(7, n), v_none], ARRAY[100000, -100000], NULL, NULL, NULL,
        now(), now())
    FROM (SELECT n, ledger_post('release', 'bench_release:' || n, 'USD', ARRAY['hold', 'clearing_transfer'],
            ARRAY[bench_id(4, n - 2), bench_id(7, n)], ARRAY[100000, -100000], NULL, bench_id(4, n - 2), NULL, now(), now())
        FROM generate_series(0, p_count - 1) n WHERE n % 5 IN (2, 3) OFFSET 0) released;
    INSERT INTO refunds (id, decision, milestone, contract, organisation_id, payment_id, source, amount, fee, currency, state,
            command_id, refund, created_at, updated_at)
        SELECT bench_id(8, n), bench_id(9, n), bench_id(4, n - 4), bench_id(6, n - 4), bench_id(2, 1), bench_id(5, n - 4),
            'free', 100000, 15000, 'USD', 'succeeded', bench_id(7, n), 're_' || n, now(), now()
        FROM generate_series(0, p_count - 1) n WHERE n % 5 = 4;
    -- Out of the platform's own money: the holds are empty.
    PERFORM ledger_post('refund_confirmed', 'refund_confirmed:' || bench_id(7, n), 'USD', ARRAY['clearing_refund', 'stripe_platform'],
        ARRAY[bench_id(7, n), v_none], ARRAY[115000, -115000], NULL, NULL, NULL, now(), now())
    FROM (SELECT n, ledger_post('refund_commanded', 'bench_refund:' || n, 'USD', ARRAY['platform_fee', 'clearing_refund'],
            ARRAY[v_none, bench_id(7, n)], ARRAY[115000, -115000], NULL, NULL, NULL, now(), now())
        FROM generate_series(0, p_count - 1) n WHERE n % 5 = 4 OFFSET 0) commanded;
END $$;
