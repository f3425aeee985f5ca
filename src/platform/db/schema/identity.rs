//! Tables of the domain `identity`.

diesel::table! {
    accounts (id) {
        id -> Uuid,
        github_id -> Int8,
        login -> Text,
        avatar_url -> Nullable<Text>,
        status -> Text,
        roles -> Array<Text>,
        display_name -> Nullable<Text>,
        headline -> Nullable<Text>,
        bio -> Nullable<Text>,
        country -> Nullable<Text>,
        time_zone -> Nullable<Text>,
        website -> Nullable<Text>,
        contact_email -> Nullable<Text>,
        github_emails -> Jsonb,
        terms_version -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    consents (id) {
        id -> Uuid,
        account_id -> Uuid,
        kind -> Text,
        version -> Text,
        act -> Text,
        at -> Timestamptz,
    }
}

diesel::table! {
    github_tokens (account_id) {
        account_id -> Uuid,
        sealed -> Bytea,
        scopes -> Array<Text>,
        at -> Timestamptz,
    }
}

diesel::table! {
    second_factors (account_id) {
        account_id -> Uuid,
        sealed -> Bytea,
        confirmed_at -> Nullable<Timestamptz>,
        last_step -> Nullable<Int8>,
        failures -> Int4,
        blocked_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    recovery_codes (account_id, code_hash) {
        account_id -> Uuid,
        code_hash -> Bytea,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    staff_permissions (account_id, permission) {
        account_id -> Uuid,
        permission -> Text,
        granted_at -> Timestamptz,
        granted_by_id -> Nullable<Uuid>,
        reason -> Text,
    }
}

diesel::table! {
    sign_in_states (state_hash) {
        state_hash -> Bytea,
        browser_hash -> Bytea,
        verifier -> Bytea,
        return_to -> Text,
        mode -> Text,
        created_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        account_id -> Uuid,
        kind -> Text,
        token_hash -> Nullable<Bytea>,
        user_agent -> Text,
        ip -> Text,
        created_at -> Timestamptz,
        authenticated_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        revoked_reason -> Nullable<Text>,
        stepped_up_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    refresh_tokens (id) {
        id -> Uuid,
        session_id -> Uuid,
        token_hash -> Bytea,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        successor_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> Uuid,
        account_id -> Uuid,
        name -> Text,
        last_four -> Text,
        token_hash -> Bytea,
        scopes -> Array<Text>,
        spend_limit_usd_minor -> Nullable<Int8>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        public -> Bytea,
        sealed -> Bytea,
        created_at -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    suspensions (id) {
        id -> Uuid,
        account_id -> Uuid,
        reason_code -> Text,
        reason -> Text,
        suspended_by_id -> Uuid,
        suspended_at -> Timestamptz,
        ended_by_id -> Nullable<Uuid>,
        ended_at -> Nullable<Timestamptz>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    suspension_appeals (id) {
        id -> Uuid,
        suspension_id -> Uuid,
        account_id -> Uuid,
        text -> Text,
        state -> Text,
        decided_by_id -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
        answer -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    organisations (id) {
        id -> Uuid,
        name -> Text,
        country -> Text,
        website -> Nullable<Text>,
        created_by_id -> Uuid,
        verified_at -> Nullable<Timestamptz>,
        verified_by_id -> Nullable<Uuid>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    organisation_members (organisation_id, account_id) {
        organisation_id -> Uuid,
        account_id -> Uuid,
        role -> Text,
        spending_limit_usd_minor -> Nullable<Int8>,
        version -> Int8,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    organisation_invitations (id) {
        id -> Uuid,
        organisation_id -> Uuid,
        email -> Text,
        role -> Text,
        spending_limit_usd_minor -> Nullable<Int8>,
        token_hash -> Bytea,
        state -> Text,
        invited_by_id -> Uuid,
        accepted_by_id -> Nullable<Uuid>,
        expires_at -> Timestamptz,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    data_requests (id) {
        id -> Uuid,
        account_id -> Uuid,
        kind -> Text,
        state -> Text,
        due_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        sealed -> Nullable<Bytea>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    consents,
    github_tokens,
    staff_permissions,
    sign_in_states,
    sessions,
    refresh_tokens,
    api_tokens,
    signing_keys,
    suspensions,
    suspension_appeals,
    organisations,
    organisation_members,
    organisation_invitations,
    data_requests,
);

diesel::table! {
    identity_chain (account_id, seq) {
        account_id -> Uuid,
        seq -> Int8,
        occurred_at -> Timestamptz,
        kind -> Text,
        subject -> Text,
        session -> Nullable<Uuid>,
        api_token -> Nullable<Uuid>,
        authenticated_at -> Timestamptz,
        sealed_github -> Bytea,
        prev_hash -> Bytea,
        hash -> Bytea,
    }
}
