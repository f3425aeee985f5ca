-- What a lost dispute took of a transfer that was not sent, as far as no refund has counted it: the client has it from
-- the bank, and the developer never had it.
ALTER TABLE transfers ADD charged_back bigint NOT NULL DEFAULT 0 CHECK (charged_back >= 0);

-- What was held back is gone when the payer's bank has taken it.
ALTER TABLE milestones DROP CONSTRAINT milestones_holdback_state_check,
    ADD CONSTRAINT milestones_holdback_state_check
        CHECK (holdback_state IN ('none', 'held', 'freed', 'charged_back'));
