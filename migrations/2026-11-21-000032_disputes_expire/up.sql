-- A dispute ends with the time for which the provider lets money be held.

ALTER TABLE disputes
    DROP CONSTRAINT disputes_state_check,
    DROP CONSTRAINT disputes_check4,
    ADD CONSTRAINT disputes_state_check CHECK (state IN ('opened', 'response_due', 'negotiation', 'mediation',
        'proposal_out', 'settled', 'arbitration', 'awarded', 'executed', 'withdrawn', 'defaulted', 'expired')),
    ADD CONSTRAINT disputes_check4 CHECK (
        (state IN ('settled', 'executed', 'withdrawn', 'defaulted', 'expired')) = (closed_at IS NOT NULL));
DROP INDEX disputes_one_open;
CREATE UNIQUE INDEX disputes_one_open ON disputes (milestone_id)
    WHERE state NOT IN ('settled', 'executed', 'withdrawn', 'defaulted', 'expired');
