//! The taxonomy's tables.

use assay_platform::db::schema::{skill_aliases, skill_families, skill_neighbours, skills};
use assay_platform::db::{Conn, DbResult};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text};
use diesel_async::RunQueryDsl;

use crate::model::{Family, Skill, SkillRef};

assay_platform::statement! {
    /// What each of the given spellings (already in lower case) means, by its place.
    struct Resolve(spellings: Vec<String> as Array<Text>) -> (BigInt, Text, Text, Integer);
    "SELECT given.place, s.slug, s.name, s.floor_usd_per_hour
     FROM unnest({}) WITH ORDINALITY AS given (spelling, place)
     JOIN LATERAL (
        SELECT slug FROM skills WHERE slug = given.spelling
        UNION SELECT slug FROM skills WHERE lower(name) = given.spelling
        UNION SELECT skill FROM skill_aliases WHERE alias = given.spelling
        LIMIT 1) meant ON true
     JOIN skills s ON s.slug = meant.slug
     ORDER BY given.place"
}

/// The skills that spellings in lower case mean, with their places from 1.
pub async fn resolve(conn: &mut Conn, spellings: Vec<String>) -> DbResult<Vec<(i64, SkillRef)>> {
    let rows: Vec<(i64, String, String, i32)> = Resolve { spellings }.load(conn).await?;
    Ok(rows
        .into_iter()
        .map(|(place, slug, name, floor_usd_per_hour)| (place, SkillRef { slug, name, floor_usd_per_hour }))
        .collect())
}

/// The skills of these slugs.
pub async fn by_slugs(conn: &mut Conn, slugs: &[&str]) -> DbResult<Vec<SkillRef>> {
    let rows: Vec<(String, String, i32)> = skills::table
        .filter(skills::slug.eq_any(slugs.to_vec()))
        .order(skills::slug)
        .select((skills::slug, skills::name, skills::floor_usd_per_hour))
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(slug, name, floor_usd_per_hour)| SkillRef { slug, name, floor_usd_per_hour })
        .collect())
}

/// The newest version that has been written; none before the first.
pub async fn version(conn: &mut Conn) -> DbResult<Option<String>> {
    Ok(skills::table.select(diesel::dsl::max(skills::version)).first(conn).await?)
}

/// Writes the families.
pub async fn put_families(conn: &mut Conn, families: &[Family]) -> DbResult<()> {
    let (slugs, names): (Vec<&str>, Vec<&str>) =
        families.iter().map(|family| (family.slug.as_str(), family.name.as_str())).unzip();
    diesel::sql_query(
        "INSERT INTO skill_families (slug, name) SELECT * FROM unnest($1, $2)
         ON CONFLICT (slug) DO UPDATE SET name = excluded.name",
    )
    .bind::<Array<Text>, _>(slugs)
    .bind::<Array<Text>, _>(names)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the skills themselves.
pub async fn put_skills(conn: &mut Conn, version: &str, listed: &[Skill]) -> DbResult<()> {
    let slugs: Vec<&str> = listed.iter().map(|skill| skill.slug.as_str()).collect();
    let names: Vec<&str> = listed.iter().map(|skill| skill.name.as_str()).collect();
    let families: Vec<&str> = listed.iter().map(|skill| skill.family.as_str()).collect();
    let floors: Vec<i32> = listed.iter().map(|skill| skill.floor_usd_per_hour).collect();
    diesel::sql_query(
        "INSERT INTO skills (slug, name, family, floor_usd_per_hour, version)
         SELECT slug, name, family, floor, $5 FROM unnest($1, $2, $3, $4) AS listed (slug, name, family, floor)
         ON CONFLICT (slug) DO UPDATE SET name = excluded.name, family = excluded.family,
            floor_usd_per_hour = excluded.floor_usd_per_hour, version = excluded.version",
    )
    .bind::<Array<Text>, _>(slugs)
    .bind::<Array<Text>, _>(names)
    .bind::<Array<Text>, _>(families)
    .bind::<Array<Integer>, _>(floors)
    .bind::<Text, _>(version)
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes all aliases.
pub async fn delete_aliases(conn: &mut Conn) -> DbResult<()> {
    diesel::delete(skill_aliases::table).execute(conn).await?;
    Ok(())
}

/// Writes aliases.
pub async fn insert_aliases(conn: &mut Conn, aliases: Vec<(String, String)>) -> DbResult<()> {
    let (aliases, skills): (Vec<String>, Vec<String>) = aliases.into_iter().unzip();
    diesel::sql_query("INSERT INTO skill_aliases (alias, skill) SELECT * FROM unnest($1, $2)")
        .bind::<Array<Text>, _>(aliases)
        .bind::<Array<Text>, _>(skills)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes all neighbourhoods.
pub async fn delete_neighbours(conn: &mut Conn) -> DbResult<()> {
    diesel::delete(skill_neighbours::table).execute(conn).await?;
    Ok(())
}

/// Writes neighbourhoods, each direction a row.
pub async fn insert_neighbours(conn: &mut Conn, rows: &[(String, String, i32)]) -> DbResult<()> {
    let skills: Vec<&str> = rows.iter().map(|(skill, _, _)| skill.as_str()).collect();
    let neighbours: Vec<&str> = rows.iter().map(|(_, neighbour, _)| neighbour.as_str()).collect();
    let weights: Vec<i32> = rows.iter().map(|(_, _, weight)| *weight).collect();
    diesel::sql_query(
        "INSERT INTO skill_neighbours (skill, neighbour, weight) SELECT * FROM unnest($1, $2, $3)",
    )
    .bind::<Array<Text>, _>(skills)
    .bind::<Array<Text>, _>(neighbours)
    .bind::<Array<Integer>, _>(weights)
    .execute(conn)
    .await?;
    Ok(())
}

/// All families.
pub async fn families(conn: &mut Conn) -> DbResult<Vec<Family>> {
    let rows: Vec<(String, String)> =
        skill_families::table.select((skill_families::slug, skill_families::name)).load(conn).await?;
    Ok(rows.into_iter().map(|(slug, name)| Family { slug, name }).collect())
}

/// All skills, without aliases and neighbours.
pub async fn skills(conn: &mut Conn) -> DbResult<Vec<Skill>> {
    let rows: Vec<(String, String, String, i32)> = skills::table
        .select((skills::slug, skills::name, skills::family, skills::floor_usd_per_hour))
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(slug, name, family, floor_usd_per_hour)| Skill {
            slug,
            name,
            family,
            aliases: Vec::new(),
            neighbours: Vec::new(),
            floor_usd_per_hour,
        })
        .collect())
}

/// All aliases with their skill.
pub async fn aliases(conn: &mut Conn) -> DbResult<Vec<(String, String)>> {
    Ok(skill_aliases::table.select((skill_aliases::alias, skill_aliases::skill)).load(conn).await?)
}

/// All neighbourhoods: skill, neighbour, weight.
pub async fn neighbours(conn: &mut Conn) -> DbResult<Vec<(String, String, i32)>> {
    Ok(skill_neighbours::table
        .select((skill_neighbours::skill, skill_neighbours::neighbour, skill_neighbours::weight))
        .load(conn)
        .await?)
}
