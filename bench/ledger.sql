-- What `assay-bench ledger` compares with, and what it begins with.

-- The least that a commit can do.
CREATE TABLE bench_bare (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner uuid NOT NULL,
    amount bigint NOT NULL,
    at timestamptz NOT NULL
);

-- Double entry with every balance changed in place, in the manner of pgledger: a row of each account, the transfer, and
-- entries with the balance before and after. The fee's account is in every release.
CREATE TABLE bench_hot_accounts (
    id bigint PRIMARY KEY,
    balance bigint NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE bench_hot_transfers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL
);
CREATE TABLE bench_hot_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account bigint NOT NULL REFERENCES bench_hot_accounts,
    transfer bigint NOT NULL REFERENCES bench_hot_transfers,
    amount bigint NOT NULL,
    before bigint NOT NULL,
    after bigint NOT NULL
);
CREATE INDEX ON bench_hot_entries (account);
INSERT INTO bench_hot_accounts SELECT n, 1000000000, 0 FROM generate_series(0, 60000) n;

CREATE FUNCTION bench_hot_release(p_hold bigint, p_developer bigint, p_amount bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_transfer bigint;
    line record;
    v_after bigint;
BEGIN
    INSERT INTO bench_hot_transfers (at) VALUES (now()) RETURNING id INTO v_transfer;
    -- Account 0 earns the fee. In ascending order, so that nobody waits in a circle.
    FOR line IN SELECT * FROM (VALUES (0::bigint, -p_amount * 15 / 100), (p_developer, -p_amount),
        (p_hold, p_amount + p_amount * 15 / 100)) AS l (account, amount) ORDER BY account
    LOOP
        UPDATE bench_hot_accounts SET balance = balance + line.amount, version = version + 1
            WHERE id = line.account RETURNING balance INTO v_after;
        INSERT INTO bench_hot_entries (account, transfer, amount, before, after)
            VALUES (line.account, v_transfer, line.amount, v_after - line.amount, v_after);
    END LOOP;
END $$;

-- A milestone that was paid: 1,000.00 held, 150.00 of fee.
CREATE FUNCTION bench_fund(p_from bigint, p_to bigint) RETURNS void LANGUAGE sql AS $$
    SELECT ledger_post('funded', 'funded:bench' || n, 'USD', ARRAY['stripe_platform', 'hold', 'fee_deferred'],
        ARRAY['00000000-0000-0000-0000-000000000000', bench_milestone(n), bench_milestone(n)],
        ARRAY[115000, -100000, -15000], NULL, bench_milestone(n), NULL, now(), now())
    FROM generate_series(p_from, p_to) n
$$;

-- Transactions between two of the platform's accounts, written at once: what the triggers would do to them, done in bulk.
CREATE FUNCTION bench_old(p_count bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_accounts bigint[] := ARRAY(SELECT id FROM ledger_accounts WHERE kind IN ('stripe_platform', 'stripe_fee') ORDER BY id);
    v_after bigint := (SELECT max(id) FROM ledger_transactions);
BEGIN
    INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at)
        SELECT 'processing_fee', 'processing_fee:old' || v_after + n, 'USD', v_accounts, ARRAY[-33, 33], now(), now()
        FROM generate_series(1, p_count) n;
    INSERT INTO ledger_entries (account, transaction, amount)
        SELECT u.account, t.id, u.amount FROM ledger_transactions t, unnest(t.accounts, t.amounts) AS u (account, amount)
        WHERE t.id > v_after;
END $$;
