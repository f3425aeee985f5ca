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
        application_id -> Uuid,
    }
}

diesel::table! {
    applications (id) {
        id -> Uuid,
        account_id -> Uuid,
        state -> Text,
        tracks -> Array<Text>,
        statement -> Nullable<Text>,
        hours_per_week -> Nullable<Int4>,
        rate_amount -> Nullable<Int8>,
        rate_currency -> Nullable<Text>,
        languages -> Jsonb,
        fast_lane -> Nullable<Jsonb>,
        fast_lane_at -> Nullable<Timestamptz>,
        reviewer_id -> Nullable<Uuid>,
        claimed_until -> Nullable<Timestamptz>,
        submitted_at -> Nullable<Timestamptz>,
        screening_due_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        policy_version -> Text,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    decisions (id) {
        id -> Uuid,
        account_id -> Uuid,
        application_id -> Uuid,
        approval_id -> Nullable<Uuid>,
        kind -> Text,
        reason_code -> Nullable<Text>,
        reason -> Nullable<Text>,
        notes -> Jsonb,
        evidence -> Jsonb,
        decided_by_id -> Uuid,
        decided_at -> Timestamptz,
        appeal_until -> Nullable<Timestamptz>,
        overturned_at -> Nullable<Timestamptz>,
        by_assessment_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    appeals (id) {
        id -> Uuid,
        decision_id -> Uuid,
        against_id -> Uuid,
        account_id -> Uuid,
        text -> Text,
        state -> Text,
        due_at -> Timestamptz,
        decided_by_id -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
        answer -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(appeals, decisions);
