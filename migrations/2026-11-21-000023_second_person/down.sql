ALTER TABLE payees DROP COLUMN tax_hold;
ALTER TABLE transfers DROP COLUMN repaid;
ALTER TABLE transfers DROP CONSTRAINT transfers_hold_check;
ALTER TABLE transfers ADD CONSTRAINT transfers_hold_check CHECK (hold IN ('kyc', 'tax', 'risk', 'chargeback'));
DROP INDEX payouts_of_platform;
ALTER TABLE payouts DROP CONSTRAINT payouts_own_money;
ALTER TABLE payouts DROP CONSTRAINT payouts_whose;
ALTER TABLE payouts DROP CONSTRAINT payouts_state_check;
ALTER TABLE payouts ADD CONSTRAINT payouts_state_check
    CHECK (state IN ('pending', 'in_transit', 'paid', 'failed', 'canceled'));
ALTER TABLE payouts DROP COLUMN own, DROP COLUMN reason, DROP COLUMN requested_by_id;
ALTER TABLE payouts ALTER COLUMN developer_id SET NOT NULL;
DROP TABLE money_approvals;
