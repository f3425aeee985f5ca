//! What the sandbox remembers, as the JSON that it shows: objects by kind and age, funds, what is due, events.

use std::collections::{BTreeMap, HashMap, VecDeque};

use assay_kernel::{Clock, Entropy};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value, json};

use super::faults::{Faults, HookFault};
use super::funds::Funds;
use super::methods::Trial;
use super::webhooks::{Delivery, Endpoint};
use crate::stripe::{API_VERSION, Form};

/// A definite refusal, or a failure: a status and Stripe's `error`.
#[derive(Clone, Debug)]
pub struct Refused {
    pub status: u16,
    pub error: Value,
    /// Found before anything was done: the key stays free.
    pub early: bool,
}

pub type Answer = Result<Value, Refused>;

impl Refused {
    pub fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        Self { status, error: json!({ "type": kind, "message": message.into() }), early: false }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    pub fn code(mut self, code: &str) -> Self {
        self.error["code"] = json!(code);
        self
    }

    pub fn param(mut self, param: &str) -> Self {
        self.error["param"] = json!(param);
        self
    }

    pub fn early(mut self) -> Self {
        self.early = true;
        self
    }

    pub fn missing(name: &str) -> Self {
        Self::invalid(format!("Missing required param: {name}."))
            .code("parameter_missing")
            .param(name)
            .early()
    }

    pub fn no_such(kind: &str, id: &str) -> Self {
        let mut refused =
            Self::invalid(format!("No such {kind}: '{id}'")).code("resource_missing").param("id");
        refused.status = 404;
        refused
    }
}

/// One request, as the operations see it.
#[derive(Clone, Debug)]
pub struct Call {
    pub form: Form,
    /// `Stripe-Account`.
    pub account: Option<String>,
    pub key: Option<String>,
    pub request_id: String,
}

impl Call {
    pub fn need(&self, name: &str) -> Result<&str, Refused> {
        self.form.get(name).ok_or_else(|| Refused::missing(name))
    }

    /// A positive integer of minor units.
    pub fn amount(&self, name: &str) -> Result<Option<i64>, Refused> {
        let Some(text) = self.form.get(name) else { return Ok(None) };
        match text.parse::<i64>() {
            Ok(amount) if (1..=99_999_999_999).contains(&amount) => Ok(Some(amount)),
            Ok(_) => Err(Refused::invalid("This value must be greater than or equal to 1.")
                .code("parameter_invalid_integer")
                .param(name)
                .early()),
            Err(_) => Err(Refused::invalid(format!("Invalid integer: {text}"))
                .code("parameter_invalid_integer")
                .param(name)
                .early()),
        }
    }

    pub fn need_amount(&self) -> Result<i64, Refused> {
        self.amount("amount")?.ok_or_else(|| Refused::missing("amount"))
    }

    pub fn need_currency(&self) -> Result<String, Refused> {
        let code = self.need("currency")?.to_ascii_lowercase();
        if crate::stripe::money(0, &code).is_none() {
            return Err(Refused::invalid(format!("Invalid currency: {code}.")).param("currency").early());
        }
        Ok(code)
    }

    pub fn flag(&self, name: &str) -> bool {
        self.form.get(name) == Some("true")
    }

    pub fn text(&self, name: &str) -> Value {
        self.form.get(name).map_or(Value::Null, Value::from)
    }

    pub fn metadata(&self) -> Value {
        let entries = self.form.map("metadata").filter(|(_, value)| !value.is_empty());
        Value::Object(entries.map(|(name, value)| (name.to_owned(), json!(value))).collect())
    }
}

pub fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// `object`.
    pub name: &'static str,
    /// Of its ids.
    pub prefix: &'static str,
    /// Of its list.
    pub path: &'static str,
}

macro_rules! kinds {
    ($($constant:ident = $name:literal $prefix:literal $path:literal),+ $(,)?) => {
        $(pub const $constant: Kind = Kind { name: $name, prefix: $prefix, path: $path };)+
        pub const KINDS: &[Kind] = &[$($constant),+];
    };
}

