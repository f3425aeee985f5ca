//! Payees and payment methods: what people set up at the provider themselves. What they are led there with is passed on
//! and kept nowhere.

use assay_adapters::stripe::{
    self, Account, AccountLink, Customer, Failure, Found, IdempotencyKey, Listing, NewAccount,
    NewSetupIntent, PaymentIntent, RefusalKind, SetupIntent, create_account, create_account_link,
    create_customer, create_setup_intent,
};
use assay_identity::OrganisationRole;
use assay_kernel::ids::{OrganisationId, PaymentMethodId};
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::audit;
use assay_platform::db::Conn;
use assay_platform::web::IfMatch;
use chrono::Duration;
use serde_json::json;
use uuid::Uuid;

use super::Payments;
use super::commands::there;
use crate::model::MethodKind;
use crate::store;
use crate::store::methods::MethodRow;
use crate::store::payees::PayeeRow;
use crate::store::payments::PaymentRow;

/// Past this a key of the provider's may be forgotten, so that what it made is looked for first.
const KEY_LIFE: Duration = Duration::hours(23);
/// Accounts looked through for one that was made and not noted.
const BOUND: usize = 10_000;

fn missing(what: &'static str) -> Error {
    Error::not_found(what)
}

/// A member of the organisation, who may hire for it where that is asked.
pub async fn member(conn: &mut Conn, actor: &Actor, organisation: OrganisationId, hires: bool) -> Result<()> {
    let place = assay_identity::membership(conn, actor.account_id, organisation)
        .await?
        .ok_or_else(|| missing("organisation"))?;
    if hires && !OrganisationRole::can_hire(place.role) {
        return Err(Error::new(Code::Forbidden, "This is for owners and hirers of the organisation."));
    }
    Ok(())
}

impl Payments {
    /// Opens a developer's account at the provider; the one there is when it is open.
    ///
    /// # Errors
    /// `provider_unavailable`; asked again, it goes on.
    pub async fn open_payee(&self, actor: &Actor, country: &str) -> Result<PayeeRow> {
        let (ctx, id, now) = (&self.ctx, actor.account_id, self.ctx.clock.now());
        let row = ctx
            .db
            .tx(async |conn| {
                if let Some(known) = store::payees::find(conn, id.uuid()).await? {
                    return Ok(known);
                }
                let row = PayeeRow {
                    account_id: id.uuid(),
                    country: country.to_owned(),
                    state: "incomplete".to_owned(),
                    stripe_account: None,
                    requirements: Vec::new(),
                    disabled_reason: None,
                    version: 1,
                    created_at: now,
                    updated_at: now,
                    tax_hold: None,
                };
                store::payees::insert(conn, &row).await?;
                let entry = audit::Entry {
                    actor: Some(id),
                    action: "payee.open",
                    subject: id.to_string(),
                    reason: None,
                    data: json!({ "country": country }),
                };
                audit::record(ctx, conn, entry).await?;
                Ok(row)
            })
            .await?;
        if row.stripe_account.is_some() {
            return Ok(row);
        }
        let account = self.account_of(&row).await?;
        ctx.db
            .tx(async |conn| {
                let mut row = there(store::payees::lock(conn, id.uuid()).await?, "payee")?;
                if row.stripe_account.is_none() {
                    row.stripe_account = Some(account.id.clone());
                    self.keep_payee(conn, &mut row).await?;
                    self.apply_account(conn, &account).await?;
                }
                there(store::payees::find(conn, id.uuid()).await?, "payee")
            })
            .await
    }

