//! The jobs of portfolios.

use assay_kernel::ids::{PortfolioImportId, PortfolioItemId};
use assay_platform::Ctx;
use assay_platform::jobs::Registry;
use serde::Deserialize;

use crate::service::{Portfolio, challenges, imports};

#[derive(Deserialize)]
struct RunImport {
    import: PortfolioImportId,
}

#[derive(Deserialize)]
struct CheckChallenge {
    item: PortfolioItemId,
    token: String,
}

/// Registers the handlers of this domain's jobs.
pub fn jobs(registry: &mut Registry, portfolio: &Portfolio) {
    let runs = portfolio.clone();
    registry.on(imports::JOB, move |_: Ctx, job: RunImport| {
        let portfolio = runs.clone();
        async move { portfolio.run_import(job.import).await }
    });
    let checks = portfolio.clone();
    registry.on(challenges::JOB, move |_: Ctx, job: CheckChallenge| {
        let portfolio = checks.clone();
        async move { portfolio.check_challenge(job.item, &job.token).await }
    });
}
