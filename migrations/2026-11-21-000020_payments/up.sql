-- Money through the payment provider. Contracts and milestones are known as plain ids: they belong to a higher domain.

-- What the provider is asked to do: written with the change that wants it, sent by the worker, under one key for ever.
CREATE TABLE provider_commands (
    id             uuid PRIMARY KEY,
    kind           text NOT NULL CHECK (kind IN ('payment', 'transfer', 'reversal', 'refund', 'payout', 'evidence')),
    -- The row that it is for, in the table of its kind.
    subject        uuid NOT NULL,
    path           text NOT NULL,
    -- The exact bytes.
    body           text NOT NULL,
    -- The connected account that it acts for.
    account        text,
    state          text NOT NULL CHECK (state IN ('new', 'sent', 'confirmed', 'refused', 'unknown', 'absent')),
    attempts       integer NOT NULL DEFAULT 0,
    first_sent_at  timestamptz,
    next_at        timestamptz NOT NULL,
    lease_until    timestamptz,
    -- Why it was refused, or why its outcome is not known yet; never a person's words.
    outcome        text,
    -- What it made.
    object         text,
    created_at     timestamptz NOT NULL,
    settled_at     timestamptz
);
CREATE INDEX provider_commands_open ON provider_commands (next_at) WHERE state IN ('new', 'sent', 'unknown');
CREATE INDEX provider_commands_of_subject ON provider_commands (subject);

CREATE TABLE payment_customers (
    organisation_id  uuid PRIMARY KEY REFERENCES organisations (id),
    customer         text NOT NULL CONSTRAINT payment_customers_once UNIQUE,
    created_at       timestamptz NOT NULL
);

CREATE TABLE payment_methods (
    id               uuid PRIMARY KEY,
    organisation_id  uuid NOT NULL REFERENCES organisations (id),
    added_by_id      uuid NOT NULL REFERENCES accounts (id),
    kind             text NOT NULL CHECK (kind IN ('card', 'bank_debit')),
    state            text NOT NULL CHECK (state IN ('setting_up', 'verified', 'failed', 'removed')),
    setup_intent     text CONSTRAINT payment_methods_setup_once UNIQUE,
    method           text CONSTRAINT payment_methods_method_once UNIQUE,
    version          bigint NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    CHECK (state <> 'verified' OR method IS NOT NULL)
);
CREATE INDEX payment_methods_of_organisation ON payment_methods (organisation_id, id);
CREATE INDEX payment_methods_of_account ON payment_methods (added_by_id);

CREATE TABLE payments (
    id                   uuid PRIMARY KEY,
    milestone            uuid NOT NULL,
    contract             uuid NOT NULL,
    organisation_id      uuid NOT NULL REFERENCES organisations (id),
    method_id            uuid NOT NULL REFERENCES payment_methods (id),
    amount               bigint NOT NULL CHECK (amount > 0),
    fee                  bigint NOT NULL CHECK (fee >= 0),
    currency             text NOT NULL,
    state                text NOT NULL CHECK (state IN
                             ('pending', 'requires_action', 'processing', 'succeeded', 'failed', 'canceled')),
    failure              text,
    payment_intent       text CONSTRAINT payments_intent_once UNIQUE,
    charge               text CONSTRAINT payments_charge_once UNIQUE,
    balance_transaction  text,
    -- A bank suspects fraud: its kind.
    fraud_warning        text,
    version              bigint NOT NULL DEFAULT 1,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    succeeded_at         timestamptz
);
-- At most one live payment a milestone.
CREATE UNIQUE INDEX payments_one_live ON payments (milestone) WHERE state NOT IN ('failed', 'canceled');
CREATE INDEX payments_of_organisation ON payments (organisation_id, id);
CREATE INDEX payments_of_contract ON payments (contract, id);
CREATE INDEX payments_of_method ON payments (method_id);

CREATE TABLE payees (
    account_id       uuid PRIMARY KEY REFERENCES accounts (id),
    country          text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    state            text NOT NULL CHECK (state IN ('incomplete', 'pending_review', 'active', 'restricted', 'blocked')),
    stripe_account   text CONSTRAINT payees_account_once UNIQUE,
    -- What the provider still wants to know, in its words.
    requirements     text[] NOT NULL DEFAULT '{}',
    disabled_reason  text,
    version          bigint NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
);

