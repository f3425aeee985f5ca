-- What mail people do not want.

CREATE TABLE mail_preferences (
    account_id    uuid PRIMARY KEY REFERENCES accounts (id),
    switched_off  text[] NOT NULL CHECK (switched_off <@ ARRAY['invitations', 'reminders']),
    version       bigint NOT NULL,
    updated_at    timestamptz NOT NULL
);
COMMENT ON TABLE mail_preferences IS 'Sorts of mail that a person switched off; no row = none.';
