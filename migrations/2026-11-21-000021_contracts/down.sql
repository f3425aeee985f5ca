DROP TABLE contract_messages;
DROP TABLE deliveries;
DROP TABLE milestone_decisions;
DROP TABLE milestones;
DROP TABLE change_orders;
DROP TABLE contract_editions;
DROP TABLE contracts;
DROP FUNCTION contracts_append_only();
DROP INDEX bids_one_accepted;
CREATE UNIQUE INDEX bids_one_accepted ON bids (project_id) WHERE state = 'accepted';
DROP INDEX bids_one_live;
CREATE UNIQUE INDEX bids_one_live ON bids (project_id, developer_id)
    WHERE state IN ('draft', 'waitlisted', 'submitted', 'shortlisted', 'offered', 'countered', 'accepted');
ALTER TABLE bids DROP CONSTRAINT bids_state_check;
ALTER TABLE bids ADD CONSTRAINT bids_state_check CHECK (state IN ('draft', 'waitlisted', 'submitted', 'shortlisted',
    'offered', 'countered', 'accepted', 'declined', 'withdrawn', 'expired', 'closed'));
ALTER TABLE projects DROP CONSTRAINT projects_state_check;
ALTER TABLE projects ADD CONSTRAINT projects_state_check CHECK (state IN ('draft', 'submitted', 'in_curation',
    'changes_requested', 'listed', 'shortlisting', 'awarded', 'rejected', 'paused', 'expired', 'withdrawn', 'removed'));
