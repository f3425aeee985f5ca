ALTER TABLE ledger_guards ADD CONSTRAINT ledger_guards_account_fkey
    FOREIGN KEY (account) REFERENCES ledger_accounts;
ALTER TABLE ledger_transactions ADD CONSTRAINT ledger_transactions_reverses_fkey
    FOREIGN KEY (reverses) REFERENCES ledger_transactions;
ALTER TABLE ledger_transactions ADD CONSTRAINT ledger_transactions_key_check CHECK (key <> '' AND length(key) <= 200);

-- Everything that a transaction must be, in one pass; then its entries and guards.
CREATE OR REPLACE FUNCTION ledger_transaction_posted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lines integer := coalesce(array_length(NEW.accounts, 1), 0);
    total numeric := 0;
    is_guarded boolean;
BEGIN
    IF lines < 2 OR lines IS DISTINCT FROM array_length(NEW.amounts, 1) OR array_ndims(NEW.accounts) <> 1
        OR array_lower(NEW.accounts, 1) <> 1 OR array_lower(NEW.amounts, 1) <> 1 THEN
        RAISE EXCEPTION 'ledger: a transaction has at least two lines'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_not_empty';
    END IF;
    FOR i IN 1..lines LOOP
        IF NEW.amounts[i] IS NULL OR NEW.amounts[i] = 0 OR (i > 1 AND NEW.accounts[i] <= NEW.accounts[i - 1]) THEN
            RAISE EXCEPTION 'ledger: each account once, in order, with an amount'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_lines';
        END IF;
        total := total + NEW.amounts[i];
    END LOOP;
    IF total <> 0 THEN
        RAISE EXCEPTION 'ledger: debits and credits differ by %', total
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_zero_sum';
    END IF;
    IF NEW.reverses IS NOT NULL THEN
        -- Asked here and not in the condition above, which would then be a query for every transaction.
        IF NOT EXISTS (
            SELECT FROM ledger_transactions r
            WHERE r.id = NEW.reverses AND r.reverses IS NULL AND r.currency = NEW.currency
              AND r.accounts = NEW.accounts
              AND r.milestone IS NOT DISTINCT FROM NEW.milestone AND r.contract IS NOT DISTINCT FROM NEW.contract
              AND r.amounts = ARRAY(SELECT -m FROM unnest(NEW.amounts) WITH ORDINALITY AS u (m, n) ORDER BY n)) THEN
            RAISE EXCEPTION 'ledger: not the exact opposite of transaction %', NEW.reverses
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_reversal_exact';
        END IF;
    END IF;
    -- In the order of the accounts, so that two transactions cannot wait for each other.
    FOR i IN 1..lines LOOP
        SELECT a.guarded INTO is_guarded FROM ledger_accounts a
        WHERE a.id = NEW.accounts[i] AND a.currency = NEW.currency;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'ledger: an account is unknown or holds another currency'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_one_currency';
        END IF;
        IF is_guarded THEN
            UPDATE ledger_guards SET balance = balance + NEW.amounts[i] * side WHERE account = NEW.accounts[i];
        END IF;
    END LOOP;
    INSERT INTO ledger_entries (account, transaction, amount)
        SELECT u.account, NEW.id, u.amount FROM unnest(NEW.accounts, NEW.amounts) AS u (account, amount);
    RETURN NULL;
END $$;

DROP FUNCTION ledger_post(
    text, text, text, text[], uuid[], bigint[], uuid, uuid, bigint, timestamptz, timestamptz);

-- The way in: opens the accounts that are not there yet and posts, in one statement. The same key with the same content
-- is the first transaction again; with other content it is refused. Its caller needs no right on the tables.
-- Accounts are looked up one by one: a session that planned a join while the tables were small would scan them for ever.
CREATE FUNCTION ledger_post(
    p_kind text, p_key text, p_currency text, p_kinds text[], p_owners uuid[],
    p_amounts bigint[], p_contract uuid, p_milestone uuid, p_reverses bigint, p_at timestamptz, p_now timestamptz)
RETURNS TABLE (id bigint, fresh boolean) LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_found bigint[];
    v_one bigint;
    v_accounts bigint[];
    v_amounts bigint[];
    v_id bigint;
BEGIN
    FOR attempt IN 1..2 LOOP
        v_found := '{}';
        FOR i IN 1..coalesce(array_length(p_kinds, 1), 0) LOOP
            SELECT a.id INTO v_one FROM ledger_accounts a
            WHERE a.kind = p_kinds[i] AND a.owner = p_owners[i] AND a.currency = p_currency;
            EXIT WHEN NOT FOUND;
            v_found := v_found || v_one;
        END LOOP;
        EXIT WHEN cardinality(v_found) = cardinality(p_kinds);
        INSERT INTO ledger_accounts (kind, owner, currency, side, guarded, created_at)
            SELECT u.kind, u.owner, p_currency, k.side, k.guarded, p_now
            FROM unnest(p_kinds, p_owners) AS u (kind, owner) JOIN ledger_kinds k USING (kind)
            ORDER BY u.kind, u.owner
            ON CONFLICT DO NOTHING;
    END LOOP;
    SELECT array_agg(u.account ORDER BY u.account), array_agg(u.amount ORDER BY u.account) INTO v_accounts, v_amounts
    FROM unnest(v_found, p_amounts) AS u (account, amount);
    INSERT INTO ledger_transactions AS t
        (kind, key, currency, accounts, amounts, contract, milestone, reverses, effective_at, created_at)
    VALUES (p_kind, p_key, p_currency, v_accounts, v_amounts, p_contract, p_milestone, p_reverses, p_at, p_now)
    ON CONFLICT (key) DO NOTHING RETURNING t.id INTO v_id;
    IF v_id IS NOT NULL THEN
        RETURN QUERY SELECT v_id, true;
        RETURN;
    END IF;
    SELECT t.id INTO v_id FROM ledger_transactions t
    WHERE t.key = p_key AND t.kind = p_kind AND t.currency = p_currency AND t.accounts = v_accounts
      AND t.amounts = v_amounts AND t.contract IS NOT DISTINCT FROM p_contract
      AND t.milestone IS NOT DISTINCT FROM p_milestone AND t.reverses IS NOT DISTINCT FROM p_reverses;
    IF v_id IS NULL THEN
        RAISE EXCEPTION 'ledger: key % was used for another content', p_key
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'ledger_key_content';
    END IF;
    RETURN QUERY SELECT v_id, false;
END $$;
REVOKE ALL ON FUNCTION ledger_post FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'assay_ledger') THEN
        GRANT EXECUTE ON FUNCTION ledger_post TO assay_ledger;
    END IF;
END $$;
