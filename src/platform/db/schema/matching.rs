//! Tables of the domain `matching`.

diesel::table! {
    match_preferences (account_id) {
        account_id -> Uuid,
        weekly_hours -> Nullable<Int4>,
        rate_amount -> Nullable<Int8>,
        rate_currency -> Nullable<Text>,
        available_from -> Nullable<Date>,
        paused -> Bool,
        updated_at -> Timestamptz,
        version -> Int8,
    }
}

diesel::table! {
    match_parameters (version) {
        version -> Int4,
        acceptance -> Array<Float8>,
        success -> Array<Float8>,
        record_variance -> Float8,
        answers -> Int4,
        outcomes -> Int4,
        loss -> Float8,
        loss_before -> Float8,
        promoted -> Bool,
        learned_at -> Timestamptz,
    }
}

diesel::table! {
    rankings (id) {
        id -> Uuid,
        project_id -> Uuid,
        requested_by_id -> Uuid,
        model -> Text,
        parameters_version -> Int4,
        calibration -> Text,
        snapshot_version -> Int8,
        policy_version -> Text,
        seed -> Int8,
        asked -> Jsonb,
        feasible -> Int4,
        median -> Jsonb,
        places -> Text,
        near_misses -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    impressions (developer, day, project) {
        developer -> Uuid,
        project -> Uuid,
        day -> Int4,
        ranking -> Uuid,
        place -> Int4,
        given -> Float8,
        taken -> Float8,
        from_day -> Int4,
        to_day -> Int4,
    }
}

diesel::table! {
    impression_days (project, day) {
        project -> Uuid,
        day -> Int4,
    }
}

diesel::table! {
    match_invitations (invitation_id) {
        invitation_id -> Uuid,
        ranking_id -> Uuid,
        place -> Int4,
    }
}

diesel::table! {
    match_exclusions (id) {
        id -> Uuid,
        developer_id -> Uuid,
        project_id -> Nullable<Uuid>,
        reason -> Text,
        excluded_by_id -> Uuid,
        created_at -> Timestamptz,
        until -> Nullable<Timestamptz>,
        lifted_at -> Nullable<Timestamptz>,
        lifted_by_id -> Nullable<Uuid>,
        lift_reason -> Nullable<Text>,
        version -> Int8,
    }
}

diesel::table! {
    market_metrics (as_of) {
        as_of -> Timestamptz,
        metrics -> Jsonb,
    }
}
