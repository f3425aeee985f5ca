DROP INDEX consents_of_account;
DELETE FROM consents WHERE kind <> 'terms' OR act <> 'given';
DELETE FROM consents older USING consents newer
    WHERE (older.account_id, older.kind, older.version) = (newer.account_id, newer.kind, newer.version)
      AND (older.at, older.id) > (newer.at, newer.id);
ALTER TABLE consents
    DROP CONSTRAINT consents_pkey,
    DROP CONSTRAINT consents_kind_check,
    DROP COLUMN id,
    DROP COLUMN act,
    ADD CONSTRAINT consents_pkey PRIMARY KEY (account_id, kind, version),
    ADD CONSTRAINT consents_kind_check CHECK (kind IN ('terms'));
COMMENT ON TABLE consents IS NULL;
