-- A refund that the provider cannot make is paid by a transfer from the platform's bank: what the transfer is called there.
ALTER TABLE refunds ADD out_of_band_reference text,
    DROP CONSTRAINT refunds_state_check,
    ADD CONSTRAINT refunds_state_check CHECK (state IN ('taking_back', 'queued', 'submitted', 'succeeded', 'refused',
        'failed', 'charged_back', 'paid_out_of_band')),
    ADD CONSTRAINT refunds_out_of_band_check CHECK ((state = 'paid_out_of_band') = (out_of_band_reference IS NOT NULL));

ALTER TABLE money_approvals DROP CONSTRAINT money_approvals_act_check,
    ADD CONSTRAINT money_approvals_act_check CHECK (act IN ('dispute_award', 'platform_payout', 'transfer_release',
        'refund_retry', 'refund_out_of_band'));
