//! Use cases: rankings and what hangs on them.

pub mod exclusions;
pub mod invite;
pub mod learning;
pub mod live;
pub mod market;
pub mod mine;
pub mod preferences;
pub mod rankings;

use std::sync::Arc;

use assay_identity::OrganisationRole;
use assay_kernel::ids::ProjectId;
use assay_kernel::{Actor, Error, Permission, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_projects::Projects;
use assay_skills::Taxonomy;

use crate::store;
use crate::store::facts::ProjectRow;
use live::{Live, Source};

/// The use cases of this domain, with what they stand on.
#[derive(Clone)]
pub struct Matching {
    /// The surroundings.
    pub ctx: Ctx,
    pub(crate) projects: Projects,
    pub(crate) live: Arc<Live>,
    pub(crate) source: Source,
}

impl Matching {
    /// The use cases over these surroundings. Nobody can be ranked before [`Matching::keep`].
    pub fn new(ctx: Ctx, taxonomy: Arc<Taxonomy>, projects: Projects) -> Self {
        let source = Source { ctx: ctx.clone(), taxonomy };
        Self { ctx, projects, live: Arc::default(), source }
    }

    /// Reads the developers in the background and keeps them fresh, for as long as this (or a clone) lives.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn keep(&self) -> Result<()> {
        live::keep(self.source.clone(), &self.live)
    }

    /// The project of a caller who belongs to its client, or curates; 404 for everybody else.
    pub(crate) async fn project_inside(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: ProjectId,
    ) -> Result<ProjectRow> {
        let row = store::facts::project(conn, id, actor.account_id).await?;
        row.filter(|row| is_inside(row, actor)).ok_or_else(|| Error::not_found("project"))
    }
}

/// Does the caller belong to the project's client, or curate?
pub(crate) fn is_inside(project: &ProjectRow, actor: &Actor) -> bool {
    project.role.is_some() || actor.is(Permission::Curator)
}

/// May somebody of this role hire for the client?
pub(crate) fn may_hire(project: &ProjectRow) -> bool {
    project.role.as_deref().and_then(OrganisationRole::parse).is_some_and(OrganisationRole::can_hire)
}
