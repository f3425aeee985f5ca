-- A second person for large acts of staff on money; the platform's own payouts; what stands in a transfer's way beside
-- the payment provider; debts that releases repay.

CREATE TABLE money_approvals (
    id              uuid PRIMARY KEY,
    act             text NOT NULL CHECK (act IN ('dispute_award', 'platform_payout', 'transfer_release', 'refund_retry')),
    -- On what: an id in the table of its act.
    subject         uuid NOT NULL,
    milestone       uuid,
    contract        uuid,
    amount          bigint NOT NULL CHECK (amount > 0),
    currency        text NOT NULL,
    -- Whom the money reaches, when it is one person.
    beneficiary_id  uuid REFERENCES accounts (id),
    -- What is carried out, as it was proposed.
    payload         jsonb NOT NULL,
    reason          text NOT NULL,
    state           text NOT NULL CHECK (state IN ('pending', 'carried_out', 'refused', 'expired')),
    proposed_by_id  uuid NOT NULL REFERENCES accounts (id),
    decided_by_id   uuid REFERENCES accounts (id),
    answer          text,
    expires_at      timestamptz NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    decided_at      timestamptz,
    CONSTRAINT money_approvals_two_people CHECK (decided_by_id <> proposed_by_id),
    CONSTRAINT money_approvals_not_for_oneself CHECK (decided_by_id <> beneficiary_id AND proposed_by_id <> beneficiary_id),
    CHECK ((state IN ('carried_out', 'refused')) = (decided_by_id IS NOT NULL)),
    CHECK ((state = 'pending') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX money_approvals_one_pending ON money_approvals (act, subject) WHERE state = 'pending';
CREATE INDEX money_approvals_by_state ON money_approvals (state, id);
CREATE INDEX money_approvals_proposed_by ON money_approvals (proposed_by_id);
CREATE INDEX money_approvals_decided_by ON money_approvals (decided_by_id);
CREATE INDEX money_approvals_beneficiary ON money_approvals (beneficiary_id);

-- A payout without a developer is of the platform's own money to its own bank.
ALTER TABLE payouts ALTER COLUMN developer_id DROP NOT NULL;
ALTER TABLE payouts ADD COLUMN requested_by_id uuid REFERENCES accounts (id);
ALTER TABLE payouts ADD COLUMN reason text;
-- What the platform owned when it was asked for.
ALTER TABLE payouts ADD COLUMN own bigint;
ALTER TABLE payouts DROP CONSTRAINT payouts_state_check;
ALTER TABLE payouts ADD CONSTRAINT payouts_state_check
    CHECK (state IN ('awaiting_approval', 'refused', 'pending', 'in_transit', 'paid', 'failed', 'canceled'));
ALTER TABLE payouts ADD CONSTRAINT payouts_whose CHECK ((developer_id IS NULL) = (requested_by_id IS NOT NULL));
ALTER TABLE payouts ADD CONSTRAINT payouts_own_money
    CHECK (developer_id IS NOT NULL OR command_id IS NULL OR (own IS NOT NULL AND amount <= own));
CREATE INDEX payouts_requested_by ON payouts (requested_by_id);
CREATE INDEX payouts_of_platform ON payouts (id) WHERE developer_id IS NULL;

ALTER TABLE transfers DROP CONSTRAINT transfers_hold_check;
ALTER TABLE transfers ADD CONSTRAINT transfers_hold_check CHECK (hold IN ('kyc', 'tax', 'risk', 'chargeback', 'dispute'));
-- Of the release: what repaid a debt of the developer's instead of being sent.
ALTER TABLE transfers ADD COLUMN repaid bigint NOT NULL DEFAULT 0 CHECK (repaid >= 0);

-- Why transfers wait for tax papers.
ALTER TABLE payees ADD COLUMN tax_hold text;
