//! Where the domains are joined: their routes, tables, jobs, seeds and what they are given. A new domain is added
//! here and nowhere else.

use std::sync::Arc;

use actix_web::web::{self, Data};
use assay_adapters::mail::Mailer;
use assay_assessments::Assessments;
use assay_identity::Identity;
use assay_kernel::ids::OrganisationId;
use assay_kernel::process::Machine;
use assay_kernel::{Permission, Result};
use assay_matching::Matching;
use assay_payments::Payments;
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::Registry;
use assay_platform::personal_data;
use assay_platform::web::Routes;
use assay_platform::web::auth::Authenticator;
use assay_portfolio::Portfolio;
use assay_projects::{LineOutcome, Projects};
use assay_skills::Taxonomy;
use assay_vetting::Vetting;

use super::providers::Providers;

/// What the domains' handlers share within a process, besides the context.
#[derive(Clone)]
pub struct State {
    taxonomy: Arc<Taxonomy>,
    identity: Identity,
    vetting: Vetting,
    assessments: Assessments,
    portfolio: Portfolio,
    projects: Projects,
    payments: Payments,
    matching: Matching,
    mailer: Mailer,
}

impl State {
    /// Reads it from a database that is migrated and seeded.
    ///
    /// # Errors
    /// Whatever a domain fails with.
    pub async fn load(ctx: &Ctx, providers: &Providers) -> Result<Self> {
        let taxonomy = Taxonomy::load(ctx).await?;
        let vetting = Vetting { ctx: ctx.clone(), taxonomy: taxonomy.clone() };
        let projects = Projects::new(ctx.clone(), taxonomy.clone());
        Ok(Self {
            taxonomy: taxonomy.clone(),
            identity: Identity::new(ctx.clone(), providers.github.clone(), PERSONAL_DATA),
            assessments: Assessments::new(
                ctx.clone(),
                taxonomy.clone(),
                vetting.clone(),
                assay_contracts::ties,
                assay_scoring::on_rated,
            )?,
            vetting,
            portfolio: Portfolio::new(
                ctx.clone(),
                taxonomy.clone(),
                providers.github.clone(),
                providers.github_web.clone(),
                providers.sites.clone(),
            ),
            matching: Matching::new(ctx.clone(), taxonomy, projects.clone()),
            projects,
            payments: Payments::new(
                ctx.clone(),
                providers.stripe.clone(),
                providers.stripe_webhooks.clone(),
                assay_contracts::on_moved,
            ),
            mailer: providers.mailer.clone(),
        })
    }

    /// Gives it to the handlers.
    pub fn app_data(&self, config: &mut web::ServiceConfig) {
        config
            .app_data(Data::from(self.taxonomy.clone()))
            .app_data(Data::new(self.identity.clone()))
            .app_data(Data::new(self.vetting.clone()))
            .app_data(Data::new(self.assessments.clone()))
            .app_data(Data::new(self.portfolio.clone()))
            .app_data(Data::new(self.projects.clone()))
            .app_data(Data::new(self.payments.clone()))
            .app_data(Data::new(self.matching.clone()));
    }

    /// Begins what goes on in the background of a process that answers requests, for as long as this lives.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn begin(&self) -> Result<()> {
        self.matching.keep()
    }

    /// Who turns credentials into actors.
    pub fn authenticator(&self) -> Arc<dyn Authenticator + Send + Sync> {
        Arc::new(self.identity.clone())
    }
}

/// Registers every domain's operations.
pub fn routes(routes: &mut Routes<'_>) {
    // The router asks each route in turn, by a regular expression where the path has a parameter.
    routes
        .configure(assay_projects::asked_most)
        .configure(assay_matching::asked_most)
        .configure(assay_projects::routes)
        .configure(assay_matching::routes)
        .configure(assay_contracts::routes)
        .configure(assay_skills::routes)
        .configure(assay_notifications::routes)
        .configure(assay_identity::routes)
        .configure(assay_portfolio::routes)
        .configure(assay_vetting::routes)
        .configure(assay_assessments::routes)
        .configure(assay_scoring::routes)
        .configure(assay_payments::routes)
        .configure(assay_ledger::routes);
}

