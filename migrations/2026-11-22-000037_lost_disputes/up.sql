-- What of a refund the payer's bank has given the client already: it is not sent any more.
ALTER TABLE refunds ADD charged_back bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT refunds_charged_back_check CHECK (charged_back BETWEEN 0 AND amount + fee),
    DROP CONSTRAINT refunds_state_check,
    ADD CONSTRAINT refunds_state_check CHECK (state IN
        ('taking_back', 'queued', 'submitted', 'succeeded', 'refused', 'failed', 'charged_back'));

-- What the platform bears of a lost dispute, less what refunds that came back have repaid.
ALTER TABLE provider_disputes ADD loss bigint NOT NULL DEFAULT 0 CHECK (loss >= 0);
UPDATE provider_disputes d SET loss = l.amount FROM (
    SELECT t.key, e.amount FROM ledger_transactions t JOIN ledger_entries e ON e.transaction = t.id
    JOIN ledger_accounts a ON a.id = e.account AND a.kind = 'chargeback_loss'
    WHERE t.kind = 'dispute_lost') l
WHERE d.outcome = 'lost' AND l.key = 'dispute_lost:' || d.id;
