//! Tables of the domain `skills`.

diesel::table! {
    skill_families (slug) {
        slug -> Text,
        name -> Text,
    }
}

diesel::table! {
    skills (slug) {
        slug -> Text,
        name -> Text,
        family -> Text,
        floor_usd_per_hour -> Int4,
        version -> Text,
    }
}

diesel::table! {
    skill_aliases (alias) {
        alias -> Text,
        skill -> Text,
    }
}

diesel::table! {
    skill_neighbours (skill, neighbour) {
        skill -> Text,
        neighbour -> Text,
        weight -> Int4,
    }
}

diesel::allow_tables_to_appear_in_same_query!(skill_families, skills, skill_aliases, skill_neighbours);