-- Money for a developer: a release, on its way.
CREATE TABLE transfers (
    id            uuid PRIMARY KEY,
    decision      uuid NOT NULL CONSTRAINT transfers_decision_once UNIQUE,
    milestone     uuid NOT NULL,
    contract      uuid NOT NULL,
    developer_id  uuid NOT NULL REFERENCES accounts (id),
    payment_id    uuid NOT NULL REFERENCES payments (id),
    -- What the developer is to get; less once some of it was given back before it was sent.
    amount        bigint NOT NULL CHECK (amount >= 0),
    currency      text NOT NULL,
    state         text NOT NULL CHECK (state IN
                      ('accrued', 'on_hold', 'queued', 'submitted', 'paid', 'failed', 'returned', 'canceled')),
    hold          text CHECK (hold IN ('kyc', 'tax', 'risk', 'chargeback')),
    payable_from  timestamptz NOT NULL,
    command_id    uuid REFERENCES provider_commands (id),
    failure       text,
    tries         integer NOT NULL DEFAULT 0,
    transfer      text CONSTRAINT transfers_transfer_once UNIQUE,
    reversed      bigint NOT NULL DEFAULT 0 CHECK (reversed >= 0 AND reversed <= amount),
    version       bigint NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    paid_at       timestamptz,
    CHECK ((hold IS NOT NULL) = (state = 'on_hold'))
);
CREATE INDEX transfers_of_developer ON transfers (developer_id, id);
CREATE INDEX transfers_of_milestone ON transfers (milestone);
CREATE INDEX transfers_of_payment ON transfers (payment_id);
CREATE INDEX transfers_of_command ON transfers (command_id);

-- Money back to a client.
CREATE TABLE refunds (
    id               uuid PRIMARY KEY,
    decision         uuid NOT NULL CONSTRAINT refunds_decision_once UNIQUE,
    milestone        uuid NOT NULL,
    contract         uuid NOT NULL,
    organisation_id  uuid NOT NULL REFERENCES organisations (id),
    payment_id       uuid NOT NULL REFERENCES payments (id),
    -- From free or frozen money, or from credit after a release was taken back.
    source           text NOT NULL CHECK (source IN ('free', 'frozen', 'credit')),
    -- Whose release is taken back.
    developer_id     uuid REFERENCES accounts (id),
    amount           bigint NOT NULL CHECK (amount >= 0),
    fee              bigint NOT NULL CHECK (fee >= 0),
    currency         text NOT NULL,
    -- Of `amount`: what was taken from money not sent yet, from reversals, and what the developer owes instead.
    unpaid           bigint NOT NULL DEFAULT 0 CHECK (unpaid >= 0),
    reversed         bigint NOT NULL DEFAULT 0 CHECK (reversed >= 0),
    owed             bigint NOT NULL DEFAULT 0 CHECK (owed >= 0),
    state            text NOT NULL CHECK (state IN
                         ('taking_back', 'queued', 'submitted', 'succeeded', 'refused', 'failed')),
    command_id       uuid REFERENCES provider_commands (id),
    failure          text,
    refund           text CONSTRAINT refunds_refund_once UNIQUE,
    version          bigint NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    CHECK (amount + fee > 0),
    CHECK (unpaid + reversed + owed <= amount),
    CHECK ((source = 'credit') = (developer_id IS NOT NULL))
);
CREATE INDEX refunds_of_organisation ON refunds (organisation_id, id);
CREATE INDEX refunds_of_milestone ON refunds (milestone);
CREATE INDEX refunds_of_payment ON refunds (payment_id);
CREATE INDEX refunds_of_developer ON refunds (developer_id);
CREATE INDEX refunds_of_command ON refunds (command_id);

-- A transfer taken back, in full or in part, for a refund.
CREATE TABLE reversals (
    id           uuid PRIMARY KEY,
    refund_id    uuid NOT NULL REFERENCES refunds (id),
    transfer_id  uuid NOT NULL REFERENCES transfers (id),
    amount       bigint NOT NULL CHECK (amount > 0),
    state        text NOT NULL CHECK (state IN ('queued', 'made', 'refused')),
    command_id   uuid NOT NULL REFERENCES provider_commands (id),
    reversal     text CONSTRAINT reversals_reversal_once UNIQUE,
    failure      text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT reversals_once UNIQUE (refund_id, transfer_id)
);
CREATE INDEX reversals_of_transfer ON reversals (transfer_id);
CREATE INDEX reversals_of_command ON reversals (command_id);

