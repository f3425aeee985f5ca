DELETE FROM money_approvals WHERE act = 'refund_out_of_band';
ALTER TABLE money_approvals DROP CONSTRAINT money_approvals_act_check,
    ADD CONSTRAINT money_approvals_act_check CHECK (act IN ('dispute_award', 'platform_payout', 'transfer_release',
        'refund_retry'));

ALTER TABLE refunds DROP out_of_band_reference;
UPDATE refunds SET state = 'refused' WHERE state = 'paid_out_of_band';
ALTER TABLE refunds DROP CONSTRAINT refunds_state_check,
    ADD CONSTRAINT refunds_state_check CHECK (state IN
        ('taking_back', 'queued', 'submitted', 'succeeded', 'refused', 'failed', 'charged_back'));
