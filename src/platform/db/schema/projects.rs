//! Tables of the domain `projects`.

diesel::table! {
    currency_rates (currency, rate_date) {
        currency -> Text,
        rate_date -> Date,
        usd_per_unit_e9 -> Int8,
    }
}

diesel::table! {
    projects (id) {
        id -> Uuid,
        organisation_id -> Uuid,
        posted_by_id -> Uuid,
        state -> Text,
        title -> Text,
        description -> Text,
        outcome -> Nullable<Text>,
        decision_maker -> Nullable<Text>,
        budget_amount -> Nullable<Int8>,
        budget_currency -> Text,
        budget_usd_minor -> Nullable<Int8>,
        rate_date -> Nullable<Date>,
        effort_hours -> Nullable<Int4>,
        starts_on -> Nullable<Date>,
        duration_days -> Nullable<Int4>,
        time_zone -> Nullable<Text>,
        overlap_hours -> Int4,
        confidentiality -> Text,
        skills -> Jsonb,
        milestones -> Jsonb,
        version -> Int8,
        curator_id -> Nullable<Uuid>,
        submitted_at -> Nullable<Timestamptz>,
        curation_due_at -> Nullable<Timestamptz>,
        listed_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        last_client_act_at -> Timestamptz,
        import_key -> Nullable<Text>,
        policy_version -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    listings (project_id) {
        project_id -> Uuid,
        listed_at -> Timestamptz,
        title -> Text,
        excerpt -> Text,
        organisation_name -> Text,
        budget_amount -> Int8,
        budget_currency -> Text,
        budget_usd_minor -> Int8,
        effort_hours -> Int4,
        starts_on -> Date,
        time_zone -> Nullable<Text>,
        utc_offset_min -> Int4,
        overlap_min -> Int4,
        skills -> Array<Text>,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    listing_skills (skill, listed_at, project_id) {
        skill -> Text,
        listed_at -> Timestamptz,
        project_id -> Uuid,
        budget_usd_minor -> Int8,
        effort_hours -> Int4,
        starts_on -> Date,
        utc_offset_min -> Int4,
        overlap_min -> Int4,
    }
}

diesel::table! {
    listing_texts (project_id) {
        project_id -> Uuid,
        listed_at -> Timestamptz,
    }
}

diesel::table! {
    curation_decisions (id) {
        id -> Uuid,
        project_id -> Uuid,
        kind -> Text,
        reason_code -> Nullable<Text>,
        reason -> Nullable<Text>,
        notes -> Jsonb,
        decided_by_id -> Uuid,
        decided_at -> Timestamptz,
    }
}

diesel::table! {
    curation_appeals (id) {
        id -> Uuid,
        decision_id -> Uuid,
        project_id -> Uuid,
        appellant_id -> Uuid,
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

diesel::table! {
    invitations (id) {
        id -> Uuid,
        project_id -> Uuid,
        developer_id -> Uuid,
        invited_by_id -> Uuid,
        state -> Text,
        message -> Text,
        decline_reason -> Nullable<Text>,
        expires_at -> Timestamptz,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    bids (id) {
        id -> Uuid,
        project_id -> Uuid,
        developer_id -> Uuid,
        invitation_id -> Nullable<Uuid>,
        state -> Text,
        revision -> Int4,
        total_amount -> Int8,
        currency -> Text,
        starts_on -> Date,
        document -> Jsonb,
        client_fee_bps -> Int4,
        developer_fee_bps -> Int4,
        reason -> Nullable<Text>,
        version -> Int8,
        submitted_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    bid_revisions (bid_id, revision) {
        bid_id -> Uuid,
        revision -> Int4,
        total_amount -> Int8,
        starts_on -> Date,
        document -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    project_bid_slots (project_id) {
        project_id -> Uuid,
        open_bids -> Int4,
    }
}

diesel::table! {
    developer_bid_slots (developer_id) {
        developer_id -> Uuid,
        open_bids -> Int4,
    }
}

diesel::table! {
    offers (id) {
        id -> Uuid,
        bid_id -> Uuid,
        sequence -> Int4,
        made_by -> Text,
        made_by_id -> Uuid,
        state -> Text,
        prices -> Jsonb,
        total_amount -> Int8,
        starts_on -> Date,
        message -> Text,
        expires_at -> Timestamptz,
        created_at -> Timestamptz,
    }
}
