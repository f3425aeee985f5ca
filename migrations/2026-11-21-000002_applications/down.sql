DROP TABLE appeals;
DROP TABLE decisions;
DROP INDEX approvals_of_application;
ALTER TABLE approvals DROP COLUMN application_id;
DROP TABLE applications;
COMMENT ON TABLE approvals IS 'Who may bid: granted and revoked by an admin, each with a reason. Approved = active and before expires_at.';
