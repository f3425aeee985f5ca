-- Disputes between the sides of a contract over a milestone's money.

CREATE TABLE disputes (
    id                uuid PRIMARY KEY,
    milestone_id      uuid NOT NULL REFERENCES milestones (id),
    contract_id       uuid NOT NULL REFERENCES contracts (id),
    opened_by_id      uuid NOT NULL REFERENCES accounts (id),
    side              text NOT NULL CHECK (side IN ('client', 'developer')),
    state             text NOT NULL CHECK (state IN ('opened', 'response_due', 'negotiation', 'mediation', 'proposal_out',
                          'settled', 'arbitration', 'awarded', 'executed', 'withdrawn', 'defaulted')),
    -- Over what was released or accepted; else over what is held and not decided.
    after_release     boolean NOT NULL,
    amount            bigint NOT NULL CHECK (amount > 0),
    currency          text NOT NULL,
    -- The developer's part of it, as each side wants it.
    claim             bigint NOT NULL CHECK (claim BETWEEN 0 AND amount),
    reason            text NOT NULL,
    answer            bigint CHECK (answer BETWEEN 0 AND amount),
    response          text,
    responded_at      timestamptz,
    -- Until when the present state waits.
    due_at            timestamptz,
    mediator_id       uuid REFERENCES accounts (id),
    proposal          jsonb,
    -- The side that has accepted the proposal first.
    accepted_by       text CHECK (accepted_by IN ('client', 'developer')),
    arbitrator_id     uuid REFERENCES accounts (id),
    award             jsonb,
    -- What the arbitration costs; what of it was taken.
    fee               bigint NOT NULL DEFAULT 0 CHECK (fee >= 0 AND fee <= amount / 20 + 1),
    fee_taken         bigint NOT NULL DEFAULT 0 CHECK (fee_taken BETWEEN 0 AND fee),
    appeal            jsonb,
    appeal_judge_id   uuid REFERENCES accounts (id),
    version           bigint NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    closed_at         timestamptz,
    CONSTRAINT disputes_another_arbitrates CHECK (arbitrator_id <> mediator_id),
    CONSTRAINT disputes_another_hears_the_appeal CHECK (appeal_judge_id <> arbitrator_id AND appeal_judge_id <> mediator_id),
    CHECK ((state IN ('settled', 'executed', 'withdrawn', 'defaulted')) = (closed_at IS NOT NULL)),
    CHECK (state NOT IN ('proposal_out') OR proposal IS NOT NULL),
    CHECK (state NOT IN ('awarded', 'executed') OR award IS NOT NULL)
);
CREATE UNIQUE INDEX disputes_one_open ON disputes (milestone_id)
    WHERE state NOT IN ('settled', 'executed', 'withdrawn', 'defaulted');
-- A side does not open again what it has taken back.
CREATE UNIQUE INDEX disputes_once_a_side ON disputes (milestone_id, side);
CREATE INDEX disputes_contract ON disputes (contract_id, id);
CREATE INDEX disputes_queue ON disputes (state, id);
CREATE INDEX disputes_opened_by ON disputes (opened_by_id);
CREATE INDEX disputes_mediator ON disputes (mediator_id) WHERE mediator_id IS NOT NULL;
CREATE INDEX disputes_arbitrator ON disputes (arbitrator_id) WHERE arbitrator_id IS NOT NULL;
CREATE INDEX disputes_appeal_judge ON disputes (appeal_judge_id) WHERE appeal_judge_id IS NOT NULL;

CREATE TABLE dispute_offers (
    id          uuid PRIMARY KEY,
    dispute_id  uuid NOT NULL REFERENCES disputes (id),
    by_id       uuid NOT NULL REFERENCES accounts (id),
    side        text NOT NULL CHECK (side IN ('client', 'developer')),
    -- The developer's part of what is disputed.
    developer   bigint NOT NULL CHECK (developer >= 0),
    note        text,
    state       text NOT NULL CHECK (state IN ('open', 'replaced', 'accepted')),
    created_at  timestamptz NOT NULL
);
-- A side's new offer replaces its former one.
CREATE UNIQUE INDEX dispute_offers_one_open ON dispute_offers (dispute_id, side) WHERE state = 'open';
CREATE UNIQUE INDEX dispute_offers_one_accepted ON dispute_offers (dispute_id) WHERE state = 'accepted';
CREATE INDEX dispute_offers_of ON dispute_offers (dispute_id, id);
CREATE INDEX dispute_offers_by ON dispute_offers (by_id);

ALTER TABLE milestones ADD COLUMN open_dispute_id uuid REFERENCES disputes (id);
-- When its money was decided on.
ALTER TABLE milestones ADD COLUMN decided_at timestamptz;
UPDATE milestones m SET decided_at = d.decided_at FROM milestone_decisions d WHERE d.milestone_id = m.id AND d.terminal;
CREATE INDEX milestones_open_dispute ON milestones (open_dispute_id) WHERE open_dispute_id IS NOT NULL;

ALTER TABLE milestone_decisions
    ADD COLUMN taken_back bigint NOT NULL DEFAULT 0 CHECK (taken_back >= 0),
    ADD COLUMN taken_back_fee bigint NOT NULL DEFAULT 0 CHECK (taken_back_fee >= 0),
    ADD COLUMN arbitration_fee bigint NOT NULL DEFAULT 0 CHECK (arbitration_fee >= 0),
    ADD COLUMN dispute_id uuid REFERENCES disputes (id);
CREATE INDEX milestone_decisions_dispute ON milestone_decisions (dispute_id) WHERE dispute_id IS NOT NULL;
COMMENT ON COLUMN milestone_decisions.taken_back IS 'After a release: taken back from the developer.';
COMMENT ON COLUMN milestone_decisions.taken_back_fee IS 'After a release: given back by the platform of its fees.';
COMMENT ON COLUMN milestone_decisions.arbitration_fee IS 'Kept by the platform.';
-- What was held back ends once, and what was released is taken back once.
DROP INDEX milestone_decisions_one_freeing;
CREATE UNIQUE INDEX milestone_decisions_one_freeing ON milestone_decisions (milestone_id)
    WHERE kind IN ('holdback_freed', 'holdback_divided');
CREATE UNIQUE INDEX milestone_decisions_one_taking ON milestone_decisions (milestone_id) WHERE kind = 'taken_back';
