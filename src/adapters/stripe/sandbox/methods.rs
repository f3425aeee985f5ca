//! Stripe's test payment methods, by the names that its documentation gives them.

use serde_json::{Value, json};

use super::world::{Call, PAYMENT_METHOD, Refused, World};

/// What a method is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Card { brand: &'static str, last4: &'static str },
    Bank,
}

/// What comes of paying with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pays,
    /// The money is available at once.
    PaysAtOnce,
    Declined {
        code: &'static str,
        decline_code: &'static str,
    },
    /// The payer must authenticate.
    Asks,
    Disputed,
    Warned,
    /// A refund fails later.
    RefundFails,
    /// A refund takes its time.
    RefundWaits,
    /// A bank debit that never ends.
    Stays,
    /// A bank debit that the bank returns before it settles.
    Returned(&'static str),
    /// A bank debit whose failure comes after it settled, as a dispute.
    LateFailure,
}

/// A method and its fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    pub sort: Sort,
    pub fate: Fate,
}

/// The method of that name.
pub fn known(name: &str) -> Option<Trial> {
    let card = |last4, fate| Some(Trial { sort: Sort::Card { brand: "visa", last4 }, fate });
    let bank = |fate| Some(Trial { sort: Sort::Bank, fate });
    let declined = |code, decline_code| Fate::Declined { code, decline_code };
    match name {
        "pm_card_visa" => card("4242", Fate::Pays),
        "pm_card_mastercard" => {
            Some(Trial { sort: Sort::Card { brand: "mastercard", last4: "4444" }, fate: Fate::Pays })
        }
        "pm_card_bypassPending" => card("0077", Fate::PaysAtOnce),
        "pm_card_visa_chargeDeclined" | "pm_card_chargeDeclined" => {
            card("0002", declined("card_declined", "generic_decline"))
        }
        "pm_card_visa_chargeDeclinedInsufficientFunds" | "pm_card_chargeDeclinedInsufficientFunds" => {
            card("9995", declined("card_declined", "insufficient_funds"))
        }
        "pm_card_chargeDeclinedExpiredCard" => card("0069", declined("expired_card", "expired_card")),
        "pm_card_authenticationRequired" => card("3184", Fate::Asks),
        "pm_card_createDispute" => card("0259", Fate::Disputed),
        "pm_card_createIssuerFraudRecord" => card("5423", Fate::Warned),
        "pm_card_refundFail" => card("5126", Fate::RefundFails),
        "pm_card_pendingRefund" => card("7726", Fate::RefundWaits),
        "pm_usBankAccount" | "pm_usBankAccount_success" => bank(Fate::Pays),
        "pm_usBankAccount_processing" => bank(Fate::Stays),
        "pm_usBankAccount_insufficientFunds" => bank(Fate::Returned("insufficient_funds")),
        "pm_usBankAccount_accountClosed" => bank(Fate::Returned("account_closed")),
        "pm_usBankAccount_dispute" => bank(Fate::LateFailure),
        _ => None,
    }
}

impl Trial {
    /// Stripe's word for the type.
    pub fn kind(self) -> &'static str {
        match self.sort {
            Sort::Card { .. } => "card",
            Sort::Bank => "us_bank_account",
        }
    }

    /// The member of the method, or of the charge's details, that bears the type's name.
    pub fn details(self) -> Value {
        match self.sort {
            Sort::Card { brand, last4 } => json!({
                "brand": brand,
                "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
                "country": "US",
                "exp_month": 12,
                "exp_year": 2039,
                "fingerprint": null,
                "funding": "credit",
                "last4": last4,
            }),
            Sort::Bank => json!({
                "account_holder_type": "individual",
                "account_type": "checking",
                "bank_name": "STRIPE TEST BANK",
                "fingerprint": null,
                "last4": "6789",
                "routing_number": "110000000",
            }),
        }
    }
}

pub fn no_billing_details() -> Value {
    json!({ "address": null, "email": null, "name": null, "phone": null, "tax_id": null })
}

/// The method of a request: one of Stripe's names becomes an object, as there; an object stays what it is.
pub fn resolve(world: &mut World, name: &str, customer: &Value) -> Result<(String, Trial), Refused> {
    if let Some(trial) = world.trials.get(name) {
        return Ok((name.to_owned(), *trial));
    }
    let trial = known(name).ok_or_else(|| {
        let mut refused = Refused::invalid(format!("No such PaymentMethod: '{name}'"));
        refused.status = 404;
        refused.code("resource_missing").param("payment_method")
    })?;
    let mut method = json!({
        "allow_redisplay": "unspecified",
        "billing_details": no_billing_details(),
        "customer": customer,
        "metadata": {},
        "type": trial.kind(),
    });
    method[trial.kind()] = trial.details();
    let id = world.add(PAYMENT_METHOD, None, method);
    world.trials.insert(id.clone(), trial);
    Ok((id, trial))
}

/// `POST /v1/payment_methods/{id}/attach`
pub fn attach(world: &mut World, call: &Call, id: &str) -> Result<Value, Refused> {
    let customer = call.need("customer")?.to_owned();
    world.need(super::world::CUSTOMER, None, &customer)?;
    let (id, _) = resolve(world, id, &json!(customer))?;
    world.set(PAYMENT_METHOD, &id, json!({ "customer": customer }));
    world.emit("payment_method.attached", PAYMENT_METHOD, &id, Some(call));
    world.need(PAYMENT_METHOD, None, &id)
}
