-- Consents of several kinds, given and withdrawn: a history that only grows.

ALTER TABLE consents
    DROP CONSTRAINT consents_pkey,
    DROP CONSTRAINT consents_kind_check,
    -- The default is for the version of the service before this one.
    ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN act text NOT NULL DEFAULT 'given' CHECK (act IN ('given', 'withdrawn')),
    ADD CONSTRAINT consents_pkey PRIMARY KEY (id),
    ADD CONSTRAINT consents_kind_check CHECK (kind IN ('terms', 'vetting', 'product_mail'));
CREATE INDEX consents_of_account ON consents (account_id, kind, at DESC, id DESC);
COMMENT ON TABLE consents IS 'What people agreed to and took back: the newest row of a kind counts.';
