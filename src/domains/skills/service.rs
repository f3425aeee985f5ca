//! Seeding, loading and look-ups.

use std::collections::HashMap;
use std::sync::Arc;

use assay_kernel::{Code, Error, Result};
use assay_platform::Ctx;
use assay_platform::db::{Conn, LOCK_MIGRATE, advisory_lock};

use crate::model::{Neighbour, Resolved, Skill, SkillRef, Taxonomy, TaxonomyFile, spelling};
use crate::store;

const TAXONOMY: &str = include_str!("taxonomy.json");

/// The beginning of the file, which alone is read at a start that has nothing to write.
#[derive(serde::Deserialize)]
struct Header {
    version: String,
}

/// Writes the taxonomy that ships with the service, unless the database has it or a newer one.
///
/// # Errors
/// When the database fails.
pub async fn seed(ctx: &Ctx) -> Result<()> {
    if ctx.db.read(async |conn| is_seeded(conn).await).await? {
        return Ok(());
    }
    ctx.db.tx(async |conn| seed_in(conn).await).await
}

/// As [`seed`], in the caller's transaction.
///
/// # Errors
/// When the database fails.
pub async fn seed_in(conn: &mut Conn) -> Result<()> {
    if is_seeded(conn).await? {
        return Ok(());
    }
    advisory_lock(conn, LOCK_MIGRATE).await?;
    if is_seeded(conn).await? {
        return Ok(());
    }
    let file: TaxonomyFile = serde_json::from_str(TAXONOMY).map_err(Error::internal)?;
    store::put_families(conn, &file.families).await?;
    store::put_skills(conn, &file.version, &file.skills).await?;
    store::delete_aliases(conn).await?;
    store::insert_aliases(conn, file.aliases()).await?;
    store::delete_neighbours(conn).await?;
    store::insert_neighbours(conn, &file.neighbours()).await?;
    tracing::info!(version = %file.version, skills = file.skills.len(), "the skill taxonomy was written");
    Ok(())
}

async fn is_seeded(conn: &mut Conn) -> Result<bool> {
    let shipped: Header = serde_json::from_str(TAXONOMY).map_err(Error::internal)?;
    // Versions are dates: an older service beside a newer one leaves the newer taxonomy in place.
    Ok(store::version(conn).await?.is_some_and(|stored| stored >= shipped.version))
}

impl Taxonomy {
    /// Reads the taxonomy once, for the life of the process. Call it after [`seed`].
    ///
    /// # Errors
    /// When the database fails or was never seeded.
    pub async fn load(ctx: &Ctx) -> Result<Arc<Self>> {
        let taxonomy = ctx.db.read(async |conn| load(conn).await).await?;
        if taxonomy.skills().is_empty() {
            return Err(Error::new(Code::Unavailable, "The skill taxonomy has not been written yet."));
        }
        Ok(Arc::new(taxonomy))
    }
}

async fn load(conn: &mut Conn) -> Result<Taxonomy> {
    let families = store::families(conn).await?;
    let mut skills: HashMap<String, Skill> =
        store::skills(conn).await?.into_iter().map(|skill| (skill.slug.clone(), skill)).collect();
    for (alias, skill) in store::aliases(conn).await? {
        if let Some(skill) = skills.get_mut(&skill) {
            skill.aliases.push(alias);
        }
    }
    for (skill, slug, weight) in store::neighbours(conn).await? {
        if let Some(skill) = skills.get_mut(&skill) {
            skill.neighbours.push(Neighbour { slug, weight });
        }
    }
    Ok(Taxonomy::new(families, skills.into_values().collect()))
}

/// What each given spelling (slug, name or alias, letter case aside) means, in the order given.
///
/// # Errors
/// When the database fails.
pub async fn resolve(conn: &mut Conn, given: &[String]) -> Result<Vec<Resolved>> {
    let spellings = given.iter().map(|text| spelling(text)).collect();
    let mut found: HashMap<i64, SkillRef> = store::resolve(conn, spellings).await?.into_iter().collect();
    Ok((1_i64..)
        .zip(given.iter().enumerate())
        .map(|(place, (index, given))| Resolved { index, given: given.clone(), skill: found.remove(&place) })
        .collect())
}

/// The skills of these slugs, by slug; unknown ones are left out.
///
/// # Errors
/// When the database fails.
pub async fn by_slugs(conn: &mut Conn, slugs: &[&str]) -> Result<Vec<SkillRef>> {
    Ok(store::by_slugs(conn, slugs).await?)
}
