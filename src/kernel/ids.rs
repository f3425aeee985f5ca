//! Prefixed UUIDv7 identifiers: `prj_01920f…`. Each kind of thing has a type of its own, so that a bid's id cannot
//! be passed where a project's is wanted. Stored as plain `uuid`; the prefix lives in the API only.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::{Clock, Entropy};

/// Makes UUIDv7 ids from the injected clock and randomness (RFC 9562 §5.7).
#[derive(Clone, Debug)]
pub struct IdSource {
    clock: Clock,
    entropy: Entropy,
}

impl IdSource {
    /// Ids from this clock and this randomness.
    pub fn new(clock: Clock, entropy: Entropy) -> Self {
        Self { clock, entropy }
    }

    /// A new raw UUIDv7.
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.entropy.bytes()).into_uuid()
    }

    /// A new typed id.
    pub fn id<K: Kind>(&self) -> Id<K> {
        Id::from_uuid(self.uuid())
    }
}

/// A kind of identified thing: its prefix in the API and its name in error messages.
pub trait Kind: 'static {
    /// The prefix without the underscore, e.g. `prj`.
    const PREFIX: &'static str;
    /// What it is, for messages, e.g. `project`.
    const NAME: &'static str;
}

/// The id of a thing of kind `K`. Displayed and parsed as `prefix_<32 hexadecimal digits>`.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

impl<K: Kind> Id<K> {
    /// Wraps a stored UUID.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// The UUID as stored.
    pub const fn uuid(&self) -> Uuid {
        self.0
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", K::PREFIX, self.0.simple())
    }
}
impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not an id of the wanted kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected a {name} id: `{prefix}_` followed by 32 hexadecimal digits")]
pub struct ParseIdError {
    name: &'static str,
    prefix: &'static str,
}

impl<K: Kind> FromStr for Id<K> {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = ParseIdError { name: K::NAME, prefix: K::PREFIX };
        let digits = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_'));
        match digits {
            // One spelling only (lower-case, no hyphens), so that an id can be compared as text.
            Some(digits) if digits.len() == 32 && !digits.bytes().any(|b| b.is_ascii_uppercase()) => {
                Uuid::try_parse(digits).map(Self::from_uuid).map_err(|_| error)
            }
            _ => Err(error),
        }
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl<K: Kind> utoipa::PartialSchema for Id<K> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some(format!("^{}_[0-9a-f]{{32}}$", K::PREFIX)))
            .description(Some(format!("Id of a {}.", K::NAME)))
            .examples([serde_json::Value::String(format!("{}_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b", K::PREFIX))])
            .into()
    }
}

impl<K: Kind> utoipa::ToSchema for Id<K> {
    fn name() -> std::borrow::Cow<'static, str> {
        std::borrow::Cow::Owned(format!("{}Id", K::PREFIX))
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $alias:ident = $kind:ident($prefix:literal, $name:literal);)*) => {$(
        #[doc = concat!("Kind marker: ", $name, ".")]
        #[derive(Debug)]
        pub enum $kind {}
        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
            const NAME: &'static str = $name;
        }
        $(#[$doc])*
        pub type $alias = Id<$kind>;
    )*
    /// Every id prefix and what it names, for the documentation.
    pub const PREFIXES: &[(&str, &str)] = &[$(($prefix, $name)),*];
    };
}

