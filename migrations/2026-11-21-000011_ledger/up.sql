-- The ledger: double entry, append-only, held by the database itself. Debits are positive, credits negative, in minor
-- units. The reasons: docs/decisions/0018-ledger.md.

-- The chart of accounts; `AccountKind` in code is the same.
CREATE TABLE ledger_kinds (
    kind text PRIMARY KEY,
    -- 1: debits make it grow (assets, expenses); -1: credits do (liabilities, income).
    side smallint NOT NULL CHECK (side IN (1, -1)),
    -- May never go below zero in its own direction.
    guarded boolean NOT NULL,
    UNIQUE (kind, side, guarded)
);
INSERT INTO ledger_kinds (kind, side, guarded) VALUES
    ('stripe_platform', 1, false), ('stripe_reserved', 1, false), ('bank', 1, false),
    ('platform_fee', -1, false), ('stripe_fee', 1, false), ('dispute_fee', 1, false), ('chargeback_loss', 1, false),
    ('hold', -1, true), ('hold_frozen', -1, true), ('fee_deferred', -1, true),
    ('developer_payable', -1, true), ('client_credit', -1, true), ('developer_receivable', 1, true),
    ('dispute_hold', 1, true),
    ('clearing_transfer', -1, true), ('clearing_refund', -1, true), ('clearing_payout', -1, true),
    ('clearing_reversal', -1, true);

CREATE TABLE ledger_accounts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    -- Whose: a person, an organisation, a milestone, a command, a dispute; nil for the platform's own.
    owner uuid NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    side smallint NOT NULL,
    guarded boolean NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT ledger_accounts_once UNIQUE (kind, owner, currency),
    FOREIGN KEY (kind, side, guarded) REFERENCES ledger_kinds (kind, side, guarded)
);
CREATE INDEX ledger_accounts_by_owner ON ledger_accounts (owner);

-- The journal: a row is a whole business fact, so it can be neither unfinished nor added to.
CREATE TABLE ledger_transactions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL CONSTRAINT ledger_transactions_key UNIQUE CHECK (key <> '' AND length(key) <= 200),
    currency text NOT NULL,
    -- Its lines: account by account in ascending order, and how much.
    accounts bigint[] NOT NULL,
    amounts bigint[] NOT NULL,
    contract uuid,
    milestone uuid,
    reverses bigint REFERENCES ledger_transactions,
    effective_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX ledger_transactions_reversed_once ON ledger_transactions (reverses) WHERE reverses IS NOT NULL;
CREATE INDEX ledger_transactions_by_milestone ON ledger_transactions (milestone) WHERE milestone IS NOT NULL;
CREATE INDEX ledger_transactions_by_contract ON ledger_transactions (contract) WHERE contract IS NOT NULL;

-- The lines again, by account. Written by the journal's trigger only, which has looked the accounts up; nothing they
-- point at can go away. So they need no foreign keys, which would cost more than all the rest.
CREATE TABLE ledger_entries (
    account bigint NOT NULL,
    transaction bigint NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (account, transaction)
);

-- The balance of a guarded account in its own direction.
CREATE TABLE ledger_guards (
    account bigint PRIMARY KEY REFERENCES ledger_accounts,
    side smallint NOT NULL,
    balance bigint NOT NULL CONSTRAINT ledger_guards_never_negative CHECK (balance >= 0)
) WITH (fillfactor = 70);

-- Sums of all entries up to a transaction, so that a balance reads the newest entries only.
CREATE TABLE ledger_snapshots (
    account bigint NOT NULL REFERENCES ledger_accounts,
    upto bigint NOT NULL,
    balance bigint NOT NULL,
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (account, upto)
);

-- What the last checks of the invariants found.
CREATE TABLE ledger_checks (
    id uuid PRIMARY KEY,
    checked_at timestamptz NOT NULL,
    findings jsonb NOT NULL
);
CREATE INDEX ledger_checks_newest ON ledger_checks (checked_at);

CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger: % on % is refused', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_append_only', TABLE = TG_TABLE_NAME;
END $$;

CREATE FUNCTION ledger_account_opened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_guards (account, side, balance) VALUES (NEW.id, NEW.side, 0);
    RETURN NULL;
END $$;

-- Everything that a transaction must be, in one pass; then its entries and guards.
CREATE FUNCTION ledger_transaction_posted() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER ledger_opened AFTER INSERT ON ledger_accounts FOR EACH ROW WHEN (NEW.guarded)
    EXECUTE FUNCTION ledger_account_opened();
CREATE TRIGGER ledger_posted AFTER INSERT ON ledger_transactions FOR EACH ROW
    EXECUTE FUNCTION ledger_transaction_posted();

-- The owner of the tables is held as well: the triggers fire for everybody, also in replication mode. What the two
-- functions above write, they write one trigger deep; nobody else may.
DO $$
DECLARE
    it record;
BEGIN
    FOR it IN SELECT unnest(ARRAY['ledger_kinds', 'ledger_accounts', 'ledger_transactions', 'ledger_entries',
        'ledger_snapshots']) AS name
    LOOP
        EXECUTE format('CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()', it.name);
    END LOOP;
    CREATE TRIGGER ledger_append_only BEFORE DELETE OR TRUNCATE ON ledger_guards
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
    CREATE TRIGGER ledger_by_journal BEFORE INSERT ON ledger_entries
        FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();
    CREATE TRIGGER ledger_by_journal BEFORE INSERT OR UPDATE ON ledger_guards
        FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();
    FOR it IN SELECT tgrelid::regclass AS name, tgname FROM pg_trigger
        WHERE tgname IN ('ledger_append_only', 'ledger_by_journal', 'ledger_opened', 'ledger_posted')
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', it.name, it.tgname);
    END LOOP;
END $$;

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

-- Waits until no transaction of the ledger is under way, and holds new ones off until its caller's own ends: the newest
-- number, below which nothing can appear any more.
CREATE FUNCTION ledger_horizon() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    LOCK TABLE ledger_transactions IN SHARE MODE;
    RETURN (SELECT coalesce(max(t.id), 0) FROM ledger_transactions t);
END $$;

-- A role without login for whoever should post and read, and no more: the service in production, if it does not own
-- the tables. It belongs to the cluster, so it stays when the migration is taken back.
DO $$
BEGIN
    CREATE ROLE assay_ledger NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN RAISE NOTICE 'the role assay_ledger is left to an administrator';
END $$;
REVOKE ALL ON FUNCTION ledger_post, ledger_horizon FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'assay_ledger') THEN
        GRANT SELECT ON ledger_kinds, ledger_accounts, ledger_transactions, ledger_entries, ledger_guards, ledger_snapshots,
            ledger_checks TO assay_ledger;
        GRANT INSERT ON ledger_snapshots, ledger_checks TO assay_ledger;
        GRANT DELETE ON ledger_checks TO assay_ledger;
        GRANT EXECUTE ON FUNCTION ledger_post, ledger_horizon TO assay_ledger;
    END IF;
END $$;