/// Every state machine.
pub fn machines() -> impl Iterator<Item = &'static Machine> {
    [
        assay_identity::MACHINES,
        assay_portfolio::MACHINES,
        assay_vetting::MACHINES,
        assay_assessments::MACHINES,
        assay_projects::MACHINES,
        assay_payments::MACHINES,
        assay_contracts::MACHINES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// What every domain holds about people, the higher domains first: erasing goes down the arrows.
const PERSONAL_DATA: personal_data::Registry = &[
    assay_matching::PERSONAL_DATA,
    assay_contracts::PERSONAL_DATA,
    assay_projects::PERSONAL_DATA,
    assay_scoring::PERSONAL_DATA,
    assay_assessments::PERSONAL_DATA,
    assay_vetting::PERSONAL_DATA,
    assay_portfolio::PERSONAL_DATA,
    assay_payments::PERSONAL_DATA,
    assay_identity::PERSONAL_DATA,
    assay_notifications::PERSONAL_DATA,
];

/// What must hold of money, by every domain that has a say in it.
pub const INVARIANTS: assay_ledger::Invariants =
    &[assay_ledger::INVARIANTS, assay_payments::INVARIANTS, assay_contracts::INVARIANTS];

/// Registers every domain's jobs.
pub fn jobs(registry: &mut Registry, state: &State) {
    assay_ledger::jobs(registry, INVARIANTS);
    assay_notifications::jobs(registry, state.mailer.clone());
    assay_identity::jobs(registry, &state.identity);
    assay_portfolio::jobs(registry, &state.portfolio);
    assay_vetting::jobs(registry, &state.vetting);
    assay_assessments::jobs(registry, &state.assessments);
    assay_scoring::jobs(registry);
    assay_projects::jobs(registry, &state.projects);
    assay_payments::jobs(registry, &state.payments);
    assay_contracts::jobs(registry);
    assay_matching::jobs(registry, &state.matching);
}

/// Writes what the domains need to begin with; run at each start, so it changes nothing the second time.
///
/// # Errors
/// Whatever a domain fails with.
pub async fn seed(ctx: &Ctx) -> Result<()> {
    assay_skills::seed(ctx).await?;
    ctx.db.tx(async |conn| assay_assessments::record_rubric(ctx, conn).await).await?;
    ctx.db.tx(async |conn| assay_scoring::seed(ctx, conn).await).await?;
    assay_projects::seed(ctx).await
}

/// Deletes what domains keep for a time only.
///
/// # Errors
/// Whatever a domain fails with.
pub async fn delete_old(ctx: &Ctx, conn: &mut Conn) -> Result<usize> {
    let ratings = assay_assessments::delete_old(ctx, conn).await?;
    Ok(assay_identity::retention(ctx, conn).await?.saturating_add(ratings))
}

/// Grants or revokes a staff permission: the bootstrap, which no operation of the API can do.
///
/// # Errors
/// When nobody of that login has signed in.
pub async fn set_permission(ctx: &Ctx, login: &str, permission: Permission, grant: bool) -> Result<()> {
    assay_identity::grant_permission_by_login(ctx, login, permission, grant).await.map(drop)
}

/// Imports projects as drafts of an organisation, in the name of a curator. Tells each line's outcome, numbered from 1.
///
/// # Errors
/// When there is no such curator or organisation, or the database is gone.
pub async fn import_projects(
    ctx: &Ctx,
    organisation: OrganisationId,
    login: &str,
    lines: &str,
    report: impl FnMut(usize, &LineOutcome),
) -> Result<()> {
    let staff = ctx
        .db
        .read(async |conn| assay_identity::staff_by_login(conn, login, Permission::Curator).await)
        .await?;
    let projects = Projects::new(ctx.clone(), Taxonomy::load(ctx).await?);
    projects.import(staff.id, organisation, lines, report).await
}
