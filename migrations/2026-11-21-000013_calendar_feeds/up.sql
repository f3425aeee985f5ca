-- Private feeds of sessions for calendar programs, which can send no credential but their URL.

CREATE TABLE calendar_feeds (
    id            uuid PRIMARY KEY,
    account_id    uuid NOT NULL REFERENCES accounts (id),
    token_hash    bytea NOT NULL UNIQUE,
    created_at    timestamptz NOT NULL,
    revoked_at    timestamptz,
    last_read_at  timestamptz
);
CREATE INDEX calendar_feeds_of ON calendar_feeds (account_id, id DESC);
COMMENT ON COLUMN calendar_feeds.last_read_at IS 'To the hour.';
