//! Where the domains are joined: their routes, tables, jobs, seeds and what they are given. A new domain is added
//! here and nowhere else.

use std::sync::Arc;

use actix_web::web::{self, Data};
use assay_kernel::process::Machine;
use assay_kernel::{Code, Error, Permission, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::Registry;
use assay_platform::web::auth::{Authenticator, Presented};
use assay_skills::Taxonomy;
use utoipa_actix_web::service_config::ServiceConfig;

use super::providers::Providers;

/// What the domains' handlers share within a process, besides the context.
#[derive(Clone)]
pub struct State {
    taxonomy: Arc<Taxonomy>,
}

impl State {
    /// Reads it from a database that is migrated and seeded.
    ///
    /// # Errors
    /// Whatever a domain fails with.
    pub async fn load(ctx: &Ctx, _providers: &Providers) -> Result<Self> {
        Ok(Self { taxonomy: Taxonomy::load(ctx).await? })
    }

    /// Gives it to the handlers.
    pub fn app_data(&self, config: &mut web::ServiceConfig) {
        config.app_data(Data::from(self.taxonomy.clone()));
    }

    /// Who turns credentials into actors.
    pub fn authenticator(&self) -> Arc<dyn Authenticator + Send + Sync> {
        Arc::new(Nobody)
    }
}

/// Registers every domain's operations.
pub fn routes(config: &mut ServiceConfig) {
    config.configure(assay_skills::routes).configure(assay_notifications::routes);
}

/// Every state machine.
pub fn machines() -> impl Iterator<Item = &'static Machine> {
    let all: [&'static [&'static Machine]; 0] = [];
    all.into_iter().flatten().copied()
}

/// Registers every domain's jobs.
pub fn jobs(registry: &mut Registry, providers: &Providers) {
    assay_notifications::jobs(registry, providers.mailer.clone());
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
pub async fn delete_old(_ctx: &Ctx, _conn: &mut Conn) -> Result<()> {
    Ok(())
}

/// Grants or revokes a staff permission: the bootstrap, which no operation of the API can do.
///
/// # Errors
/// When nobody of that login has signed in.
pub async fn set_permission(_ctx: &Ctx, login: &str, _permission: Permission, _grant: bool) -> Result<()> {
    Err(Error::not_found(&format!("account with the login {login}")))
}

struct Nobody;

impl Authenticator for Nobody {
    fn authenticate(
        &self,
        _presented: Presented,
    ) -> futures_util::future::LocalBoxFuture<'_, Result<assay_kernel::Actor>> {
        Box::pin(std::future::ready(Err(Error::new(Code::Unauthenticated, Code::Unauthenticated.meaning()))))
    }
}
