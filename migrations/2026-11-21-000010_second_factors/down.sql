ALTER TABLE sessions DROP COLUMN stepped_up_at;
DROP TABLE recovery_codes;
DROP TABLE second_factors;
