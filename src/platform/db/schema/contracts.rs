//! Tables of the domain `contracts`.

diesel::table! {
    contracts (id) {
        id -> Uuid,
        project_id -> Uuid,
        bid_id -> Uuid,
        organisation_id -> Uuid,
        developer_id -> Uuid,
        drawn_up_by_id -> Uuid,
        state -> Text,
        terms -> Jsonb,
        content_hash -> Text,
        signatures -> Jsonb,
        proposal -> Nullable<Jsonb>,
        reason -> Nullable<Text>,
        lapses_at -> Nullable<Timestamptz>,
        paused_at -> Nullable<Timestamptz>,
        notice_until -> Nullable<Timestamptz>,
        check_secret -> Nullable<Binary>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    contract_editions (contract_id, edition) {
        contract_id -> Uuid,
        edition -> Int4,
        canonical -> Text,
        content_hash -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    change_orders (id) {
        id -> Uuid,
        contract_id -> Uuid,
        proposed_by_id -> Uuid,
        asked -> Text,
        state -> Text,
        changes -> Jsonb,
        reason -> Text,
        expires_at -> Timestamptz,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    milestones (id) {
        id -> Uuid,
        contract_id -> Uuid,
        change_order_id -> Nullable<Uuid>,
        position -> Int4,
        state -> Text,
        state_before -> Nullable<Text>,
        document -> Jsonb,
        standing -> Jsonb,
        amount -> Int8,
        currency -> Text,
        due_at -> Timestamptz,
        revisions -> Int4,
        funded_at -> Nullable<Timestamptz>,
        delivered_at -> Nullable<Timestamptz>,
        review_until -> Nullable<Timestamptz>,
        answer_until -> Nullable<Timestamptz>,
        reason -> Nullable<Text>,
        released -> Int8,
        held_back -> Int8,
        freed -> Int8,
        refunded -> Int8,
        developer_fee -> Int8,
        client_fee -> Int8,
        holdback_state -> Text,
        holdback_until -> Nullable<Timestamptz>,
        transfers_due -> Int4,
        transfers_made -> Int4,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        open_dispute_id -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    milestone_decisions (id) {
        id -> Uuid,
        milestone_id -> Uuid,
        kind -> Text,
        terminal -> Bool,
        decided_by_id -> Nullable<Uuid>,
        released -> Int8,
        developer_fee -> Int8,
        client_fee -> Int8,
        held_back -> Int8,
        refunded -> Int8,
        refunded_fee -> Int8,
        decided_at -> Timestamptz,
        taken_back -> Int8,
        taken_back_fee -> Int8,
        arbitration_fee -> Int8,
        dispute_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    deliveries (id) {
        id -> Uuid,
        milestone_id -> Uuid,
        number -> Int4,
        evidence -> Jsonb,
        note -> Nullable<Text>,
        delivered_at -> Timestamptz,
    }
}

diesel::table! {
    contract_messages (id) {
        id -> Uuid,
        contract_id -> Uuid,
        author_id -> Uuid,
        side -> Text,
        text -> Text,
        links -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    disputes (id) {
        id -> Uuid,
        milestone_id -> Uuid,
        contract_id -> Uuid,
        opened_by_id -> Uuid,
        side -> Text,
        state -> Text,
        after_release -> Bool,
        amount -> Int8,
        currency -> Text,
        claim -> Int8,
        reason -> Text,
        answer -> Nullable<Int8>,
        response -> Nullable<Text>,
        responded_at -> Nullable<Timestamptz>,
        due_at -> Nullable<Timestamptz>,
        mediator_id -> Nullable<Uuid>,
        proposal -> Nullable<Jsonb>,
        accepted_by -> Nullable<Text>,
        arbitrator_id -> Nullable<Uuid>,
        award -> Nullable<Jsonb>,
        fee -> Int8,
        fee_taken -> Int8,
        appeal -> Nullable<Jsonb>,
        appeal_judge_id -> Nullable<Uuid>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    dispute_offers (id) {
        id -> Uuid,
        dispute_id -> Uuid,
        by_id -> Uuid,
        side -> Text,
        developer -> Int8,
        note -> Nullable<Text>,
        state -> Text,
        created_at -> Timestamptz,
    }
}
