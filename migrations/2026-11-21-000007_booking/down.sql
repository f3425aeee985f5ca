DROP INDEX assessments_unbooked;
ALTER TABLE assessments DROP COLUMN slots_told_at;
