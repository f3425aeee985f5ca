DROP INDEX milestone_decisions_one_taking;
DROP INDEX milestone_decisions_one_freeing;
CREATE UNIQUE INDEX milestone_decisions_one_freeing ON milestone_decisions (milestone_id) WHERE kind = 'holdback_freed';
ALTER TABLE milestone_decisions DROP COLUMN taken_back, DROP COLUMN taken_back_fee, DROP COLUMN arbitration_fee,
    DROP COLUMN dispute_id;
ALTER TABLE milestones DROP COLUMN open_dispute_id, DROP COLUMN decided_at;
DROP TABLE dispute_offers;
DROP TABLE disputes;
