//! `demo`: drives the road of the market over HTTP against a service that it starts itself: sign-in, import of a
//! portfolio, application, screening, appeal, paired assessment, approval, organisation, project, curation, listing,
//! ranking, bid, offer, acceptance, contract, payments, delivery, release, dispute, award, transfer, payout, the check of
//! the books.

mod assessments;
mod market;
mod matching;
mod money;
mod portfolio;
mod service;
mod vetting;
mod walk;

use super::boot::Outcome;
use super::server;
use service::{Folder, Service};
use walk::Walk;

/// Walks the whole road.
///
/// # Errors
/// At the first wrong answer.
pub fn run() -> Outcome {
    let folder = Folder::make()?;
    println!("Starting a service of its own in {} …", folder.0.display());
    let service = Service::start(&folder.0)?;
    println!("It answers at {}.\n", service.url);
    server::runtime()?.block_on(async { Walk::new(&service, &folder.0)?.all().await })?;
    service.stop()?;
    println!("\nThe whole road was walked. The service has been stopped and its folder removed.");
    Ok(())
}

impl Walk<'_> {
    async fn all(&self) -> Outcome {
        let client = self.join("carl-client", "client").await?;
        let developer = self.join("dev-dora", "developer").await?;
        let rival = self.join("dev-deniz", "developer").await?;
        let sam = self.join("staff-sam", "developer").await?;
        let rosa = self.join("staff-rosa", "developer").await?;
        let ada = self.join("ada-oss", "developer").await?;
        let stella = self.join("stella-stars", "developer").await?;
        for (who, permission) in [
            (&sam, "curator"),
            (&sam, "reviewer"),
            (&rosa, "reviewer"),
            (&rosa, "admin"),
            (&ada, "reviewer"),
            (&stella, "reviewer"),
        ] {
            self.appoint(who, permission)?;
        }

        self.import(&developer).await?;
        let application = self.application(&developer, &sam).await?;
        self.appeal(&developer, &sam, &rosa, &application).await?;
        self.pass(&rosa, &application).await?;
        self.assessments(&developer, &application, (&sam, &rosa)).await?;
        self.fast_lane(&rival, &rosa).await?;

        let organisation = self.organisation(&client, &sam).await?;
        let project = self.project(&client, &sam, &organisation).await?;
        self.matching(&client, &developer, &rival, &project).await?;
        let (listed, bid) = self.bids(&client, &developer, &rival, &project).await?;
        self.deal(&client, &developer, &listed, &bid).await?;

        let parties = (&client, &developer);
        let contract = self.contract(parties, &organisation, &bid).await?;
        self.fund(&client, &contract).await?;
        self.onboard(&developer).await?;
        self.deliver(parties, &contract).await?;
        self.dispute(parties, (&ada, &stella), &contract).await?;
        self.silence_and_payout(parties, &contract).await?;
        self.amounts(&client, &contract).await?;
        self.moved_score(&developer).await?;
        self.books()
    }
}
