//! Connected accounts, their links, transfers and reversals, payouts.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::funds::{self, Movement};
use super::world::{
    ACCOUNT, Answer, CHARGE, Call, Due, PAYOUT, REVERSAL, Refused, TRANSACTION, TRANSFER, World, int, text,
};

/// How long a link works.
const LINK: Duration = Duration::minutes(5);
/// What onboarding asks for.
const ASKED: &[&str] =
    &["business_type", "external_account", "individual.dob", "individual.id_number", "tos_acceptance.date"];

/// A link that was given out. It works once.
#[derive(Clone, Debug)]
pub struct Link {
    pub account: String,
    pub expires: DateTime<Utc>,
    pub return_url: String,
    pub refresh_url: String,
}

fn requirements(due: &[&str]) -> Value {
    let reason = if due.is_empty() { Value::Null } else { json!("requirements.past_due") };
    json!({
        "alternatives": [], "current_deadline": null, "currently_due": due, "disabled_reason": reason, "errors": [],
        "eventually_due": due, "past_due": due, "pending_verification": [],
    })
}

/// `POST /v1/accounts`
pub fn create_account(world: &mut World, call: &Call) -> Answer {
    let country = call.form.get("country").unwrap_or("US").to_ascii_uppercase();
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(Refused::invalid("Country is invalid.")
            .code("country_unsupported")
            .param("country")
            .early());
    }
    let or = |name: &str, usual: &str| call.form.get(name).unwrap_or(usual).to_owned();
    let currency = if country == "US" {
        "usd"
    } else if country == "GB" {
        "gbp"
    } else {
        "eur"
    };
    let interval = or("settings[payouts][schedule][interval]", "daily");
    let value = json!({
        "business_profile": {
            "annual_revenue": null, "estimated_worker_count": null, "mcc": null, "minority_owned_business_designation": null,
            "name": null, "product_description": null, "support_address": null, "support_email": null,
            "support_phone": null, "support_url": null, "url": null,
        },
        "business_type": null,
        "capabilities": { "transfers": "inactive" },
        "charges_enabled": false,
        "controller": {
            "fees": { "payer": or("controller[fees][payer]", "account") },
            "is_controller": true,
            "losses": { "payments": or("controller[losses][payments]", "stripe") },
            "requirement_collection": or("controller[requirement_collection]", "stripe"),
            "stripe_dashboard": { "type": or("controller[stripe_dashboard][type]", "full") },
            "type": "application",
        },
        "country": country,
        "default_currency": currency,
        "details_submitted": false,
        "email": call.text("email"),
        "external_accounts": { "data": [], "has_more": false, "object": "list", "url": "/v1/accounts/external_accounts" },
        "future_requirements": requirements(&[]),
        "metadata": call.metadata(),
        "payouts_enabled": false,
        "requirements": requirements(ASKED),
        "settings": {
            "branding": { "icon": null, "logo": null, "primary_color": null, "secondary_color": null },
            "card_payments": { "statement_descriptor_prefix": null, "statement_descriptor_prefix_kana": null, "statement_descriptor_prefix_kanji": null },
            "dashboard": { "display_name": null, "timezone": "Etc/UTC" },
            "payments": { "statement_descriptor": null, "statement_descriptor_kana": null, "statement_descriptor_kanji": null },
            "payouts": {
                "debit_negative_balances": true,
                "schedule": { "delay_days": 2, "interval": interval },
                "statement_descriptor": null,
            },
        },
        "tos_acceptance": { "date": null, "ip": null, "user_agent": null },
        "type": "none",
    });
    let id = format!("acct_{}", &world.new_id("1")[2..18]);
    world.add_as(ACCOUNT, None, id.clone(), value);
    world.need(ACCOUNT, None, &id)
}

