//! Disputes: the payer's bank takes the money, evidence is weighed, the money comes back or not.

use chrono::Duration;
use serde_json::{Value, json};

use super::funds::{self, Movement};
use super::world::{Answer, CHARGE, Call, DISPUTE, Due, Refused, TRANSACTION, World, int, text};

/// What a dispute costs.
const FEE: i64 = 1_500;
/// How long evidence is awaited.
const PATIENCE: Duration = Duration::days(9);
/// How long a bank weighs it.
const WEIGHING: Duration = Duration::days(30);

fn evidence() -> Value {
    json!({
        "access_activity_log": null, "billing_address": null, "cancellation_policy": null,
        "cancellation_policy_disclosure": null, "cancellation_rebuttal": null, "customer_communication": null,
        "customer_email_address": null, "customer_name": null, "customer_purchase_ip": null,
        "customer_signature": null, "duplicate_charge_documentation": null, "duplicate_charge_explanation": null,
        "duplicate_charge_id": null, "enhanced_evidence": {}, "product_description": null, "receipt": null,
        "refund_policy": null, "refund_policy_disclosure": null, "refund_refusal_explanation": null,
        "service_date": null, "service_documentation": null, "shipping_address": null, "shipping_carrier": null,
        "shipping_date": null, "shipping_documentation": null, "shipping_tracking_number": null,
        "uncategorized_file": null, "uncategorized_text": null,
    })
}

/// The payer's bank takes money of a charge back.
pub fn open(world: &mut World, charge: &str, reason: &str, amount: Option<i64>) -> Answer {
    let found = world.need(CHARGE, None, charge)?;
    let whole = int(&found["amount"]);
    let amount = amount.unwrap_or(whole).clamp(1, whole);
    // A charge may be disputed in several parts.
    let before: i64 = of(world, charge).map(|dispute| int(&dispute["amount"])).sum();
    if found["status"] != "succeeded" || before + amount > whole {
        return Err(Refused::invalid("This charge cannot be disputed (again)."));
    }
    let due = world.now() + PATIENCE;
    let id = world.add(
        DISPUTE,
        None,
        json!({
            "amount": amount, "balance_transactions": [], "charge": charge, "currency": found["currency"],
            "enhanced_eligibility_types": [], "evidence": evidence(),
            "evidence_details": {
                "due_by": due.timestamp(), "enhanced_eligibility": {}, "has_evidence": false, "past_due": false,
                "submission_count": 0,
            },
            "is_charge_refundable": false, "metadata": {}, "payment_intent": found["payment_intent"],
            "reason": reason, "status": "needs_response",
        }),
    );
    world.set(CHARGE, charge, json!({ "disputed": true }));
    let taken = movement(world, &id, -amount, FEE, text(&found["currency"]), "dispute");
    world.set(DISPUTE, &id, json!({ "balance_transactions": [taken] }));
    world.emit("charge.dispute.created", DISPUTE, &id, None);
    world.emit("charge.dispute.funds_withdrawn", DISPUTE, &id, None);
    world.later(PATIENCE, Due::DisputeEnds(id.clone()));
    world.need(DISPUTE, None, &id)
}

fn movement(
    world: &mut World,
    id: &str,
    amount: i64,
    fee: i64,
    currency: &str,
    category: &'static str,
) -> Value {
    let movement = Movement {
        account: None,
        currency,
        amount,
        fee,
        kind: ("adjustment", category),
        source: id,
        available_on: world.now(),
    };
    let transaction = funds::post(world, &movement);
    world.get(TRANSACTION, &transaction).unwrap_or_default()
}

/// `POST /v1/disputes/{id}`. As at Stripe's test mode, `winning_evidence` and `losing_evidence` decide at once.
pub fn update(world: &mut World, call: &Call, id: &str) -> Answer {
    let dispute = world.need(DISPUTE, None, id)?;
    if dispute["status"] != "needs_response" {
        return Err(
            Refused::invalid("This dispute is already closed or under review.").code("dispute_not_editable")
        );
    }
    let mut evidence = dispute["evidence"].clone();
    let mut details = dispute["evidence_details"].clone();
    for (name, value) in call.form.map("evidence") {
        evidence[name] = json!(value);
        details["has_evidence"] = json!(true);
    }
    // An update submits unless it says otherwise.
    let submitted = call.form.get("submit") != Some("false");
    if submitted {
        details["submission_count"] = json!(int(&details["submission_count"]) + 1);
    }
    let told = text(&evidence["uncategorized_text"]).to_owned();
    world.merge_metadata(DISPUTE, id, call);
    world.set(DISPUTE, id, json!({ "evidence": evidence, "evidence_details": details }));
    if submitted {
        world.set(DISPUTE, id, json!({ "status": "under_review" }));
    }
    world.emit("charge.dispute.updated", DISPUTE, id, Some(call));
    match told.as_str() {
        _ if !submitted => {}
        "winning_evidence" => decide(world, id, true),
        "losing_evidence" => decide(world, id, false),
        _ => world.later(WEIGHING, Due::DisputeEnds(id.to_owned())),
    }
    world.need(DISPUTE, None, id)
}

/// The time is over: without evidence it is lost, and so is what the bank weighed for so long.
pub fn deadline(world: &mut World, id: &str) {
    let Some(dispute) = world.get(DISPUTE, id) else { return };
    let waited = world.seconds() - int(&dispute["created"]) >= WEIGHING.num_seconds();
    if dispute["status"] == "needs_response" || dispute["status"] == "under_review" && waited {
        decide(world, id, false);
    }
}

/// The bank's word.
pub fn decide(world: &mut World, id: &str, won: bool) {
    let Some(dispute) = world.get(DISPUTE, id) else { return };
    if matches!(text(&dispute["status"]), "won" | "lost") {
        return;
    }
    world.set(DISPUTE, id, json!({ "status": if won { "won" } else { "lost" } }));
    if won {
        let currency = text(&dispute["currency"]).to_owned();
        let back = movement(world, id, int(&dispute["amount"]), 0, &currency, "dispute_reversal");
        let mut transactions = dispute["balance_transactions"].clone();
        if let Some(list) = transactions.as_array_mut() {
            list.push(back);
        }
        world.set(DISPUTE, id, json!({ "balance_transactions": transactions }));
        world.emit("charge.dispute.funds_reinstated", DISPUTE, id, None);
    }
    world.emit("charge.dispute.closed", DISPUTE, id, None);
}

fn of<'a>(world: &'a World, charge: &'a str) -> impl Iterator<Item = &'a Value> {
    world.all(DISPUTE).filter(move |dispute| dispute["charge"] == charge)
}

/// Did the bank give all the money of a disputed charge back?
pub fn is_won(world: &World, charge: &str) -> bool {
    of(world, charge).next().is_some() && of(world, charge).all(|dispute| dispute["status"] == "won")
}
