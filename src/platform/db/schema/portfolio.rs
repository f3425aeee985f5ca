//! Tables of the domain `portfolio`.

diesel::table! {
    portfolios (account_id) {
        account_id -> Uuid,
        profile -> Nullable<Jsonb>,
        signals -> Nullable<Jsonb>,
        flags -> Jsonb,
        formula_version -> Nullable<Text>,
        imported_at -> Nullable<Timestamptz>,
        searched_at -> Nullable<Timestamptz>,
        fully_searched_at -> Nullable<Timestamptz>,
        version -> Int8,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    portfolio_imports (id) {
        id -> Uuid,
        account_id -> Uuid,
        state -> Text,
        step -> Text,
        progress -> Jsonb,
        failures -> Int4,
        failure_code -> Nullable<Text>,
        failure_detail -> Nullable<Text>,
        resumes_at -> Nullable<Timestamptz>,
        policy_version -> Text,
        requested_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        progressed_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        version -> Int8,
    }
}

diesel::table! {
    portfolio_items (id) {
        id -> Uuid,
        account_id -> Uuid,
        kind -> Text,
        level -> Text,
        origin -> Text,
        source_key -> Nullable<Text>,
        url -> Nullable<Text>,
        title -> Text,
        description -> Nullable<Text>,
        role -> Nullable<Text>,
        note -> Nullable<Text>,
        skills -> Array<Text>,
        started_on -> Nullable<Date>,
        ended_on -> Nullable<Date>,
        marks -> Array<Text>,
        computed -> Jsonb,
        is_public -> Bool,
        observed_at -> Timestamptz,
        seen_by -> Nullable<Uuid>,
        withdrawn_at -> Nullable<Timestamptz>,
        withdrawn_why -> Nullable<Text>,
        verified_at -> Nullable<Timestamptz>,
        verified_what -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        version -> Int8,
    }
}

diesel::table! {
    portfolio_contributions (account_id, kind, provider_number) {
        account_id -> Uuid,
        kind -> Text,
        provider_number -> Int8,
        repository -> Text,
        url -> Text,
        title -> Text,
        at -> Timestamptz,
    }
}

diesel::table! {
    portfolio_etags (account_id, resource) {
        account_id -> Uuid,
        resource -> Text,
        etag -> Text,
        at -> Timestamptz,
    }
}

diesel::table! {
    portfolio_challenges (item_id) {
        item_id -> Uuid,
        token -> Text,
        place -> Text,
        url -> Text,
        state -> Text,
        failure -> Nullable<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        asked_at -> Nullable<Timestamptz>,
        checked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    portfolio_skills (account_id, skill) {
        account_id -> Uuid,
        skill -> Text,
        derived -> Bool,
        claimed -> Bool,
        removed -> Bool,
        share_bps -> Nullable<Int4>,
        repositories -> Int4,
        pull_requests -> Int4,
        evidence -> Array<Uuid>,
        updated_at -> Timestamptz,
    }
}
