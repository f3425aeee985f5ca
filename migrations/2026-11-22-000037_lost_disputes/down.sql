ALTER TABLE provider_disputes DROP loss;

UPDATE refunds SET state = 'refused' WHERE state = 'charged_back';
ALTER TABLE refunds DROP charged_back,
    DROP CONSTRAINT refunds_state_check,
    ADD CONSTRAINT refunds_state_check CHECK (state IN
        ('taking_back', 'queued', 'submitted', 'succeeded', 'refused', 'failed'));