kinds! {
    PAYMENT_INTENT = "payment_intent" "pi" "payment_intents",
    SETUP_INTENT = "setup_intent" "seti" "setup_intents",
    PAYMENT_METHOD = "payment_method" "pm" "payment_methods",
    CUSTOMER = "customer" "cus" "customers",
    CHARGE = "charge" "ch" "charges",
    REFUND = "refund" "re" "refunds",
    ACCOUNT = "account" "acct" "accounts",
    TRANSFER = "transfer" "tr" "transfers",
    REVERSAL = "transfer_reversal" "trr" "transfer_reversals",
    PAYOUT = "payout" "po" "payouts",
    TRANSACTION = "balance_transaction" "txn" "balance_transactions",
    DISPUTE = "dispute" "dp" "disputes",
    WARNING = "radar.early_fraud_warning" "issfr" "radar/early_fraud_warnings",
    EVENT = "event" "evt" "events",
}

struct Row {
    /// The connected account that it belongs to; none is the platform.
    account: Option<String>,
    value: Value,
}

/// What happens by itself at its time.
#[derive(Clone, Debug)]
pub enum Due {
    DebitSettles(String),
    DebitFails(String, &'static str),
    DebitDisputed(String),
    RefundSettles(String),
    RefundFails(String),
    PayoutMoves(String),
    DisputeEnds(String),
}

/// How the sandbox behaves where Stripe's own texts leave it open.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A reversal may drive a connected account below zero; otherwise it is refused.
    pub negative_reversals: bool,
    /// Payouts fail with this code when they should arrive.
    pub payout_failure: Option<String>,
    /// How far its clock is from ours, in seconds.
    pub skew_seconds: i64,
    /// Webhooks go out when `deliver` is asked for, and not by themselves.
    pub by_hand: bool,
}

pub struct World {
    pub clock: Clock,
    entropy: Entropy,
    pub base_url: String,
    rows: HashMap<&'static str, Vec<Row>>,
    places: HashMap<String, (Kind, usize)>,
    due: BTreeMap<(DateTime<Utc>, u64), Due>,
    sequence: u64,
    pub funds: HashMap<(Option<String>, String), Funds>,
    pub trials: HashMap<String, Trial>,
    pub links: HashMap<String, super::connect::Link>,
    pub answers: HashMap<(Option<String>, String), super::server::Stored>,
    pub settings: Settings,
    pub faults: Faults,
    pub endpoints: Vec<Endpoint>,
    pub outbox: VecDeque<Delivery>,
    /// To be delivered before the request that caused them is answered.
    pub early: Vec<Delivery>,
    pub requests: BTreeMap<String, u64>,
}

