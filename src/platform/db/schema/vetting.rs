//! Tables of the domain `vetting`.

diesel::table! {
    approvals (id) {
        id -> Uuid,
        account_id -> Uuid,
        state -> Text,
        granted_by_id -> Uuid,
        granted_at -> Timestamptz,
        expires_at -> Timestamptz,
        reason -> Text,
        revoked_by_id -> Nullable<Uuid>,
        revoked_at -> Nullable<Timestamptz>,
        revoke_reason -> Nullable<Text>,
        policy_version -> Text,
        version -> Int8,
    }
}