kinds! {
    /// Id of a person's account.
    AccountId = AccountKind("acc", "account");
    /// Id of a client organisation.
    OrganisationId = OrganisationKind("org", "organisation");
    /// Id of an invitation to an organisation.
    OrganisationInvitationId = OrganisationInvitationKind("oiv", "organisation invitation");
    /// Id of a sign-in session.
    SessionId = SessionKind("ses", "session");
    /// Id of a personal API token.
    ApiTokenId = ApiTokenKind("tok", "API token");
    /// Id of a developer's application.
    ApplicationId = ApplicationKind("app", "application");
    /// Id of a decision about a person.
    DecisionId = DecisionKind("dec", "decision");
    /// Id of a person's request about their data.
    DataRequestId = DataRequestKind("drq", "data request");
    /// Id of a paired assessment.
    AssessmentId = AssessmentKind("asm", "assessment");
    /// Id of an anchor session.
    AnchorSessionId = AnchorSessionKind("ans", "anchor session");
    /// Id of an anchor card.
    AnchorCardId = AnchorCardKind("anc", "anchor card");
    /// Id of a concern about integrity.
    IntegrityConcernId = IntegrityConcernKind("icn", "integrity concern");
    /// Id of a booking.
    BookingId = BookingKind("bkg", "booking");
    /// Id of a calendar feed.
    CalendarFeedId = CalendarFeedKind("cal", "calendar feed");
    /// Id of an assessor's time off.
    TimeOffId = TimeOffKind("tof", "time off");
    /// Id of an approval of a developer.
    ApprovalId = ApprovalKind("apv", "approval");
    /// Id of an import of a portfolio.
    PortfolioImportId = PortfolioImportKind("pim", "portfolio import");
    /// Id of an item of a portfolio.
    PortfolioItemId = PortfolioItemKind("pit", "portfolio item");
    /// Id of a calibration of the rating model.
    CalibrationId = CalibrationKind("clb", "calibration");
    /// Id of a move of a score.
    ScoreEventId = ScoreEventKind("sev", "score event");
    /// Id of a project.
    ProjectId = ProjectKind("prj", "project");
    /// Id of a milestone of a project.
    MilestoneId = MilestoneKind("mst", "milestone");
    /// Id of a deliverable of a milestone.
    DeliverableId = DeliverableKind("dlv", "deliverable");
    /// Id of a bid.
    BidId = BidKind("bid", "bid");
    /// Id of an offer made on a bid.
    OfferId = OfferKind("ofr", "offer");
    /// Id of an invitation to bid.
    InvitationId = InvitationKind("inv", "invitation");
    /// Id of an appeal against an adverse decision.
    AppealId = AppealKind("apl", "appeal");
    /// Id of an organisation's payment method.
    PaymentMethodId = PaymentMethodKind("pmt", "payment method");
    /// Id of a client's payment.
    PaymentId = PaymentKind("pay", "payment");
    /// Id of a transfer to a developer.
    TransferId = TransferKind("trf", "transfer");
    /// Id of a refund.
    RefundId = RefundKind("rfd", "refund");
    /// Id of a payout to a developer's bank.
    PayoutId = PayoutKind("pot", "payout");
    /// Id of a dispute between the sides of a contract.
    DisputeId = DisputeKind("dsp", "dispute");
    /// Id of an offer made in a dispute.
    DisputeOfferId = DisputeOfferKind("dof", "dispute offer");
    /// Id of a large act of staff on money that a second person confirms.
    MoneyApprovalId = MoneyApprovalKind("map", "money approval");
    /// Id of a payment that its payer's bank takes back.
    PaymentDisputeId = PaymentDisputeKind("pdp", "payment dispute");
    /// Id of a request to the payment provider.
    ProviderCommandId = ProviderCommandKind("cmd", "provider command");
    /// Id of a difference between the ledger and the payment provider.
    DifferenceId = DifferenceKind("dif", "difference");
    /// Id of a contract.
    ContractId = ContractKind("ctr", "contract");
    /// Id of a change order of a contract.
    ChangeOrderId = ChangeOrderKind("cho", "change order");
    /// Id of a message on a contract.
    MessageId = MessageKind("msg", "message");
    /// Id of a delivery on a milestone.
    DeliveryId = DeliveryKind("dvy", "delivery");
    /// Id of a decision on a milestone's money.
    MoneyDecisionId = MoneyDecisionKind("mdn", "money decision");
    /// Id of a ranking of developers for a project.
    MatchId = MatchKind("mat", "match");
    /// Id of an exclusion from matching.
    MatchExclusionId = MatchExclusionKind("mex", "match exclusion");
    /// Id of an event in the feed.
    EventId = EventKind("evt", "event");
    /// Id of a transaction of the ledger: its number, in the form of an id.
    LedgerTransactionId = LedgerTransactionKind("ltx", "ledger transaction");
    /// Id of an account of the ledger: its number, in the form of an id.
    LedgerAccountId = LedgerAccountKind("lac", "ledger account");
    /// Id of a background job.
    JobId = JobKind("job", "job");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn display_and_parse_are_inverse(bits: u128) {
            let id = ProjectId::from_uuid(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse::<ProjectId>().unwrap(), id);
        }

        #[test]
        fn any_text_parses_or_fails_without_a_panic(text in ".{0,60}") {
            if let Ok(id) = text.parse::<BidId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn another_kind_is_refused() {
        let id = ProjectId::from_uuid(Uuid::from_u128(7)).to_string();
        assert!(id.parse::<BidId>().is_err());
        assert!(id.to_uppercase().parse::<ProjectId>().is_err());
    }

    #[test]
    fn ids_sort_by_time() {
        let clock = Clock::system();
        let ids = IdSource::new(clock.clone(), Entropy::seeded(1));
        let first = ids.id::<ProjectKind>();
        clock.advance(std::time::Duration::from_millis(2));
        assert!(first < ids.id::<ProjectKind>());
    }
}
