//! Tables of the platform itself.

diesel::table! {
    jobs (id) {
        id -> Uuid,
        kind -> Text,
        payload -> Jsonb,
        dedupe_key -> Nullable<Text>,
        run_at -> Timestamptz,
        attempts -> Int4,
        max_attempts -> Int4,
        lease_until -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        dead_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    timers (id) {
        id -> Uuid,
        machine -> Text,
        subject -> Uuid,
        event -> Text,
        due_at -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    events (id) {
        id -> Uuid,
        seq -> Nullable<Int8>,
        kind -> Text,
        subject -> Text,
        data -> Jsonb,
        audience -> Array<Text>,
        occurred_at -> Timestamptz,
    }
}

diesel::table! {
    event_audiences (audience, seq) {
        audience -> Text,
        seq -> Int8,
    }
}

diesel::table! {
    event_cursor (only_row) {
        only_row -> Bool,
        last_seq -> Int8,
    }
}

diesel::table! {
    idempotency_keys (caller, route, key) {
        caller -> Uuid,
        route -> Text,
        key -> Text,
        body_hash -> Bytea,
        status -> Int4,
        headers -> Jsonb,
        body -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    audit_log (seq) {
        seq -> Int8,
        occurred_at -> Timestamptz,
        actor -> Nullable<Uuid>,
        action -> Text,
        subject -> Text,
        reason -> Nullable<Text>,
        data -> Jsonb,
        prev_hash -> Bytea,
        hash -> Bytea,
        about -> Nullable<Uuid>,
        sealed_reason -> Nullable<Bytea>,
    }
}

diesel::table! {
    rate_counters (bucket, window_start) {
        bucket -> Text,
        window_start -> Timestamptz,
        used -> Int8,
    }
}

diesel::table! {
    policies (version) {
        version -> Text,
        document -> Jsonb,
        effective_at -> Timestamptz,
    }
}

diesel::table! {
    sandbox_clock (only_row) {
        only_row -> Bool,
        offset_micros -> Int8,
    }
}

diesel::table! {
    account_data_keys (account_id) {
        account_id -> Uuid,
        wrapped -> Bytea,
        created_at -> Timestamptz,
    }
}
