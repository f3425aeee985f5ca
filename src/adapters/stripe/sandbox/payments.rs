//! Customers, payments, the setting up of methods, charges.

use chrono::Duration;
use serde_json::{Value, json};

use super::funds::{self, Movement};
use super::methods::{self, Fate, Sort, Trial};
use super::world::{
    Answer, CHARGE, CUSTOMER, Call, Due, PAYMENT_INTENT, Refused, SETUP_INTENT, WARNING, World, int, text,
};

/// How long a bank debit is under way.
const DEBIT: Duration = Duration::days(4);

/// `POST /v1/customers`
pub fn create_customer(world: &mut World, call: &Call) -> Answer {
    let value = json!({
        "address": null, "balance": 0, "currency": null, "default_source": null, "delinquent": false,
        "description": call.text("description"), "discount": null, "email": call.text("email"),
        "invoice_settings": { "custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null },
        "metadata": call.metadata(), "name": call.text("name"), "phone": null, "preferred_locales": [],
        "shipping": null, "tax_exempt": "none", "test_clock": null,
    });
    let id = world.add(CUSTOMER, None, value);
    world.emit("customer.created", CUSTOMER, &id, Some(call));
    world.need(CUSTOMER, None, &id)
}

fn kinds_of(call: &Call) -> Vec<&str> {
    let kinds: Vec<&str> = call.form.list("payment_method_types").collect();
    if kinds.is_empty() { vec!["card"] } else { kinds }
}

fn known_customer(world: &World, call: &Call) -> Result<Value, Refused> {
    if let Some(customer) = call.form.get("customer") {
        world.need(CUSTOMER, None, customer).map_err(|refused| refused.param("customer"))?;
    }
    Ok(call.text("customer"))
}

/// `POST /v1/payment_intents`
pub fn create(world: &mut World, call: &Call) -> Answer {
    let amount = call.need_amount()?;
    let currency = call.need_currency()?;
    if amount < 50 {
        return Err(Refused::invalid("Amount must be at least $0.50 usd")
            .code("amount_too_small")
            .param("amount"));
    }
    let customer = known_customer(world, call)?;
    let id = world.new_id("pi");
    let value = json!({
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": { "tip": {} },
        "amount_received": 0,
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": null,
        "canceled_at": null,
        "cancellation_reason": null,
        "capture_method": "automatic_async",
        "client_secret": format!("{id}_secret_{}", world.new_id("s")),
        "confirmation_method": "automatic",
        "currency": currency,
        "customer": customer,
        "description": call.text("description"),
        "last_payment_error": null,
        "latest_charge": null,
        "metadata": call.metadata(),
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_options": {},
        "payment_method_types": kinds_of(call),
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": null,
        "shipping": null,
        "source": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": "requires_payment_method",
        "transfer_data": null,
        "transfer_group": call.text("transfer_group"),
    });
    world.add_as(PAYMENT_INTENT, None, id.clone(), value);
    world.emit("payment_intent.created", PAYMENT_INTENT, &id, Some(call));
    if call.flag("confirm") {
        return confirm(world, call, &id);
    }
    if let Some(method) = call.form.get("payment_method") {
        let (method, _) = methods::resolve(world, method, &customer)?;
        world.set(
            PAYMENT_INTENT,
            &id,
            json!({ "payment_method": method, "status": "requires_confirmation" }),
        );
    }
    world.need(PAYMENT_INTENT, None, &id)
}

fn unexpected(intent: &Value, verb: &str) -> Refused {
    let message = format!(
        "You cannot {verb} this PaymentIntent because it has a status of {}.",
        text(&intent["status"])
    );
    let mut refused = Refused::invalid(message).code("payment_intent_unexpected_state");
    refused.error["payment_intent"] = intent.clone();
    refused
}

/// `POST /v1/payment_intents/{id}/confirm`
pub fn confirm(world: &mut World, call: &Call, id: &str) -> Answer {
    let intent = world.need(PAYMENT_INTENT, None, id)?;
    if !matches!(
        text(&intent["status"]),
        "requires_payment_method" | "requires_confirmation" | "requires_action"
    ) {
        return Err(unexpected(&intent, "confirm"));
    }
    let name = call.form.get("payment_method").or_else(|| intent["payment_method"].as_str());
    let name = name.ok_or_else(|| Refused::missing("payment_method"))?.to_owned();
    let (method, trial) = methods::resolve(world, &name, &intent["customer"])?;
    if !intent["payment_method_types"]
        .as_array()
        .is_some_and(|kinds| kinds.iter().any(|kind| kind == trial.kind()))
    {
        let message = format!("This PaymentIntent does not accept payment methods of type {}.", trial.kind());
        return Err(Refused::invalid(message).param("payment_method"));
    }
    world.set(
        PAYMENT_INTENT,
        id,
        json!({ "payment_method": method, "last_payment_error": null, "next_action": null }),
    );
    if let Fate::Declined { code, decline_code } = trial.fate {
        return Err(decline(world, call, id, trial, code, decline_code));
    }
    if trial.fate == Fate::Asks {
        if call.flag("off_session") {
            return Err(decline(
                world,
                call,
                id,
                trial,
                "authentication_required",
                "authentication_required",
            ));
        }
        let url = format!("{}/authenticate/{id}", world.base_url);
        let action = json!({
            "type": "redirect_to_url",
            "redirect_to_url": { "url": url, "return_url": call.text("return_url") },
        });
        world.set(PAYMENT_INTENT, id, json!({ "status": "requires_action", "next_action": action }));
        world.emit("payment_intent.requires_action", PAYMENT_INTENT, id, Some(call));
        return world.need(PAYMENT_INTENT, None, id);
    }
    if trial.sort == Sort::Bank {
        let charge = charge(world, id, trial, "pending");
        world.set(PAYMENT_INTENT, id, json!({ "status": "processing", "latest_charge": charge }));
        world.emit("payment_intent.processing", PAYMENT_INTENT, id, Some(call));
        world.emit("charge.pending", CHARGE, &charge, Some(call));
        match trial.fate {
            Fate::Stays => {}
            Fate::Returned(code) => world.later(DEBIT, Due::DebitFails(id.to_owned(), code)),
            _ => world.later(DEBIT, Due::DebitSettles(id.to_owned())),
        }
    } else {
        let charge = charge(world, id, trial, "succeeded");
        pay(world, id, &charge, trial, Some(call));
    }
    world.need(PAYMENT_INTENT, None, id)
}

/// The payer says yes on the page of [`Fate::Asks`].
pub fn authenticate(world: &mut World, id: &str) -> Option<Value> {
    let intent = world.get(PAYMENT_INTENT, id)?;
    if intent["status"] == "requires_action" {
        let mut trial = *world.trials.get(text(&intent["payment_method"]))?;
        trial.fate = Fate::Pays;
        world.set(PAYMENT_INTENT, id, json!({ "next_action": null }));
        let charge = charge(world, id, trial, "succeeded");
        pay(world, id, &charge, trial, None);
    }
    Some(intent["next_action"]["redirect_to_url"]["return_url"].clone())
}

fn decline(
    world: &mut World,
    call: &Call,
    id: &str,
    trial: Trial,
    code: &'static str,
    decline_code: &'static str,
) -> Refused {
    let message = "Your card was declined.";
    let failed = charge(world, id, trial, "failed");
    world.set(CHARGE, &failed, json!({ "failure_code": code, "failure_message": message }));
    let mut refused = Refused::new(402, "card_error", message).code(code);
    refused.error["charge"] = json!(failed);
    refused.error["decline_code"] = json!(decline_code);
    world.set(
        PAYMENT_INTENT,
        id,
        json!({
            "status": "requires_payment_method", "payment_method": null, "latest_charge": failed,
            "last_payment_error": refused.error.clone(),
        }),
    );
    world.emit("charge.failed", CHARGE, &failed, Some(call));
    world.emit("payment_intent.payment_failed", PAYMENT_INTENT, id, Some(call));
    refused.error["payment_intent"] = world.get(PAYMENT_INTENT, id).unwrap_or_default();
    refused
}

fn charge(world: &mut World, intent: &str, trial: Trial, status: &str) -> String {
    let intent = world.get(PAYMENT_INTENT, intent).unwrap_or_default();
    let paid = status == "succeeded";
    let mut details = json!({ "type": trial.kind() });
    details[trial.kind()] = trial.details();
    let value = json!({
        "amount": intent["amount"],
        "amount_captured": if paid { intent["amount"].clone() } else { json!(0) },
        "amount_refunded": 0,
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": null,
        "billing_details": methods::no_billing_details(),
        "calculated_statement_descriptor": null,
        "captured": paid,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": null,
        "failure_message": null,
        "fraud_details": {},
        "metadata": intent["metadata"],
        "on_behalf_of": null,
        "outcome": null,
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": details,
        "receipt_email": null,
        "receipt_number": null,
        "receipt_url": null,
        "refunded": false,
        "review": null,
        "shipping": null,
        "source_transfer": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": status,
        "transfer_data": null,
        "transfer_group": intent["transfer_group"],
    });
    let prefix = if trial.sort == Sort::Bank { "py" } else { "ch" };
    let id = world.new_id(prefix);
    world.add_as(CHARGE, None, id, value)
}

/// The money arrives: fee, balance transaction, events, and what the method has in store.
fn pay(world: &mut World, id: &str, charge: &str, trial: Trial, call: Option<&Call>) {
    let intent = world.get(PAYMENT_INTENT, id).unwrap_or_default();
    let amount = int(&intent["amount"]);
    let (fee, kind, delay) = match trial.sort {
        // 2.9 % and 30; 0.8 % and 500 at most.
        Sort::Card { .. } => ((amount * 29 + 500) / 1_000 + 30, ("charge", "charge"), funds::card_delay()),
        Sort::Bank => (((amount * 8 + 500) / 1_000).min(500), ("payment", "charge"), Duration::days(1)),
    };
    let delay = if trial.fate == Fate::PaysAtOnce { Duration::zero() } else { delay };
    let movement = Movement {
        account: None,
        currency: text(&intent["currency"]),
        amount,
        fee,
        kind,
        source: charge,
        available_on: world.now() + delay,
    };
    let transaction = funds::post(world, &movement);
    let outcome = json!({
        "advice_code": null, "network_advice_code": null, "network_decline_code": null,
        "network_status": "approved_by_network", "reason": null, "risk_level": "normal",
        "seller_message": "Payment complete.", "type": "authorized",
    });
    world.set(
        CHARGE,
        charge,
        json!({
            "status": "succeeded", "paid": true, "captured": true, "amount_captured": amount,
            "balance_transaction": transaction, "outcome": outcome,
        }),
    );
    world.set(
        PAYMENT_INTENT,
        id,
        json!({ "status": "succeeded", "latest_charge": charge, "amount_received": amount }),
    );
    world.emit("charge.succeeded", CHARGE, charge, call);
    world.emit("payment_intent.succeeded", PAYMENT_INTENT, id, call);
    match trial.fate {
        Fate::Disputed => {
            let _ = super::disputes::open(world, charge, "fraudulent", None);
        }
        Fate::LateFailure => world.later(Duration::days(2), Due::DebitDisputed(charge.to_owned())),
        Fate::Warned => {
            let _ = warn(world, charge);
        }
        _ => {}
    }
}

pub fn debit_settles(world: &mut World, id: &str) {
    let Some((charge, trial)) = debit(world, id) else { return };
    pay(world, id, &charge, trial, None);
}

/// The charge and the method of a debit under way.
fn debit(world: &World, id: &str) -> Option<(String, Trial)> {
    let intent = world.get(PAYMENT_INTENT, id).filter(|intent| intent["status"] == "processing")?;
    let trial = world.trials.get(text(&intent["payment_method"]))?;
    Some((text(&intent["latest_charge"]).to_owned(), *trial))
}

pub fn debit_fails(world: &mut World, id: &str, code: &'static str) {
    let Some((charge, _)) = debit(world, id) else { return };
    let message = "The customer's bank account could not be debited.";
    world.set(
        CHARGE,
        &charge,
        json!({ "status": "failed", "failure_code": code, "failure_message": message }),
    );
    let error =
        json!({ "type": "invalid_request_error", "code": code, "message": message, "charge": charge });
    let changes =
        json!({ "status": "requires_payment_method", "payment_method": null, "last_payment_error": error });
    world.set(PAYMENT_INTENT, id, changes);
    world.emit("charge.failed", CHARGE, &charge, None);
    world.emit("payment_intent.payment_failed", PAYMENT_INTENT, id, None);
}

/// `POST /v1/payment_intents/{id}/cancel`
pub fn cancel(world: &mut World, call: &Call, id: &str) -> Answer {
    let intent = world.need(PAYMENT_INTENT, None, id)?;
    if matches!(text(&intent["status"]), "succeeded" | "canceled" | "processing") {
        return Err(unexpected(&intent, "cancel"));
    }
    let reason = call.text("cancellation_reason");
    let changes = json!({
        "status": "canceled", "canceled_at": world.seconds(), "cancellation_reason": reason, "next_action": null,
    });
    world.set(PAYMENT_INTENT, id, changes);
    world.emit("payment_intent.canceled", PAYMENT_INTENT, id, Some(call));
    world.need(PAYMENT_INTENT, None, id)
}

/// `POST /v1/setup_intents`
pub fn create_setup(world: &mut World, call: &Call) -> Answer {
    let customer = known_customer(world, call)?;
    let id = world.new_id("seti");
    let mut value = json!({
        "application": null, "automatic_payment_methods": null, "cancellation_reason": null,
        "client_secret": format!("{id}_secret_{}", world.new_id("s")), "customer": customer, "description": null,
        "flow_directions": null, "last_setup_error": null, "latest_attempt": null, "mandate": null,
        "metadata": call.metadata(), "next_action": null, "on_behalf_of": null, "payment_method": null,
        "payment_method_options": {}, "payment_method_types": kinds_of(call), "single_use_mandate": null,
        "status": "requires_payment_method", "usage": "off_session",
    });
    if let Some(name) = call.form.get("payment_method") {
        let (method, trial) = methods::resolve(world, name, &customer)?;
        value["payment_method"] = json!(method);
        value["status"] = json!("requires_confirmation");
        if call.flag("confirm") {
            if let Fate::Declined { code, decline_code } = trial.fate {
                let mut refused = Refused::new(402, "card_error", "Your card was declined.").code(code);
                refused.error["decline_code"] = json!(decline_code);
                return Err(refused);
            }
            value["status"] = json!("succeeded");
        }
    }
    let done = value["status"] == "succeeded";
    world.add_as(SETUP_INTENT, None, id.clone(), value);
    world.emit(
        if done { "setup_intent.succeeded" } else { "setup_intent.created" },
        SETUP_INTENT,
        &id,
        Some(call),
    );
    world.need(SETUP_INTENT, None, &id)
}

/// The payer's bank suspects fraud.
pub fn warn(world: &mut World, charge: &str) -> Answer {
    let found = world.need(CHARGE, None, charge)?;
    let value = json!({
        "actionable": found["refunded"] == false && found["disputed"] == false,
        "charge": charge, "fraud_type": "made_with_stolen_card", "payment_intent": found["payment_intent"],
    });
    let id = world.add(WARNING, None, value);
    world.emit("radar.early_fraud_warning.created", WARNING, &id, None);
    world.need(WARNING, None, &id)
}
