//! Use cases: authorise → transaction → model → store → commands, events, audit.

pub mod apply;
pub mod approvals;
pub mod commands;
pub mod door;
pub mod finance;
pub mod holds;
pub mod inbox;
pub mod losses;
pub mod moving;
pub mod onboarding;
pub mod own_money;
pub mod paying_out;
pub mod reconciling;
mod refunding;
pub mod sending;

use assay_adapters::stripe::Stripe;
use assay_kernel::{Code, Error, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use secrecy::SecretString;
use uuid::Uuid;

use crate::model::{Hook, Moved, Movement};

/// The secrets that sign the provider's webhooks; several of each while they rotate.
#[derive(Clone, Debug)]
pub struct WebhookSecrets {
    /// Of the endpoint for the platform's events.
    pub platform: Vec<SecretString>,
    /// Of the endpoint for connected accounts' events.
    pub connect: Vec<SecretString>,
}

/// The use cases of this domain, with what they stand on.
#[derive(Clone)]
pub struct Payments {
    pub(crate) ctx: Ctx,
    pub(crate) stripe: Stripe,
    pub(crate) secrets: WebhookSecrets,
    hook: Hook,
}

impl AsRef<Ctx> for Payments {
    fn as_ref(&self) -> &Ctx {
        &self.ctx
    }
}

impl Payments {
    /// The use cases over these surroundings; `hook` is told what the provider did.
    pub fn new(ctx: Ctx, stripe: Stripe, secrets: WebhookSecrets, hook: Hook) -> Self {
        Self { ctx, stripe, secrets, hook }
    }

    /// Tells the higher domain, in the transaction of the movement.
    pub(crate) async fn tell(
        &self,
        conn: &mut Conn,
        milestone: Uuid,
        contract: Uuid,
        what: Movement,
    ) -> Result<()> {
        (self.hook)(&self.ctx, conn, &Moved { milestone, contract, what }).await
    }
}

/// Does it pass by itself: the provider or the database is away?
fn passing(error: &Error) -> bool {
    matches!(error.code(), Code::ProviderUnavailable | Code::Unavailable)
}
