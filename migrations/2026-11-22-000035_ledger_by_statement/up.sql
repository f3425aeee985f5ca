-- A posting cost five bare inserts, most of it the start of one statement for each line and each look. Now the lines are
-- looked up, written and counted by a statement each: docs/decisions/0018-ledger.md.

-- Parsed anew by every insert; the trigger below holds the same.
ALTER TABLE ledger_transactions DROP CONSTRAINT ledger_transactions_key_check;
-- The trigger looks the reversed transaction up, guards come with their account, and neither can go away.
ALTER TABLE ledger_transactions DROP CONSTRAINT ledger_transactions_reverses_fkey;
ALTER TABLE ledger_guards DROP CONSTRAINT ledger_guards_account_fkey;

-- Everything that a transaction must be, in one pass; then its entries and guards.
CREATE OR REPLACE FUNCTION ledger_transaction_posted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lines integer := coalesce(array_length(NEW.accounts, 1), 0);
    total numeric := 0;
    written integer;
BEGIN
    IF NEW.key = '' OR length(NEW.key) > 200 THEN
        RAISE EXCEPTION 'ledger: a key has 1 to 200 characters'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transactions_key_check';
    END IF;
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
    -- Not by '=': on small tables an index that ends with the currency would be read whole, and for ever after.
    INSERT INTO ledger_entries (account, transaction, amount)
        SELECT a.id, NEW.id, NEW.amounts[array_position(NEW.accounts, a.id)] FROM ledger_accounts a
        WHERE a.id = ANY (NEW.accounts) AND a.currency IS NOT DISTINCT FROM NEW.currency;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> lines THEN
        RAISE EXCEPTION 'ledger: an account is unknown or holds another currency'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_one_currency';
    END IF;
    UPDATE ledger_guards SET balance = balance + NEW.amounts[array_position(NEW.accounts, account)] * side
        WHERE account = ANY (NEW.accounts);
    RETURN NULL;
END $$;

DROP FUNCTION ledger_post(
    text, text, text, text[], uuid[], bigint[], uuid, uuid, bigint, timestamptz, timestamptz);

-- The way in: opens the accounts that are not there yet and posts, in one statement. Answers the transaction's number;
-- below zero if it was there already: the same key with the same content is the first transaction again, with other
-- content it is refused. One number, since a row of two cost a tenth of the whole. Its caller needs no right on the
-- tables.
-- By indexes only, in the trigger too: a session that plans on small tables would scan them for ever, and guards read in
-- the order of their index are locked in ascending order, so that two transactions cannot wait for each other.
CREATE FUNCTION ledger_post(
    p_kind text, p_key text, p_currency text, p_kinds text[], p_owners uuid[],
    p_amounts bigint[], p_contract uuid, p_milestone uuid, p_reverses bigint, p_at timestamptz, p_now timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    v_accounts bigint[];
    v_amounts bigint[];
    v_id bigint;
BEGIN
    FOR attempt IN 1..2 LOOP
        SELECT array_agg(l.account), array_agg(l.amount) INTO v_accounts, v_amounts FROM (
            SELECT u.amount, (SELECT a.id FROM ledger_accounts a
                WHERE a.kind = u.kind AND a.owner = u.owner AND a.currency = p_currency) AS account
            FROM (SELECT unnest(p_kinds) AS kind, unnest(p_owners) AS owner, unnest(p_amounts) AS amount) u
            ORDER BY account) l;
        -- Unknown ones are the last.
        EXIT WHEN v_accounts[cardinality(v_accounts)] IS NOT NULL;
        INSERT INTO ledger_accounts (kind, owner, currency, side, guarded, created_at)
            SELECT u.kind, u.owner, p_currency, k.side, k.guarded, p_now
            FROM unnest(p_kinds, p_owners) AS u (kind, owner) JOIN ledger_kinds k USING (kind)
            ORDER BY u.kind, u.owner
            ON CONFLICT DO NOTHING;
    END LOOP;
    INSERT INTO ledger_transactions AS t
        (kind, key, currency, accounts, amounts, contract, milestone, reverses, effective_at, created_at)
    VALUES (p_kind, p_key, p_currency, v_accounts, v_amounts, p_contract, p_milestone, p_reverses, p_at, p_now)
    ON CONFLICT (key) DO NOTHING RETURNING t.id INTO v_id;
    IF v_id IS NOT NULL THEN
        RETURN v_id;
    END IF;
    SELECT t.id INTO v_id FROM ledger_transactions t
    WHERE t.key = p_key AND t.kind = p_kind AND t.currency = p_currency AND t.accounts = v_accounts
      AND t.amounts = v_amounts AND t.contract IS NOT DISTINCT FROM p_contract
      AND t.milestone IS NOT DISTINCT FROM p_milestone AND t.reverses IS NOT DISTINCT FROM p_reverses;
    IF v_id IS NULL THEN
        RAISE EXCEPTION 'ledger: key % was used for another content', p_key
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'ledger_key_content';
    END IF;
    RETURN -v_id;
END $$;
REVOKE ALL ON FUNCTION ledger_post FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'assay_ledger') THEN
        GRANT EXECUTE ON FUNCTION ledger_post TO assay_ledger;
    END IF;
END $$;
