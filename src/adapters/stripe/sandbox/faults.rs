//! Faults on demand: how tests and demonstrations make Stripe misbehave.

use serde::Deserialize;

use super::webhooks::Delivery;

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 500; nothing was done, nothing is stored.
    ErrorBefore,
    /// 500, although it was done: the same key brings the true answer.
    ErrorAfter,
    /// It was done, and the connection breaks in the middle of the answer.
    LostAnswer,
    /// 500, stored under the key without an effect.
    StoredError,
    /// 500, stored under the key although it was done.
    StoredErrorAfter,
    /// 429 with `Retry-After: seconds` (1).
    RateLimited,
    /// 409, as if the key were being worked on.
    KeyInUse,
    /// The right answer, `millis` (3,000) late.
    Slow,
    /// What happens is delivered twice.
    WebhookDuplicate,
    /// Delivered after the next one.
    WebhookReorder,
    /// Delivered `seconds` (60) late.
    WebhookDelay,
    /// Not delivered; the list of events has it.
    WebhookDrop,
    /// Delivered before the request that caused it is answered.
    WebhookEarly,
}

impl Kind {
    fn is_hook(self) -> bool {
        use Kind::{WebhookDelay, WebhookDrop, WebhookDuplicate, WebhookEarly, WebhookReorder};
        matches!(self, WebhookDuplicate | WebhookReorder | WebhookDelay | WebhookDrop | WebhookEarly)
    }
}

/// One order: the next `count` that fit go wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub kind: Kind,
    #[serde(default = "one")]
    count: u32,
    /// Only this method.
    #[serde(default)]
    method: Option<String>,
    /// Only paths, or for webhooks types of events, that begin so.
    #[serde(default)]
    prefix: String,
    pub seconds: Option<i64>,
    pub millis: Option<u64>,
}

fn one() -> u32 {
    1
}

/// What goes wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookFault {
    Duplicate,
    Reorder,
    Delay(i64),
    Drop,
    Early,
}

/// The orders, and the deliveries that wait for the next one.
#[derive(Default)]
pub struct Faults {
    pub orders: Vec<Fault>,
    pub held: Vec<Delivery>,
}

impl Faults {
    fn take(&mut self, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let place = self.orders.iter().position(|fault| fault.count > 0 && fits(fault))?;
        self.orders[place].count -= 1;
        if self.orders[place].count == 0 {
            Some(self.orders.remove(place))
        } else {
            Some(self.orders[place].clone())
        }
    }

    pub fn take_request(&mut self, method: &str, path: &str) -> Option<Fault> {
        self.take(|fault| {
            let method_fits = fault.method.as_deref().is_none_or(|wanted| wanted == method);
            !fault.kind.is_hook() && method_fits && path.starts_with(&fault.prefix)
        })
    }

    pub fn take_hook(&mut self, event: &str) -> Option<HookFault> {
        let fault = self.take(|fault| fault.kind.is_hook() && event.starts_with(&fault.prefix))?;
        match fault.kind {
            Kind::WebhookDuplicate => Some(HookFault::Duplicate),
            Kind::WebhookReorder => Some(HookFault::Reorder),
            Kind::WebhookDelay => Some(HookFault::Delay(fault.seconds.unwrap_or(60))),
            Kind::WebhookDrop => Some(HookFault::Drop),
            Kind::WebhookEarly => Some(HookFault::Early),
            _ => None,
        }
    }
}