    /// The account of a payee at the provider: one, however often this was begun.
    async fn account_of(&self, row: &PayeeRow) -> Result<Account> {
        let mark = row.account_id.hyphenated().to_string();
        if self.ctx.clock.now() - row.created_at >= KEY_LIFE {
            let listing = Listing::of::<Account>();
            match self.stripe.find_by_metadata(&listing, BOUND, "account", &mark).await? {
                Found::Here(account) => return Ok(account),
                Found::Absent => {}
                Found::Unfinished => {
                    return Err(Error::internal("the accounts at the provider cannot be looked through"));
                }
            }
        }
        let post = create_account(&NewAccount { country: &row.country, metadata: &[("account", &mark)] });
        match self.stripe.send(&post, &IdempotencyKey::of(row.account_id)).await {
            Ok(account) => Ok(account),
            Err(Failure::Refused(refusal)) if refusal.kind == RefusalKind::Invalid => {
                Err(Error::new(Code::GuardFailed, "The payment provider opens no account in this country.")
                    .with_source(refusal.to_string()))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn payee_of(&self, actor: &Actor) -> Result<PayeeRow> {
        let id = actor.account_id.uuid();
        let find = async |conn: &mut Conn| Ok(store::payees::find(conn, id).await?);
        self.ctx.db.read(find).await?.ok_or_else(|| missing("payee"))
    }

    /// The caller's payee.
    ///
    /// # Errors
    /// `not_found` before they began.
    pub async fn payee(&self, actor: &Actor) -> Result<PayeeRow> {
        self.payee_of(actor).await
    }

    /// A page of the provider's where the payee answers its questions: it works once, for minutes.
    ///
    /// # Errors
    /// `not_found` before they began, `provider_unavailable`.
    pub async fn payee_link(&self, actor: &Actor) -> Result<AccountLink> {
        self.ctx.db.read(async |conn| assay_identity::require_step_up(&self.ctx, conn, actor).await).await?;
        let account = self.payee_of(actor).await?.stripe_account.ok_or_else(|| missing("payee"))?;
        let back = format!("{}/v1/me/payee", self.ctx.config.public_url());
        let post = create_account_link(&account, &back, &back);
        Ok(self.stripe.send(&post, &IdempotencyKey::of(self.ctx.ids.uuid())).await?)
    }

    /// Asks the provider how the payee stands: after they have come back from its page.
    ///
    /// # Errors
    /// `not_found` before they began, `provider_unavailable`.
    pub async fn refresh_payee(&self, actor: &Actor) -> Result<PayeeRow> {
        let account = self.payee_of(actor).await?.stripe_account.ok_or_else(|| missing("payee"))?;
        self.refresh("account", &account, None).await?;
        self.payee_of(actor).await
    }

    /// Begins to set up a method. Answers it with the secret by which the payer's browser goes on at the provider.
    ///
    /// # Errors
    /// `not_found`, `forbidden`, `guard_failed` when the payer's bank refuses, `provider_unavailable`.
    pub async fn add_method(
        &self,
        actor: &Actor,
        organisation: OrganisationId,
        kind: MethodKind,
        made_by_browser: Option<&str>,
    ) -> Result<(MethodRow, Option<String>)> {
        let (ctx, id, now) = (&self.ctx, self.ctx.ids.uuid(), self.ctx.clock.now());
        let known = ctx
            .db
            .tx(async |conn| {
                member(conn, actor, organisation, true).await?;
                let row = MethodRow {
                    id,
                    organisation_id: organisation.uuid(),
                    added_by_id: actor.account_id.uuid(),
                    kind: kind.as_str().to_owned(),
                    state: "setting_up".to_owned(),
                    setup_intent: None,
                    method: None,
                    version: 1,
                    created_at: now,
                    updated_at: now,
                };
                store::methods::insert(conn, &row).await?;
                Ok(store::methods::customer(conn, organisation.uuid()).await?)
            })
            .await?;
        let customer = match known {
            Some(known) => known,
            None => self.customer_of(organisation).await?,
        };
        let mark = id.hyphenated().to_string();
        let post = create_setup_intent(&NewSetupIntent {
            customer: &customer,
            methods: &[kind.provider_type()],
            confirm_with: made_by_browser,
            metadata: &[("payment_method", &mark)],
        });
        let setup: SetupIntent = match self.stripe.send(&post, &IdempotencyKey::of(id)).await {
            Ok(setup) => setup,
            Err(failure) => return Err(self.method_refused(id, failure).await?),
        };
        let row = ctx
            .db
            .tx(async |conn| {
                self.apply_setup(conn, &setup).await?;
                there(store::methods::find(conn, id).await?, "payment method")
            })
            .await?;
        Ok((row, setup.client_secret))
    }

    /// What to answer when a method was refused; the row says so too.
    async fn method_refused(&self, id: Uuid, failure: Failure) -> Result<Error> {
        let Some(refusal) = failure.refusal().filter(|refusal| refusal.kind != RefusalKind::Credentials)
        else {
            return Ok(failure.into());
        };
        let refused =
            Error::new(Code::GuardFailed, "The payment method was refused.").with_source(refusal.to_string());
        self.ctx
            .db
            .tx(async |conn| {
                let mut row = there(store::methods::lock(conn, id).await?, "payment method")?;
                row.state = "failed".to_owned();
                row.version = row.version.saturating_add(1);
                row.updated_at = self.ctx.clock.now();
                Ok(store::methods::update(conn, &row).await?)
            })
            .await?;
        Ok(refused)
    }

    /// As whom the provider knows an organisation. The key is the organisation's own; a second customer, made after the
    /// provider forgot the key, would be an empty name and no more.
    async fn customer_of(&self, organisation: OrganisationId) -> Result<String> {
        let mark = organisation.uuid().hyphenated().to_string();
        let post = create_customer(&[("organisation", &mark)]);
        let customer: Customer = self.stripe.send(&post, &IdempotencyKey::of(organisation.uuid())).await?;
        let (ctx, now) = (&self.ctx, self.ctx.clock.now());
        ctx.db
            .tx(async |conn| {
                store::methods::keep_customer(conn, organisation.uuid(), &customer.id, now).await?;
                there(store::methods::customer(conn, organisation.uuid()).await?, "customer")
            })
            .await
    }

    /// Takes a method away: no payment is made with it any more.
    ///
    /// # Errors
    /// `not_found`, `forbidden`, `precondition_failed`.
    pub async fn remove_method(&self, actor: &Actor, id: PaymentMethodId, seen: &IfMatch) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                let gone = || missing("payment method");
                let mut row = store::methods::lock(conn, id.uuid())
                    .await?
                    .filter(|row| row.state != "removed")
                    .ok_or_else(gone)?;
                let organisation = OrganisationId::from_uuid(row.organisation_id);
                // A stranger may not know of it.
                member(conn, actor, organisation, true)
                    .await
                    .map_err(|error| if error.code() == Code::NotFound { gone() } else { error })?;
                seen.check(row.version)?;
                row.state = "removed".to_owned();
                row.version = row.version.saturating_add(1);
                row.updated_at = self.ctx.clock.now();
                Ok(store::methods::update(conn, &row).await?)
            })
            .await
    }

