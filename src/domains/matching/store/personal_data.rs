//! What matching holds about a person: their own word on capacity, where they were shown, what was decided about them.

use assay_platform::personal_data::{PersonalData, Tables};

/// Matching's part of what is held about people.
pub const PERSONAL_DATA: &dyn PersonalData = &Tables {
    domain: "matching",
    export: &[
        ("match_preferences", "SELECT * FROM match_preferences WHERE account_id = $1"),
        (
            "impressions",
            "SELECT day, project, ranking, place, given FROM impressions WHERE developer = $1 ORDER BY day, project",
        ),
        (
            "match_exclusions",
            "SELECT id, project_id, reason, created_at, until, lifted_at, lift_reason FROM match_exclusions
             WHERE developer_id = $1 ORDER BY id",
        ),
        (
            "rankings",
            "SELECT r.id, r.project_id, r.created_at, place.value AS own_place
             FROM rankings r CROSS JOIN jsonb_array_elements(r.places::jsonb) place
             WHERE strpos(r.places, $1::text) > 0 AND place.value->>'developer' = $1::text ORDER BY r.id",
        ),
    ],
    blockers: &[],
    erase: &[
        // The places of others stay where they are, so that the rest can still be replayed. Every ranking is looked at: an
        // index of places would cost each ranking more than an erasure, which is rare.
        "UPDATE rankings r SET places = (
            SELECT json_agg(CASE WHEN place.value->>'developer' = $1::text THEN 'null' ELSE place.value END
                             ORDER BY place.ordinality)::text
            FROM json_array_elements(r.places::json) WITH ORDINALITY place)
         WHERE strpos(r.places, $1::text) > 0",
        "DELETE FROM impressions WHERE developer = $1",
        "DELETE FROM match_preferences WHERE account_id = $1",
        "UPDATE match_exclusions SET reason = '', lift_reason = CASE WHEN lift_reason IS NULL THEN NULL ELSE '' END
         WHERE developer_id = $1",
    ],
};