/// `POST /v1/account_links`
pub fn create_link(world: &mut World, call: &Call) -> Answer {
    let account = call.need("account")?.to_owned();
    world.need(ACCOUNT, None, &account).map_err(|refused| refused.param("account"))?;
    let link = Link {
        expires: world.now() + LINK,
        return_url: call.need("return_url")?.to_owned(),
        refresh_url: call.need("refresh_url")?.to_owned(),
        account,
    };
    let token = world.new_id("link");
    let url = format!("{}/setup/{token}", world.base_url);
    let expires = link.expires.timestamp();
    world.links.insert(token, link);
    Ok(json!({ "object": "account_link", "created": world.seconds(), "expires_at": expires, "url": url }))
}

/// What a visit to a link finds.
pub enum Visit {
    /// The page, for the account.
    Page(String),
    /// Somewhere else: back to where they came from, or to fetch a new link.
    Elsewhere(String),
    Nowhere,
}

/// A visit; `complete` answers everything.
pub fn visit(world: &mut World, token: &str, complete: bool) -> Visit {
    let Some(link) = world.links.get(token).cloned() else { return Visit::Nowhere };
    if link.expires <= world.now() {
        return Visit::Elsewhere(link.refresh_url);
    }
    if !complete {
        return Visit::Page(link.account);
    }
    if let Some(used) = world.links.get_mut(token) {
        // Once: the next visit is sent for a new one.
        used.expires = DateTime::UNIX_EPOCH;
    }
    onboard(world, &link.account);
    Visit::Elsewhere(link.return_url)
}

/// Every requirement is met.
pub fn onboard(world: &mut World, account: &str) {
    world.set(
        ACCOUNT,
        account,
        json!({
            "business_type": "individual", "capabilities": { "transfers": "active" }, "charges_enabled": true,
            "details_submitted": true, "payouts_enabled": true, "requirements": requirements(&[]),
            "tos_acceptance": { "date": world.seconds(), "ip": null, "user_agent": null },
        }),
    );
    world.emit("account.updated", ACCOUNT, account, None);
}

/// Something is asked for again: payouts and transfers stop.
pub fn restrict(world: &mut World, account: &str) -> Answer {
    world.need(ACCOUNT, None, account)?;
    world.set(
        ACCOUNT,
        account,
        json!({
            "capabilities": { "transfers": "inactive" }, "payouts_enabled": false,
            "requirements": requirements(&["individual.verification.document"]),
        }),
    );
    world.emit("account.updated", ACCOUNT, account, None);
    world.need(ACCOUNT, None, account)
}

/// `POST /v1/transfers`
pub fn create_transfer(world: &mut World, call: &Call) -> Answer {
    let amount = call.need_amount()?;
    let currency = call.need_currency()?;
    let destination = call.need("destination")?.to_owned();
    let account = world.need(ACCOUNT, None, &destination).map_err(|refused| refused.param("destination"))?;
    if account["capabilities"]["transfers"] != "active" {
        let message = "Your destination account needs to have at least one of the following capabilities enabled: \
                       transfers, crypto_transfers, legacy_payments";
        return Err(Refused::invalid(message).code("insufficient_capabilities_for_transfer"));
    }
    let source = call.form.get("source_transaction").map(str::to_owned);
    let available_on = match &source {
        Some(charge) => covered(world, charge, amount, &currency)?,
        None => {
            let (available, _) = funds::of(world, None, &currency);
            if available < amount {
                return Err(funds::insufficient(
                    "You have insufficient available funds in your Stripe account. Try adding funds directly to \
                     your available balance by creating Charges using the 4000000000000077 test card.",
                ));
            }
            world.now()
        }
    };
    let payment = world.new_id("py");
    let transfer = world.add(
        TRANSFER,
        None,
        json!({
            "amount": amount,
            "amount_reversed": 0,
            "currency": currency,
            "description": call.text("description"),
            "destination": destination,
            "destination_payment": payment,
            "metadata": call.metadata(),
            "reversed": false,
            "source_transaction": source,
            "source_type": "card",
            "transfer_group": call.text("transfer_group"),
        }),
    );
    let reversals = json!({ "data": [], "has_more": false, "object": "list", "url": format!("/v1/transfers/{transfer}/reversals") });
    let out = Movement {
        account: None,
        currency: &currency,
        amount: -amount,
        fee: 0,
        kind: ("transfer", "transfer"),
        source: &transfer,
        available_on,
    };
    let transaction = funds::post(world, &out);
    let into = Movement {
        account: Some(&destination),
        amount,
        kind: ("payment", "charge"),
        source: &payment,
        ..out
    };
    funds::post(world, &into);
    world.set(TRANSFER, &transfer, json!({ "balance_transaction": transaction, "reversals": reversals }));
    world.emit("transfer.created", TRANSFER, &transfer, Some(call));
    world.need(TRANSFER, None, &transfer)
}