    /// A payment that the caller's organisation makes.
    ///
    /// # Errors
    /// `not_found` also to strangers.
    pub async fn payment(&self, actor: &Actor, id: Uuid) -> Result<PaymentRow> {
        self.ctx
            .db
            .read(async |conn| {
                let row = store::payments::find(conn, id).await?.ok_or_else(|| missing("payment"))?;
                let organisation = OrganisationId::from_uuid(row.organisation_id);
                member(conn, actor, organisation, false).await.map_err(|_| missing("payment"))?;
                Ok(row)
            })
            .await
    }

    /// The secret by which the payer's browser says yes to its bank.
    ///
    /// # Errors
    /// `not_found`, `state_conflict` when nothing is asked of the payer, `provider_unavailable`.
    pub async fn payment_secret(&self, actor: &Actor, id: Uuid) -> Result<String> {
        let row = self.payment(actor, id).await?;
        let nothing = || Error::new(Code::StateConflict, "Nothing is asked of the payer.");
        let intent = row.payment_intent.filter(|_| row.state == "requires_action").ok_or_else(nothing)?;
        let intent: PaymentIntent = self.stripe.retrieve(&intent, None).await?;
        let asks = intent.status == stripe::PaymentIntentStatus::RequiresAction;
        intent.client_secret.filter(|_| asks).ok_or_else(nothing)
    }
}
