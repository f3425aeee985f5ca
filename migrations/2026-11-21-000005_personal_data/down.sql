DROP FUNCTION organisations_of_one;
ALTER TABLE audit_log DROP COLUMN about, DROP COLUMN sealed_reason;
DROP TABLE data_requests;
