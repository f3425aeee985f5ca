//! Tables of the domain `scoring`.

diesel::table! {
    calibrations (scale, version) {
        id -> Uuid,
        scale -> Text,
        version -> Int4,
        rubric_version -> Text,
        formula_version -> Text,
        parameters -> Jsonb,
        developers -> Int4,
        ratings -> Int8,
        report -> Jsonb,
        held_because -> Array<Text>,
        made_at -> Timestamptz,
    }
}

diesel::table! {
    calibration_promotions (id) {
        id -> Uuid,
        scale -> Text,
        version -> Int4,
        promoted_by_id -> Nullable<Uuid>,
        reason -> Text,
        promoted_at -> Timestamptz,
    }
}

diesel::table! {
    developer_scores (developer_id, scale) {
        developer_id -> Uuid,
        scale -> Text,
        theta -> Float8,
        se -> Float8,
        score -> Int4,
        lower -> Int4,
        upper -> Int4,
        calibration_version -> Int4,
        formula_version -> Text,
        evidence -> Int4,
        version -> Int8,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    score_events (id) {
        id -> Uuid,
        developer_id -> Uuid,
        scale -> Text,
        cause -> Text,
        subject -> Nullable<Text>,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    assessment_scores (assessment_id, scale) {
        assessment_id -> Uuid,
        scale -> Text,
        theta -> Float8,
        se -> Float8,
        score -> Int4,
        lower -> Int4,
        upper -> Int4,
        above_cut -> Float8,
        cut -> Float8,
        verdict -> Text,
        calibration_version -> Int4,
        formula_version -> Text,
        evidence -> Int4,
        computed_at -> Timestamptz,
    }
}

diesel::table! {
    delivery_outcomes (id) {
        id -> Uuid,
        milestone_id -> Uuid,
        developer_id -> Uuid,
        organisation_id -> Uuid,
        project_id -> Uuid,
        accepted_bps -> Int4,
        on_time -> Nullable<Bool>,
        disputed -> Bool,
        fit_bps -> Nullable<Int4>,
        amount -> Int8,
        currency -> Text,
        technical_theta -> Nullable<Float8>,
        collaboration_theta -> Nullable<Float8>,
        rubric_version -> Nullable<Text>,
        occurred_at -> Timestamptz,
    }
}

diesel::table! {
    validity_reports (id) {
        id -> Uuid,
        report -> Jsonb,
        made_at -> Timestamptz,
    }
}

diesel::table! {
    demographics (account_id) {
        account_id -> Uuid,
        gender -> Nullable<Text>,
        age -> Nullable<Text>,
        disability -> Nullable<Text>,
        consent_version -> Text,
        consented_at -> Timestamptz,
        version -> Int8,
        updated_at -> Timestamptz,
    }
}
