UPDATE milestones SET holdback_state = 'freed' WHERE holdback_state = 'charged_back';
ALTER TABLE milestones DROP CONSTRAINT milestones_holdback_state_check,
    ADD CONSTRAINT milestones_holdback_state_check CHECK (holdback_state IN ('none', 'held', 'freed'));

ALTER TABLE transfers DROP charged_back;
