//! Money as integers in minor units (ISO 4217), never a float.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Largest amount the API carries: 2^53 − 1, what every JSON reader represents exactly.
pub const MAX_AMOUNT: i64 = 9_007_199_254_740_991;

/// ISO 4217 codes that the service takes, with their minor-unit exponents.
const CURRENCIES: &[(&str, u32)] = &[
    ("AUD", 2),
    ("BRL", 2),
    ("CAD", 2),
    ("CHF", 2),
    ("CZK", 2),
    ("DKK", 2),
    ("EUR", 2),
    ("GBP", 2),
    ("HKD", 2),
    ("ILS", 2),
    ("INR", 2),
    ("JPY", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("MXN", 2),
    ("NOK", 2),
    ("NZD", 2),
    ("PLN", 2),
    ("SEK", 2),
    ("SGD", 2),
    ("USD", 2),
    ("ZAR", 2),
];

/// A currency of ISO 4217 that the service takes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(u8);

impl Currency {
    /// United States dollar, the currency in which policy is written.
    pub const USD: Currency = Currency(20);

    /// The currency of that code.
    pub fn parse(code: &str) -> Option<Self> {
        let index = CURRENCIES.iter().position(|(known, _)| *known == code)?;
        u8::try_from(index).ok().map(Self)
    }

    /// Every currency the service takes.
    pub fn all() -> impl Iterator<Item = Currency> {
        CURRENCIES.iter().filter_map(|(code, _)| Self::parse(code))
    }

    /// The three-letter code.
    pub fn code(self) -> &'static str {
        CURRENCIES[usize::from(self.0)].0
    }

    /// Digits after the decimal point (USD 2, JPY 0, KWD 3).
    pub fn exponent(self) -> u32 {
        CURRENCIES[usize::from(self.0)].1
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&code)
            .ok_or_else(|| de::Error::custom("expected an ISO 4217 code that the service takes, e.g. `USD`"))
    }
}
impl utoipa::PartialSchema for Currency {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .enum_values(Some(CURRENCIES.iter().map(|(code, _)| *code)))
            .description(Some("ISO 4217 currency code."))
            .examples([serde_json::json!("USD")])
            .into()
    }
}
impl utoipa::ToSchema for Currency {
    fn name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }
}

/// An amount in the minor units of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units: 1250000 is $12,500.00.
    #[schema(minimum = -9007199254740991_i64, maximum = 9007199254740991_i64, example = 1250000)]
    #[serde(deserialize_with = "amount")]
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: Currency,
}

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let amount = i64::deserialize(deserializer)?;
    if amount.unsigned_abs() > MAX_AMOUNT.unsigned_abs() {
        return Err(de::Error::custom("expected an amount of at most 9007199254740991 minor units"));
    }
    Ok(amount)
}

impl Money {
    /// An amount in minor units.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Whole US dollars.
    pub const fn usd(dollars: i64) -> Self {
        Self { amount: dollars.saturating_mul(100), currency: Currency::USD }
    }

    /// The part that `rate_bps` basis points make, rounded half up on the absolute value.
    pub fn bps(self, rate_bps: u32) -> Self {
        let product = i128::from(self.amount).saturating_mul(i128::from(rate_bps));
        Self { amount: div_round(product, 10_000), ..self }
    }

    /// The sum; `None` when the currencies differ or the sum is too large.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        let amount = self.amount.checked_add(other.amount)?;
        (amount.unsigned_abs() <= MAX_AMOUNT.unsigned_abs()).then_some(Self { amount, ..self })
    }

    /// This amount in US cents at a dated rate. `usd_per_unit_e9` is US dollars per major unit × 10⁹.
    /// `None` when the result is too large.
    pub fn to_usd_minor(self, usd_per_unit_e9: i64) -> Option<i64> {
        let divisor = 10_i128.checked_pow(self.currency.exponent())?.checked_mul(1_000_000_000)?;
        let product = i128::from(self.amount).checked_mul(i128::from(usd_per_unit_e9))?.checked_mul(100)?;
        let cents = div_round(product, divisor);
        (cents.unsigned_abs() <= MAX_AMOUNT.unsigned_abs()).then_some(cents)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.currency.exponent();
        let scale = 10_u64.pow(exponent);
        let (whole, part) = (self.amount.unsigned_abs() / scale, self.amount.unsigned_abs() % scale);
        let sign = if self.amount < 0 { "-" } else { "" };
        match usize::try_from(exponent) {
            Ok(width @ 1..) => write!(f, "{} {sign}{whole}.{part:0width$}", self.currency),
            _ => write!(f, "{} {sign}{whole}", self.currency),
        }
    }
}

/// Division rounded half away from zero; saturates at the bounds of `i64`.
fn div_round(numerator: i128, divisor: i128) -> i64 {
    let half = divisor / 2;
    let rounded = if numerator >= 0 {
        numerator.saturating_add(half) / divisor
    } else {
        numerator.saturating_sub(half) / divisor
    };
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exponents_follow_iso_4217() {
        let show = |amount, code| Money::new(amount, Currency::parse(code).unwrap()).to_string();
        assert_eq!(show(1_250_000, "USD"), "USD 12500.00");
        assert_eq!(show(500, "JPY"), "JPY 500");
        assert_eq!(show(-1_005, "KWD"), "KWD -1.005");
        assert_eq!(Currency::USD.code(), "USD");
        assert_eq!(Currency::all().count(), CURRENCIES.len());
    }

    #[test]
    fn conversion_uses_the_exponent() {
        let yen = Money::new(750_000, Currency::parse("JPY").unwrap());
        assert_eq!(yen.to_usd_minor(6_666_667), Some(500_000));
        let dinar = Money::new(3_000_000, Currency::parse("KWD").unwrap());
        assert_eq!(dinar.to_usd_minor(3_250_000_000), Some(975_000));
    }

    #[test]
    fn floats_and_huge_amounts_are_refused() {
        let read = |text| serde_json::from_str::<Money>(text);
        assert!(read(r#"{"amount":12.5,"currency":"USD"}"#).is_err());
        assert!(read(r#"{"amount":9007199254740992,"currency":"USD"}"#).is_err());
        assert!(read(r#"{"amount":1,"currency":"usd"}"#).is_err());
        assert!(read(r#"{"amount":1,"currency":"USD","x":1}"#).is_err());
    }

    proptest! {
        #[test]
        fn a_fee_is_within_half_a_unit_of_the_exact_product(amount in 0..=MAX_AMOUNT, bps in 0_u32..=10_000) {
            let fee = Money::new(amount, Currency::USD).bps(bps).amount;
            let exact = i128::from(amount) * i128::from(bps);
            prop_assert!((i128::from(fee) * 10_000 - exact).abs() <= 5_000);
        }
    }
}
