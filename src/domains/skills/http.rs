//! Routes of the taxonomy.

use actix_web::get;
use actix_web::web::Data;
use assay_kernel::{Error, Limit, Page};
use assay_platform::Ctx;
use assay_platform::web::{Anyone, Cursor, Outcome, Path, Query, Reply, Routes};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::model::{Family, Neighbour, Rank, Skill, Taxonomy};

/// Registers the operations of skills.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(list_skills).service(get_skill).service(list_skill_families);
}

/// Which skills to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListSkills {
    /// A part of the slug, the name or an alias, letter case aside.
    #[param(example = "java")]
    q: Option<String>,
    /// Only skills of this family.
    #[param(example = "backend")]
    family: Option<String>,
    /// How many skills a page holds.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A skill in a list.
#[derive(Debug, Serialize, ToSchema)]
struct SkillSummary {
    /// The stable name, by which projects and profiles refer to it.
    #[schema(example = "python")]
    slug: String,
    /// The name for people.
    #[schema(example = "Python")]
    name: String,
    /// Slug of the family.
    #[schema(example = "backend")]
    family: String,
    /// Other spellings that are understood.
    #[schema(example = json!(["cpython", "py", "python3"]))]
    aliases: Vec<String>,
    /// The hourly rate in US dollars below which no budget should press.
    #[schema(minimum = 1, example = 22)]
    floor_usd_per_hour: i32,
}

impl From<&Skill> for SkillSummary {
    fn from(skill: &Skill) -> Self {
        Self {
            slug: skill.slug.clone(),
            name: skill.name.clone(),
            family: skill.family.clone(),
            aliases: skill.aliases.clone(),
            floor_usd_per_hour: skill.floor_usd_per_hour,
        }
    }
}

/// A skill with its surroundings.
#[derive(Debug, Serialize, ToSchema)]
struct SkillView {
    /// The stable name, by which projects and profiles refer to it.
    #[schema(example = "python")]
    slug: String,
    /// The name for people.
    #[schema(example = "Python")]
    name: String,
    /// The family.
    family: Family,
    /// Other spellings that are understood.
    #[schema(example = json!(["cpython", "py", "python3"]))]
    aliases: Vec<String>,
    /// Skills from which much carries over, the nearest first.
    neighbours: Vec<Neighbour>,
    /// The hourly rate in US dollars below which no budget should press.
    #[schema(minimum = 1, example = 22)]
    floor_usd_per_hour: i32,
}

/// Lists skills.
///
/// With `q`, skills that have it in their slug, name or an alias: those that are it first, then those that begin with
/// it, then the rest.
#[utoipa::path(
    tag = "skills",
    params(ListSkills),
    responses((status = 200, description = "A page of skills.", body = Page<SkillSummary>)),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/skills")]
async fn list_skills(
    ctx: Data<Ctx>,
    taxonomy: Data<Taxonomy>,
    _caller: Anyone,
    query: Query<ListSkills>,
) -> Outcome {
    let Query(query) = query;
    let cursor = Cursor::new(&ctx.keys, "skills", &(&query.q, &query.family));
    let after: Option<(Rank, String)> =
        query.cursor.as_deref().map(|text| cursor.decode(text)).transpose()?;
    let mut found = taxonomy.search(query.q.as_deref(), query.family.as_deref());
    if let Some((rank, slug)) = after {
        found.retain(|(found_rank, skill)| (*found_rank, skill.slug.as_str()) > (rank, slug.as_str()));
    }
    let page = cursor.page(found, query.limit, |(rank, skill)| (*rank, skill.slug.clone()))?;
    Ok(Reply::page(&page.map(|(_, skill)| SkillSummary::from(skill)))?)
}

/// Shows a skill.
///
/// By its slug; other spellings are found with `GET /v1/skills?q=`.
#[utoipa::path(
    tag = "skills",
    params(("slug" = String, Path, description = "The skill's slug.", example = "python")),
    responses((status = 200, description = "The skill.", body = SkillView)),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/skills/{slug}")]
async fn get_skill(taxonomy: Data<Taxonomy>, _caller: Anyone, slug: Path<String>) -> Outcome {
    let skill = taxonomy.get(&slug.0).ok_or_else(|| Error::not_found("skill"))?;
    let family = taxonomy.families().iter().find(|family| family.slug == skill.family).cloned();
    let view = SkillView {
        slug: skill.slug.clone(),
        name: skill.name.clone(),
        family: family.unwrap_or_else(|| Family { slug: skill.family.clone(), name: skill.family.clone() }),
        aliases: skill.aliases.clone(),
        neighbours: skill.neighbours.clone(),
        floor_usd_per_hour: skill.floor_usd_per_hour,
    };
    Ok(Reply::ok(&view)?)
}

/// Lists the families of skills.
///
/// They are also the tracks in which developers apply. All of them on one page.
#[utoipa::path(
    tag = "skills",
    responses((status = 200, description = "Every family.", body = Page<Family>)),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/skill_families")]
async fn list_skill_families(taxonomy: Data<Taxonomy>, _caller: Anyone) -> Outcome {
    Ok(Reply::ok(&Page::whole(taxonomy.families().to_vec()))?)
}