impl World {
    pub fn new(clock: Clock, entropy: Entropy, base_url: String, endpoints: Vec<Endpoint>) -> Self {
        Self {
            clock,
            entropy,
            base_url,
            rows: HashMap::new(),
            places: HashMap::new(),
            due: BTreeMap::new(),
            sequence: 0,
            funds: HashMap::new(),
            trials: HashMap::new(),
            links: HashMap::new(),
            answers: HashMap::new(),
            settings: Settings::default(),
            faults: Faults::default(),
            endpoints,
            outbox: VecDeque::new(),
            early: Vec::new(),
            requests: BTreeMap::new(),
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now() + Duration::seconds(self.settings.skew_seconds)
    }

    pub fn seconds(&self) -> i64 {
        self.now().timestamp()
    }

    pub fn new_id(&self, prefix: &str) -> String {
        format!("{prefix}_{}", hex::encode(self.entropy.bytes::<12>()))
    }

    /// Adds an object; `id`, `object`, `created` and `livemode` are given to it, and its id is returned.
    pub fn add(&mut self, kind: Kind, account: Option<&str>, value: Value) -> String {
        let id = self.new_id(kind.prefix);
        self.add_as(kind, account, id, value)
    }

    pub fn add_as(&mut self, kind: Kind, account: Option<&str>, id: String, mut value: Value) -> String {
        value["id"] = json!(id);
        value["object"] = json!(kind.name);
        value["created"] = json!(self.seconds());
        if !matches!(kind, ACCOUNT | REFUND | REVERSAL | TRANSACTION) {
            value["livemode"] = json!(false);
        }
        let rows = self.rows.entry(kind.name).or_default();
        self.places.insert(id.clone(), (kind, rows.len()));
        rows.push(Row { account: account.map(str::to_owned), value });
        id
    }

    fn row(&self, kind: Kind, id: &str) -> Option<&Row> {
        let (_, place) = self.places.get(id).filter(|(known, _)| *known == kind)?;
        self.rows.get(kind.name)?.get(*place)
    }

    /// The object as it is now.
    pub fn get(&self, kind: Kind, id: &str) -> Option<Value> {
        self.row(kind, id).map(|row| self.shown(kind, row))
    }

    /// The object, if that account may see it.
    pub fn need(&self, kind: Kind, account: Option<&str>, id: &str) -> Answer {
        let row = self.row(kind, id).filter(|row| row.account.as_deref() == account);
        row.map(|row| self.shown(kind, row)).ok_or_else(|| Refused::no_such(kind.name, id))
    }

    /// Every object of a kind, oldest first, as it was written.
    pub fn all(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        self.rows.get(kind.name).into_iter().flatten().map(|row| &row.value)
    }

    /// The account that an object belongs to.
    pub fn owner(&self, kind: Kind, id: &str) -> Option<String> {
        self.row(kind, id)?.account.clone()
    }

    fn shown(&self, kind: Kind, row: &Row) -> Value {
        let mut value = row.value.clone();
        if kind == TRANSACTION {
            let ready = int(&value["available_on"]) <= self.seconds();
            value["status"] = json!(if ready { "available" } else { "pending" });
        }
        value
    }

    /// Sets members of an object.
    pub fn set(&mut self, kind: Kind, id: &str, changes: Value) {
        let Some((_, place)) = self.places.get(id) else { return };
        let row = self.rows.get_mut(kind.name).and_then(|rows| rows.get_mut(*place));
        if let (Some(Row { value: Value::Object(known), .. }), Value::Object(changes)) = (row, changes) {
            known.extend(changes);
        }
    }

    /// Writes the metadata of a request over those of an object.
    pub fn merge_metadata(&mut self, kind: Kind, id: &str, call: &Call) {
        let Some(object) = self.get(kind, id) else { return };
        let mut metadata: Map<String, Value> = object["metadata"].as_object().cloned().unwrap_or_default();
        for (name, value) in call.form.map("metadata") {
            match value {
                "" => metadata.remove(name),
                value => metadata.insert(name.to_owned(), json!(value)),
            };
        }
        self.set(kind, id, json!({ "metadata": metadata }));
    }

    /// A page of a list, newest first.
    pub fn list(&self, kind: Kind, call: &Call, url: &str, fits: impl Fn(&Value) -> bool) -> Answer {
        let limit = match call.form.get("limit").map(str::parse::<usize>) {
            None => 10,
            Some(Ok(limit @ 1..=100)) => limit,
            Some(_) => {
                return Err(Refused::invalid("This value must be between 1 and 100.").param("limit").early());
            }
        };
        let rows = self.rows.get(kind.name).map(Vec::as_slice).unwrap_or_default();
        let place = |name: &str| match call.form.get(name) {
            None => Ok(None),
            Some(id) => match self.places.get(id) {
                Some((known, place)) if *known == kind => Ok(Some(*place)),
                _ => Err(Refused::no_such(kind.name, id).param(name)),
            },
        };
        let end = place("starting_after")?.unwrap_or(rows.len());
        let start = place("ending_before")?.map_or(0, |place| place + 1);
        let filter = Filter::of(call)?;
        let wanted = |row: &&Row| row.account == call.account && filter.fits(&row.value) && fits(&row.value);
        let between = rows.get(start..end).unwrap_or_default();
        let mut page: Vec<Value> = if call.form.get("ending_before").is_some() {
            let mut page: Vec<Value> =
                between.iter().filter(wanted).take(limit + 1).map(|row| self.shown(kind, row)).collect();
            page.reverse();
            page
        } else {
            between.iter().rev().filter(wanted).take(limit + 1).map(|row| self.shown(kind, row)).collect()
        };
        let has_more = page.len() > limit;
        if has_more && call.form.get("ending_before").is_some() {
            page.remove(0);
        } else {
            page.truncate(limit);
        }
        Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": page }))
    }

    /// Lets something happen later.
    pub fn later(&mut self, after: Duration, due: Due) {
        self.sequence += 1;
        self.due.insert((self.now() + after, self.sequence), due);
    }

    /// Lets everything happen whose time has come.
    pub fn tick(&mut self) {
        let now = self.now();
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) {
            match entry.remove() {
                Due::DebitSettles(id) => super::payments::debit_settles(self, &id),
                Due::DebitFails(id, code) => super::payments::debit_fails(self, &id, code),
                Due::DebitDisputed(charge) => {
                    let _ = super::disputes::open(self, &charge, "debit_not_authorized", None);
                }
                Due::RefundSettles(id) => super::refunds::settles(self, &id),
                Due::RefundFails(id) => super::refunds::fails(self, &id),
                Due::PayoutMoves(id) => super::connect::payout_moves(self, &id),
                Due::DisputeEnds(id) => super::disputes::deadline(self, &id),
            }
        }
    }

