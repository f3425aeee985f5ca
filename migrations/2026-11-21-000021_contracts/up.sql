-- Contracts, their milestones, deliveries, decisions on money, change orders, messages.

ALTER TABLE projects DROP CONSTRAINT projects_state_check;
ALTER TABLE projects ADD CONSTRAINT projects_state_check CHECK (state IN ('draft', 'submitted', 'in_curation',
    'changes_requested', 'listed', 'shortlisting', 'awarded', 'in_contract', 'completed', 'ended', 'rejected', 'paused',
    'expired', 'withdrawn', 'removed'));
ALTER TABLE bids DROP CONSTRAINT bids_state_check;
ALTER TABLE bids ADD CONSTRAINT bids_state_check CHECK (state IN ('draft', 'waitlisted', 'submitted', 'shortlisted',
    'offered', 'countered', 'accepted', 'contracted', 'declined', 'withdrawn', 'expired', 'closed'));
DROP INDEX bids_one_live;
CREATE UNIQUE INDEX bids_one_live ON bids (project_id, developer_id)
    WHERE state IN ('draft', 'waitlisted', 'submitted', 'shortlisted', 'offered', 'countered', 'accepted', 'contracted');
DROP INDEX bids_one_accepted;
CREATE UNIQUE INDEX bids_one_accepted ON bids (project_id) WHERE state IN ('accepted', 'contracted');

CREATE TABLE contracts (
    id               uuid PRIMARY KEY,
    project_id       uuid NOT NULL REFERENCES projects (id),
    bid_id           uuid NOT NULL REFERENCES bids (id),
    organisation_id  uuid NOT NULL REFERENCES organisations (id),
    developer_id     uuid NOT NULL REFERENCES accounts (id),
    drawn_up_by_id   uuid NOT NULL REFERENCES accounts (id),
    state            text NOT NULL CHECK (state IN ('offer_sent', 'awaiting_funding', 'active', 'paused', 'completing',
                         'completed', 'terminated_mutual', 'terminated_for_cause', 'cancelled_before_start')),
    terms            jsonb NOT NULL,
    content_hash     text NOT NULL,
    signatures       jsonb NOT NULL,
    proposal         jsonb,
    reason           text,
    lapses_at        timestamptz,
    paused_at        timestamptz,
    notice_until     timestamptz,
    check_secret     bytea,
    version          bigint NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
);
-- A project is under one contract at a time; a cancelled one may be followed by another.
CREATE UNIQUE INDEX contracts_one_live ON contracts (project_id) WHERE state <> 'cancelled_before_start';
CREATE INDEX contracts_project ON contracts (project_id);
CREATE INDEX contracts_bid ON contracts (bid_id);
CREATE INDEX contracts_organisation ON contracts (organisation_id, id DESC);
CREATE INDEX contracts_developer ON contracts (developer_id, id DESC);
CREATE INDEX contracts_drawn_up_by ON contracts (drawn_up_by_id);
COMMENT ON COLUMN contracts.content_hash IS 'SHA-256 of the canonical JSON of the first edition of the terms: what was signed.';
COMMENT ON COLUMN contracts.terms IS 'The present edition of the terms.';
COMMENT ON COLUMN contracts.check_secret IS 'Sealed: the key of the signatures under results of checks.';

CREATE TABLE contract_editions (
    contract_id   uuid NOT NULL REFERENCES contracts (id),
    edition       integer NOT NULL CHECK (edition >= 1),
    canonical     text NOT NULL,
    content_hash  text NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (contract_id, edition)
);
COMMENT ON TABLE contract_editions IS 'The exact text of each edition of a contract, as it was hashed. Never changes.';

