//! Refunds.

use chrono::Duration;
use serde_json::{Value, json};

use super::funds::{self, Movement};
use super::methods::{Fate, Sort};
use super::world::{Answer, CHARGE, Call, Due, PAYMENT_INTENT, REFUND, Refused, World, int, text};

/// `POST /v1/refunds`
pub fn create(world: &mut World, call: &Call) -> Answer {
    let asked = call.amount("amount")?;
    let charge = match (call.form.get("charge"), call.form.get("payment_intent")) {
        (Some(charge), _) => charge.to_owned(),
        (None, Some(intent)) => {
            let intent = world
                .need(PAYMENT_INTENT, None, intent)
                .map_err(|refused| refused.param("payment_intent"))?;
            text(&intent["latest_charge"]).to_owned()
        }
        (None, None) => return Err(Refused::missing("charge")),
    };
    let charge = world.need(CHARGE, None, &charge).map_err(|refused| refused.param("charge"))?;
    let id = text(&charge["id"]).to_owned();
    if charge["status"] != "succeeded" {
        return Err(Refused::invalid("This charge has not succeeded.").code("charge_not_refundable"));
    }
    if charge["disputed"] == true && !super::disputes::is_won(world, &id) {
        let message = format!("Charge {id} has been charged back; cannot issue a refund.");
        return Err(Refused::invalid(message).code("charge_disputed"));
    }
    let left = int(&charge["amount"]) - int(&charge["amount_refunded"]);
    if left == 0 {
        let message = format!("Charge {id} has already been refunded.");
        return Err(Refused::invalid(message).code("charge_already_refunded"));
    }
    let amount = asked.unwrap_or(left);
    if amount > left {
        let message =
            format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left})");
        return Err(Refused::invalid(message).param("amount"));
    }
    let currency = text(&charge["currency"]).to_owned();
    let (available, pending) = funds::of(world, None, &currency);
    if available + pending < amount {
        return Err(funds::insufficient("Insufficient funds in your Stripe balance to refund this amount."));
    }
    let trial = world.trials.get(text(&charge["payment_method"])).copied();
    let waits = trial.is_some_and(|trial| trial.sort == Sort::Bank || trial.fate == Fate::RefundWaits);
    let refund = world.add(
        REFUND,
        None,
        json!({
            "amount": amount,
            "balance_transaction": null,
            "charge": id,
            "currency": currency,
            "metadata": call.metadata(),
            "payment_intent": charge["payment_intent"],
            "reason": call.text("reason"),
            "receipt_number": null,
            "source_transfer_reversal": null,
            "status": if waits { "pending" } else { "succeeded" },
            "transfer_reversal": null,
        }),
    );
    let movement = Movement {
        account: None,
        currency: &currency,
        amount: -amount,
        fee: 0,
        kind: ("refund", "refund"),
        source: &refund,
        available_on: world.now(),
    };
    let transaction = funds::post(world, &movement);
    world.set(REFUND, &refund, json!({ "balance_transaction": transaction }));
    let refunded = int(&charge["amount_refunded"]) + amount;
    let whole = refunded == int(&charge["amount"]);
    world.set(CHARGE, &id, json!({ "amount_refunded": refunded, "refunded": whole }));
    world.emit("refund.created", REFUND, &refund, Some(call));
    world.emit("charge.refunded", CHARGE, &id, Some(call));
    if waits {
        world.later(Duration::days(3), Due::RefundSettles(refund.clone()));
    } else if trial.is_some_and(|trial| trial.fate == Fate::RefundFails) {
        world.later(Duration::days(1), Due::RefundFails(refund.clone()));
    }
    world.need(REFUND, None, &refund)
}

pub fn settles(world: &mut World, id: &str) {
    world.set(REFUND, id, json!({ "status": "succeeded" }));
    world.emit("refund.updated", REFUND, id, None);
}

/// The money comes back to the platform.
pub fn fails(world: &mut World, id: &str) {
    let Some(refund) = world.get(REFUND, id) else { return };
    let movement = Movement {
        account: None,
        currency: text(&refund["currency"]),
        amount: int(&refund["amount"]),
        fee: 0,
        kind: ("refund_failure", "refund_failure"),
        source: id,
        available_on: world.now(),
    };
    let transaction = funds::post(world, &movement);
    let changes = json!({
        "status": "failed", "failure_reason": "expired_or_canceled_card", "failure_balance_transaction": transaction,
    });
    world.set(REFUND, id, changes);
    let charge = text(&refund["charge"]).to_owned();
    let refunded = world.get(CHARGE, &charge).map_or(0, |charge| int(&charge["amount_refunded"]));
    let left: Value = json!(refunded - int(&refund["amount"]));
    world.set(CHARGE, &charge, json!({ "amount_refunded": left, "refunded": false }));
    world.emit("refund.failed", REFUND, id, None);
    world.emit("refund.updated", REFUND, id, None);
}