-- A payer's bank takes a payment back.
CREATE TABLE provider_disputes (
    id                     uuid PRIMARY KEY,
    payment_id             uuid NOT NULL REFERENCES payments (id),
    dispute                text NOT NULL CONSTRAINT provider_disputes_once UNIQUE,
    -- The provider's word.
    status                 text NOT NULL,
    reason                 text NOT NULL,
    amount                 bigint NOT NULL CHECK (amount > 0),
    currency               text NOT NULL,
    -- What it cost beside, and what of held money froze.
    fee                    bigint NOT NULL DEFAULT 0,
    frozen                 bigint NOT NULL DEFAULT 0 CHECK (frozen >= 0),
    evidence_due_at        timestamptz,
    evidence_submitted_at  timestamptz,
    version                bigint NOT NULL DEFAULT 1,
    opened_at              timestamptz NOT NULL,
    -- The money was taken, and is back or gone.
    withdrawn_at           timestamptz,
    closed_at              timestamptz,
    outcome                text CHECK (outcome IN ('won', 'lost', 'dropped'))
);
CREATE INDEX provider_disputes_of_payment ON provider_disputes (payment_id);
CREATE INDEX provider_disputes_open ON provider_disputes (id) WHERE outcome IS NULL;

-- A connected account's money on its way to a bank.
CREATE TABLE payouts (
    id            uuid PRIMARY KEY,
    developer_id  uuid NOT NULL REFERENCES accounts (id),
    amount        bigint NOT NULL CHECK (amount > 0),
    currency      text NOT NULL,
    state         text NOT NULL CHECK (state IN ('pending', 'in_transit', 'paid', 'failed', 'canceled')),
    command_id    uuid REFERENCES provider_commands (id),
    payout        text CONSTRAINT payouts_payout_once UNIQUE,
    failure       text,
    arrives_at    timestamptz,
    version       bigint NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX payouts_of_developer ON payouts (developer_id, id);
CREATE INDEX payouts_of_command ON payouts (command_id);

-- The inbox: what the provider says has happened. Each event once, however often it is told.
CREATE TABLE provider_events (
    id           text PRIMARY KEY,
    kind         text NOT NULL,
    account      text,
    object_kind  text,
    object       text,
    body         text NOT NULL,
    -- `unmatched`: of nothing that we know, after days of trying.
    state        text NOT NULL CHECK (state IN ('new', 'done', 'ignored', 'unmatched')),
    source       text NOT NULL CHECK (source IN ('webhook', 'sweep')),
    attempts     integer NOT NULL DEFAULT 0,
    next_at      timestamptz NOT NULL,
    lease_until  timestamptz,
    said_at      timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    done_at      timestamptz
);
CREATE INDEX provider_events_open ON provider_events (next_at) WHERE state = 'new';
CREATE INDEX provider_events_received ON provider_events (received_at);

-- Who looks at an object of the provider now: what is fetched first is applied first.
CREATE TABLE provider_object_leases (
    object       text PRIMARY KEY,
    lease_until  timestamptz NOT NULL
);

-- Up to when events were swept and balance transactions compared.
CREATE TABLE provider_cursors (
    name  text PRIMARY KEY,
    upto  timestamptz NOT NULL
);

-- The provider's own journal, for comparison.
CREATE TABLE provider_transactions (
    id           text PRIMARY KEY,
    kind         text NOT NULL,
    source       text,
    amount       bigint NOT NULL,
    fee          bigint NOT NULL,
    net          bigint NOT NULL,
    currency     text NOT NULL,
    made_at      timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL,
    -- The ledger's transaction that says the same.
    booked       bigint REFERENCES ledger_transactions (id)
);
CREATE INDEX provider_transactions_made ON provider_transactions (made_at);
CREATE INDEX provider_transactions_unbooked ON provider_transactions (made_at) WHERE booked IS NULL;
CREATE INDEX provider_transactions_booked ON provider_transactions (booked);

-- Where the two differ, until somebody has explained it.
CREATE TABLE provider_differences (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('not_booked', 'other_amount', 'not_at_provider', 'balance', 'unmatched_event')),
    -- What differs: an id of the provider's, or a currency.
    subject         text NOT NULL,
    expected        bigint,
    found           bigint,
    currency        text,
    version         bigint NOT NULL DEFAULT 1,
    found_at        timestamptz NOT NULL,
    resolved_at     timestamptz,
    resolved_by_id  uuid REFERENCES accounts (id),
    reason          text
);
CREATE UNIQUE INDEX provider_differences_open ON provider_differences (kind, subject) WHERE resolved_at IS NULL;
CREATE INDEX provider_differences_by_resolver ON provider_differences (resolved_by_id);