/// From when the money of a charge may be used, if so much of it is left.
fn covered(world: &World, charge: &str, amount: i64, currency: &str) -> Result<DateTime<Utc>, Refused> {
    let found = world.need(CHARGE, None, charge).map_err(|refused| refused.param("source_transaction"))?;
    if found["status"] == "failed" {
        return Err(Refused::invalid("The source charge has failed.").param("source_transaction"));
    }
    if found["currency"] != currency {
        return Err(Refused::invalid("The currency of source_transaction's balance transaction differs.")
            .param("currency"));
    }
    let moved: i64 = world
        .all(TRANSFER)
        .filter(|transfer| transfer["source_transaction"] == charge)
        .map(|transfer| int(&transfer["amount"]) - int(&transfer["amount_reversed"]))
        .sum();
    let whole = int(&found["amount"]);
    if moved + amount > whole {
        let message = format!(
            "Transfers using this transaction as a source must not exceed the source amount of {whole}. \
             (There are already transfers using this source, amounting to a total of {moved}.)"
        );
        return Err(Refused::invalid(message).param("amount"));
    }
    let transaction = world.get(TRANSACTION, text(&found["balance_transaction"])).unwrap_or_default();
    let ready = DateTime::from_timestamp(int(&transaction["available_on"]), 0).unwrap_or_default();
    Ok(ready.max(world.now()))
}

/// `POST /v1/transfers/{id}/reversals`
pub fn reverse(world: &mut World, call: &Call, id: &str) -> Answer {
    let transfer = world.need(TRANSFER, None, id)?;
    let left = int(&transfer["amount"]) - int(&transfer["amount_reversed"]);
    let amount = call.amount("amount")?.unwrap_or(left);
    if amount > left || left == 0 {
        let message =
            format!("The transfer reversal amount ({amount}) exceeds the unreversed amount ({left}).");
        return Err(Refused::invalid(message).code("transfer_reversal_amount_too_large").param("amount"));
    }
    let currency = text(&transfer["currency"]).to_owned();
    let destination = text(&transfer["destination"]).to_owned();
    let (available, pending) = funds::of(world, Some(&destination), &currency);
    if available + pending < amount && !world.settings.negative_reversals {
        return Err(funds::insufficient("The connected account's balance is too low for this reversal."));
    }
    let reversal = world.add(
        REVERSAL,
        None,
        json!({
            "amount": amount, "currency": currency, "destination_payment_refund": null, "metadata": call.metadata(),
            "source_refund": null, "transfer": id,
        }),
    );
    let back = Movement {
        account: None,
        currency: &currency,
        amount,
        fee: 0,
        kind: ("transfer_refund", "transfer_reversal"),
        source: &reversal,
        available_on: world.now(),
    };
    let transaction = funds::post(world, &back);
    let out = Movement {
        account: Some(&destination),
        amount: -amount,
        kind: ("payment_refund", "refund"),
        source: &reversal,
        ..back
    };
    funds::post(world, &out);
    world.set(REVERSAL, &reversal, json!({ "balance_transaction": transaction }));
    let reversed = int(&transfer["amount_reversed"]) + amount;
    let made = world.need(REVERSAL, None, &reversal)?;
    let mut reversals = transfer["reversals"].clone();
    if let Some(data) = reversals["data"].as_array_mut() {
        data.insert(0, made.clone());
        // Stripe shows ten of them in the transfer.
        let more = data.len() > 10;
        data.truncate(10);
        reversals["has_more"] = json!(more || reversals["has_more"] == true);
    }
    let whole = reversed == int(&transfer["amount"]);
    world.set(
        TRANSFER,
        id,
        json!({ "amount_reversed": reversed, "reversed": whole, "reversals": reversals }),
    );
    world.emit("transfer.reversed", TRANSFER, id, Some(call));
    Ok(made)
}