    /// Says what happened to an object, as it is now.
    pub fn emit(&mut self, kind: &str, of: Kind, id: &str, call: Option<&Call>) {
        let Some(object) = self.get(of, id) else { return };
        let account = if of == ACCOUNT { Some(id.to_owned()) } else { self.owner(of, id) };
        let connect = account.is_some();
        let listeners: Vec<usize> =
            (0..self.endpoints.len()).filter(|at| self.endpoints[*at].connect == connect).collect();
        let mut event = json!({
            "api_version": API_VERSION,
            "data": { "object": object },
            "pending_webhooks": listeners.len(),
            "request": { "id": call.map(|call| &call.request_id), "idempotency_key": call.and_then(|call| call.key.as_ref()) },
            "type": kind,
        });
        if let Some(account) = &account {
            event["account"] = json!(account);
        }
        // Events about accounts are listed on them, as the platform sees them with `Stripe-Account`.
        let id = self.add(EVENT, account.as_deref(), event);
        let Some(event) = self.get(EVENT, &id) else { return };
        let held = std::mem::take(&mut self.faults.held);
        for endpoint in listeners {
            let delivery = Delivery { endpoint, body: event.to_string(), due: self.now(), attempt: 0 };
            match self.faults.take_hook(kind) {
                None => self.outbox.push_back(delivery),
                Some(HookFault::Drop) => {}
                Some(HookFault::Duplicate) => self.outbox.extend([delivery.clone(), delivery]),
                Some(HookFault::Delay(seconds)) => {
                    let due = delivery.due + Duration::seconds(seconds);
                    self.outbox.push_back(Delivery { due, ..delivery });
                }
                // Behind whatever comes next.
                Some(HookFault::Reorder) => self.faults.held.push(delivery),
                Some(HookFault::Early) => self.early.push(delivery),
            }
        }
        self.outbox.extend(held);
    }
}

/// The filters that every list has in common: times, and members with that value.
struct Filter<'a> {
    bounds: Vec<(&'a str, i64)>,
    equal: Vec<(&'static str, &'a str)>,
    types: Vec<&'a str>,
}

/// Parameters of lists that name a member of the objects.
const MEMBERS: &[&str] = &[
    "transfer_group",
    "charge",
    "payment_intent",
    "customer",
    "destination",
    "type",
    "source",
    "status",
    "currency",
];

impl<'a> Filter<'a> {
    fn of(call: &'a Call) -> Result<Self, Refused> {
        let mut bounds = Vec::new();
        for (name, value) in call.form.map("created") {
            let value =
                value.parse().map_err(|_| Refused::invalid("Invalid integer").param("created").early())?;
            bounds.push((name, value));
        }
        let equal = MEMBERS.iter().filter_map(|name| Some((*name, call.form.get(name)?))).collect();
        Ok(Self { bounds, equal, types: call.form.list("types").collect() })
    }

    fn fits(&self, value: &Value) -> bool {
        let created = int(&value["created"]);
        self.bounds.iter().all(|(name, bound)| match *name {
            "gte" => created >= *bound,
            "gt" => created > *bound,
            "lte" => created <= *bound,
            "lt" => created < *bound,
            _ => true,
        }) && self.equal.iter().all(|(name, wanted)| value[*name] == *wanted)
            && (self.types.is_empty() || self.types.contains(&text(&value["type"])))
    }
}
