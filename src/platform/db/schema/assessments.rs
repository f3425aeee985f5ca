//! Tables of the domain `assessments`.

diesel::table! {
    assessors (account_id) {
        account_id -> Uuid,
        zone -> Text,
        weekly -> Jsonb,
        overrides -> Jsonb,
        max_per_day -> Nullable<Int4>,
        max_per_week -> Nullable<Int4>,
        weight -> Int4,
        priority -> Int4,
        employer -> Nullable<Text>,
        blocked_at -> Nullable<Timestamptz>,
        blocked_by_id -> Nullable<Uuid>,
        block_reason -> Nullable<Text>,
        joined_at -> Timestamptz,
        version -> Int8,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    assessor_tracks (assessor_id, track, role) {
        assessor_id -> Uuid,
        track -> Text,
        role -> Text,
    }
}

diesel::table! {
    assessor_time_off (id) {
        id -> Uuid,
        assessor_id -> Uuid,
        starts_at -> Timestamptz,
        ends_at -> Timestamptz,
        note -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    assessments (id) {
        id -> Uuid,
        application_id -> Uuid,
        candidate_id -> Uuid,
        track -> Text,
        state -> Text,
        zone -> Text,
        starts_at -> Nullable<Timestamptz>,
        ends_at -> Nullable<Timestamptz>,
        reschedules -> Int4,
        ics_sequence -> Int4,
        task_family -> Text,
        task_version -> Text,
        ai_policy -> Text,
        rubric_version -> Text,
        policy -> Jsonb,
        policy_version -> Text,
        redo_of_id -> Nullable<Uuid>,
        redo_reason -> Nullable<Text>,
        priority -> Bool,
        bookable_from -> Timestamptz,
        waiting_since -> Nullable<Timestamptz>,
        slots_told_at -> Nullable<Timestamptz>,
        candidate_checked_in_at -> Nullable<Timestamptz>,
        started_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        video_url -> Nullable<Text>,
        repository_url -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    bookings (id) {
        id -> Uuid,
        assessment_id -> Uuid,
        candidate_id -> Uuid,
        state -> Text,
        starts_at -> Timestamptz,
        ends_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    booking_hosts (booking_id, assessor_id) {
        booking_id -> Uuid,
        assessor_id -> Uuid,
        role -> Text,
        state -> Text,
        blocked -> Tstzrange,
        starts_at -> Timestamptz,
        ends_at -> Timestamptz,
        local_date -> Date,
        assigned_at -> Timestamptz,
        checked_in_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    rubrics (version) {
        version -> Text,
        document -> Jsonb,
        effective_at -> Timestamptz,
    }
}

diesel::table! {
    rating_cards (id) {
        id -> Uuid,
        assessment_id -> Uuid,
        rater_id -> Uuid,
        role -> Text,
        from_record -> Bool,
        state -> Text,
        content -> Jsonb,
        rubric_version -> Text,
        opened_at -> Timestamptz,
        due_at -> Timestamptz,
        submitted_at -> Nullable<Timestamptz>,
        notes_deleted_at -> Nullable<Timestamptz>,
        version -> Int8,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    rating_readers (assessment_id, reader_id) {
        assessment_id -> Uuid,
        reader_id -> Uuid,
        first_read_at -> Timestamptz,
    }
}

diesel::table! {
    integrity_concerns (id) {
        id -> Uuid,
        assessment_id -> Uuid,
        raised_by_id -> Uuid,
        text -> Text,
        evidence -> Jsonb,
        state -> Text,
        decided_by_id -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
        reason -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    assessment_outcomes (assessment_id) {
        assessment_id -> Uuid,
        outcome -> Text,
        reason_codes -> Array<Text>,
        reason -> Text,
        means -> Jsonb,
        feedback -> Jsonb,
        decided_by_id -> Uuid,
        decided_at -> Timestamptz,
        publish_at -> Timestamptz,
        published_at -> Nullable<Timestamptz>,
        appeal_until -> Nullable<Timestamptz>,
        superseded_at -> Nullable<Timestamptz>,
        raised_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    assessment_appeals (assessment_id) {
        assessment_id -> Uuid,
        candidate_id -> Uuid,
        against_id -> Uuid,
        text -> Text,
        due_at -> Timestamptz,
        created_at -> Timestamptz,
        outcome -> Nullable<Text>,
        answer -> Nullable<Text>,
        decided_by_id -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    calendar_feeds (id) {
        id -> Uuid,
        account_id -> Uuid,
        token_hash -> Bytea,
        created_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        last_read_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    session_notes (assessment_id, author_id) {
        assessment_id -> Uuid,
        author_id -> Uuid,
        text -> Text,
        version -> Int8,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    anchor_sessions (id) {
        id -> Uuid,
        quarter -> Date,
        track -> Text,
        assessment_id -> Uuid,
        place -> Nullable<Int2>,
        chosen_by_id -> Nullable<Uuid>,
        due_at -> Timestamptz,
        withdrawn_at -> Nullable<Timestamptz>,
        withdrawn_by_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    anchor_cards (id) {
        id -> Uuid,
        anchor_session_id -> Uuid,
        rater_id -> Uuid,
        state -> Text,
        content -> Jsonb,
        rubric_version -> Text,
        opened_at -> Timestamptz,
        due_at -> Timestamptz,
        submitted_at -> Nullable<Timestamptz>,
        notes_deleted_at -> Nullable<Timestamptz>,
        version -> Int8,
        updated_at -> Timestamptz,
    }
}