/// `POST /v1/payouts`
pub fn create_payout(world: &mut World, call: &Call) -> Answer {
    let amount = call.need_amount()?;
    let currency = call.need_currency()?;
    if let Some(account) = &call.account {
        let account = world.need(ACCOUNT, None, account)?;
        if account["payouts_enabled"] != true {
            return Err(
                Refused::invalid("Payouts are disabled for this account.").code("payouts_not_allowed")
            );
        }
    }
    let account = call.account.as_deref();
    let (available, _) = funds::of(world, account, &currency);
    if available < amount {
        return Err(funds::insufficient(
            "You have insufficient funds in your Stripe account for this payout.",
        ));
    }
    let payout = world.add(
        PAYOUT,
        account,
        json!({
            "amount": amount, "application_fee": null, "application_fee_amount": null,
            "arrival_date": (world.now() + Duration::days(2)).timestamp(), "automatic": false,
            "balance_transaction": null, "currency": currency, "description": call.text("description"),
            "destination": null, "failure_balance_transaction": null, "failure_code": null, "failure_message": null,
            "metadata": call.metadata(), "method": "standard", "original_payout": null, "payout_method": null,
            "reconciliation_status": "not_applicable", "reversed_by": null, "source_type": "card",
            "statement_descriptor": null, "status": "pending", "trace_id": null, "type": "bank_account",
        }),
    );
    let out = Movement {
        account,
        currency: &currency,
        amount: -amount,
        fee: 0,
        kind: ("payout", "payout"),
        source: &payout,
        available_on: world.now(),
    };
    let transaction = funds::post(world, &out);
    world.set(PAYOUT, &payout, json!({ "balance_transaction": transaction }));
    world.emit("payout.created", PAYOUT, &payout, Some(call));
    world.later(Duration::days(1), Due::PayoutMoves(payout.clone()));
    world.need(PAYOUT, account, &payout)
}

/// pending → in transit → paid or failed.
pub fn payout_moves(world: &mut World, id: &str) {
    let Some(payout) = world.get(PAYOUT, id) else { return };
    if payout["status"] == "pending" {
        world.set(PAYOUT, id, json!({ "status": "in_transit" }));
        world.emit("payout.updated", PAYOUT, id, None);
        return world.later(Duration::days(1), Due::PayoutMoves(id.to_owned()));
    }
    let Some(code) = world.settings.payout_failure.clone() else {
        world.set(PAYOUT, id, json!({ "status": "paid" }));
        return world.emit("payout.paid", PAYOUT, id, None);
    };
    let owner = world.owner(PAYOUT, id);
    let back = Movement {
        account: owner.as_deref(),
        currency: text(&payout["currency"]),
        amount: int(&payout["amount"]),
        fee: 0,
        kind: ("payout_failure", "payout_reversal"),
        source: id,
        available_on: world.now(),
    };
    let transaction = funds::post(world, &back);
    let message = "The bank refused the payout.";
    let changes = json!({
        "status": "failed", "failure_code": code, "failure_message": message, "failure_balance_transaction": transaction,
    });
    world.set(PAYOUT, id, changes);
    world.emit("payout.failed", PAYOUT, id, None);
}
