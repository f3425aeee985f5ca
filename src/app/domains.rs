//! Where the domains are joined: their routes, tables, jobs, seeds and what they are given. A new domain is added
//! here and nowhere else.

use std::sync::Arc;

use actix_web::web::{self, Data};
use assay_identity::Identity;
use assay_kernel::process::Machine;
use assay_kernel::{Permission, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::Registry;
use assay_platform::web::auth::Authenticator;
use assay_skills::Taxonomy;
use utoipa_actix_web::service_config::ServiceConfig;

use super::providers::Providers;

/// What the domains' handlers share within a process, besides the context.
#[derive(Clone)]
pub struct State {
    taxonomy: Arc<Taxonomy>,
    identity: Identity,
}

impl State {
    /// Reads it from a database that is migrated and seeded.
    ///
    /// # Errors
    /// Whatever a domain fails with.
    pub async fn load(ctx: &Ctx, providers: &Providers) -> Result<Self> {
        Ok(Self {
            taxonomy: Taxonomy::load(ctx).await?,
            identity: Identity::new(ctx.clone(), providers.github.clone()),
        })
    }

    /// Gives it to the handlers.
    pub fn app_data(&self, config: &mut web::ServiceConfig) {
        config.app_data(Data::from(self.taxonomy.clone())).app_data(Data::new(self.identity.clone()));
    }

    /// Who turns credentials into actors.
    pub fn authenticator(&self) -> Arc<dyn Authenticator + Send + Sync> {
        Arc::new(self.identity.clone())
    }
}

/// Registers every domain's operations.
pub fn routes(config: &mut ServiceConfig) {
    config
        .configure(assay_skills::routes)
        .configure(assay_notifications::routes)
        .configure(assay_identity::routes)
        .configure(assay_vetting::routes);
}

/// Every state machine.
pub fn machines() -> impl Iterator<Item = &'static Machine> {
    [assay_identity::MACHINES, assay_vetting::MACHINES].into_iter().flatten().copied()
}

/// Registers every domain's jobs.
pub fn jobs(registry: &mut Registry, providers: &Providers) {
    assay_notifications::jobs(registry, providers.mailer.clone());
    assay_identity::jobs(registry);
    assay_vetting::jobs(registry);
}

/// Writes what the domains need to begin with; run at each start, so it changes nothing the second time.
///
/// # Errors
/// Whatever a domain fails with.
pub async fn seed(_ctx: &Ctx, conn: &mut Conn) -> Result<()> {
    assay_skills::seed_in(conn).await
}

/// Deletes what domains keep for a time only.
///
/// # Errors
/// Whatever a domain fails with.
pub async fn delete_old(ctx: &Ctx, conn: &mut Conn) -> Result<usize> {
    assay_identity::retention(ctx, conn).await
}

/// Grants or revokes a staff permission: the bootstrap, which no operation of the API can do.
///
/// # Errors
/// When nobody of that login has signed in.
pub async fn set_permission(ctx: &Ctx, login: &str, permission: Permission, grant: bool) -> Result<()> {
    assay_identity::grant_permission_by_login(ctx, login, permission, grant).await.map(drop)
}