CREATE TABLE change_orders (
    id              uuid PRIMARY KEY,
    contract_id     uuid NOT NULL REFERENCES contracts (id),
    proposed_by_id  uuid NOT NULL REFERENCES accounts (id),
    asked           text NOT NULL CHECK (asked IN ('client', 'developer')),
    state           text NOT NULL CHECK (state IN ('proposed', 'countered', 'accepted', 'effective', 'rejected',
                        'withdrawn', 'expired')),
    changes         jsonb NOT NULL,
    reason          text NOT NULL,
    expires_at      timestamptz NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
CREATE UNIQUE INDEX change_orders_one_open ON change_orders (contract_id)
    WHERE state IN ('proposed', 'countered', 'accepted');
CREATE INDEX change_orders_contract ON change_orders (contract_id, id);
CREATE INDEX change_orders_proposed_by ON change_orders (proposed_by_id);
COMMENT ON COLUMN change_orders.asked IS 'Which side answers.';

CREATE TABLE milestones (
    id                uuid PRIMARY KEY,
    contract_id       uuid NOT NULL REFERENCES contracts (id),
    change_order_id   uuid REFERENCES change_orders (id),
    position          integer NOT NULL,
    state             text NOT NULL CHECK (state IN ('planned', 'funding_pending', 'funded', 'in_work', 'delivered',
                          'changes_requested', 'accepted', 'accepted_partial', 'auto_accepted', 'released', 'settled',
                          'refund_requested', 'refunded', 'disputed', 'resolved', 'cancelled')),
    state_before      text,
    document          jsonb NOT NULL,
    standing          jsonb NOT NULL,
    amount            bigint NOT NULL CHECK (amount > 0),
    currency          text NOT NULL,
    due_at            timestamptz NOT NULL,
    revisions         integer NOT NULL DEFAULT 0,
    funded_at         timestamptz,
    delivered_at      timestamptz,
    review_until      timestamptz,
    answer_until      timestamptz,
    reason            text,
    released          bigint NOT NULL DEFAULT 0 CHECK (released >= 0),
    held_back         bigint NOT NULL DEFAULT 0 CHECK (held_back >= 0),
    freed             bigint NOT NULL DEFAULT 0 CHECK (freed BETWEEN 0 AND held_back),
    refunded          bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0),
    developer_fee     bigint NOT NULL DEFAULT 0 CHECK (developer_fee >= 0),
    client_fee        bigint NOT NULL DEFAULT 0 CHECK (client_fee >= 0),
    holdback_state    text NOT NULL DEFAULT 'none' CHECK (holdback_state IN ('none', 'held', 'freed')),
    holdback_until    timestamptz,
    transfers_due     integer NOT NULL DEFAULT 0,
    transfers_made    integer NOT NULL DEFAULT 0,
    version           bigint NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CHECK (released + (held_back - freed) + refunded <= amount),
    CHECK (state <> 'delivered' OR review_until IS NOT NULL),
    CHECK (state <> 'refund_requested' OR answer_until IS NOT NULL)
);
CREATE INDEX milestones_contract ON milestones (contract_id, position);
CREATE INDEX milestones_change_order ON milestones (change_order_id) WHERE change_order_id IS NOT NULL;
COMMENT ON COLUMN milestones.document IS 'The milestone as agreed.';
COMMENT ON COLUMN milestones.standing IS 'How far each deliverable is.';
COMMENT ON COLUMN milestones.state_before IS 'Where a request for a refund, or a freeze, leads back.';
COMMENT ON COLUMN milestones.released IS 'Became the developer''s, what was held back and freed included.';

CREATE TABLE milestone_decisions (
    id             uuid PRIMARY KEY,
    milestone_id   uuid NOT NULL REFERENCES milestones (id),
    kind           text NOT NULL,
    terminal       boolean NOT NULL,
    decided_by_id  uuid REFERENCES accounts (id),
    released       bigint NOT NULL CHECK (released >= 0),
    developer_fee  bigint NOT NULL CHECK (developer_fee >= 0),
    client_fee     bigint NOT NULL CHECK (client_fee >= 0),
    held_back      bigint NOT NULL CHECK (held_back >= 0),
    refunded       bigint NOT NULL CHECK (refunded >= 0),
    refunded_fee   bigint NOT NULL CHECK (refunded_fee >= 0),
    decided_at     timestamptz NOT NULL
);
-- One decision closes a milestone, whoever is first. What was held back is freed once.
CREATE UNIQUE INDEX milestone_decisions_one ON milestone_decisions (milestone_id) WHERE terminal;
CREATE UNIQUE INDEX milestone_decisions_one_freeing ON milestone_decisions (milestone_id) WHERE kind = 'holdback_freed';
CREATE INDEX milestone_decisions_of ON milestone_decisions (milestone_id, id);
CREATE INDEX milestone_decisions_by ON milestone_decisions (decided_by_id) WHERE decided_by_id IS NOT NULL;

CREATE FUNCTION contracts_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% never changes', TG_TABLE_NAME USING ERRCODE = 'check_violation', CONSTRAINT = 'append_only';
END $$;
CREATE TRIGGER milestone_decisions_stay BEFORE UPDATE OR DELETE ON milestone_decisions
    FOR EACH ROW EXECUTE FUNCTION contracts_append_only();
CREATE TRIGGER contract_editions_stay BEFORE UPDATE OR DELETE ON contract_editions
    FOR EACH ROW EXECUTE FUNCTION contracts_append_only();

CREATE TABLE deliveries (
    id            uuid PRIMARY KEY,
    milestone_id  uuid NOT NULL REFERENCES milestones (id),
    number        integer NOT NULL,
    evidence      jsonb NOT NULL,
    note          text,
    delivered_at  timestamptz NOT NULL,
    CONSTRAINT deliveries_in_order UNIQUE (milestone_id, number)
);

CREATE TABLE contract_messages (
    id           uuid PRIMARY KEY,
    contract_id  uuid NOT NULL REFERENCES contracts (id),
    author_id    uuid NOT NULL REFERENCES accounts (id),
    side         text NOT NULL CHECK (side IN ('client', 'developer')),
    text         text NOT NULL,
    links        jsonb NOT NULL,
    created_at   timestamptz NOT NULL
);
CREATE INDEX contract_messages_of ON contract_messages (contract_id, id);
CREATE INDEX contract_messages_author ON contract_messages (author_id);
