-- Booking: who was told of free time, what the overview reads, and employers from GitHub profiles.

ALTER TABLE assessments ADD COLUMN slots_told_at timestamptz;
COMMENT ON COLUMN assessments.slots_told_at IS 'When the waiting candidate was told of free starts; empty again once there are none.';

CREATE INDEX assessments_unbooked ON assessments (track, created_at) WHERE state = 'requested';

-- Profiles are read anew at the next import, with the employer, which was not kept before.
DELETE FROM portfolio_etags WHERE resource = 'user';
