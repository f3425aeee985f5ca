//! Anchor sessions: the quarter, how its set is chosen, and the table by which an anchor card changes.

use std::fmt;
use std::str::FromStr;

use assay_kernel::Permission;
use assay_kernel::process::{Guard, Machine, State, Transition, Who, row};
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The events of an anchor card.
pub mod anchor_events {
    /// The rater saves.
    pub const EDIT: &str = "edit";
    /// The rater submits.
    pub const SUBMIT: &str = "submit";
    /// The rater is reminded.
    pub const REMIND: &str = "remind";
    /// The card is no longer asked for.
    pub const WITHDRAW: &str = "withdraw";
}

const RATER: &[Who] = &[Who::Staff(Permission::Assessor)];

/// How an anchor card changes.
pub const ANCHOR_CARD: Machine = Machine {
    name: "anchor_card",
    version: "2026-11-22",
    meaning: "An assessor's rating of an anchor session, from its record: it links the assessors' severities and decides \
        nothing about the candidate.",
    initial: "open",
    states: &[
        State { name: "open", meaning: "Being filled in." },
        State { name: "submitted", meaning: "Submitted; it never changes." },
        State { name: "withdrawn", meaning: "No longer asked for." },
    ],
    guards: &[Guard { code: "in_quarter", needs: "Before the end of its quarter." }],
    transitions: &[
        Transition { guards: &["in_quarter"], ..row(anchor_events::EDIT, &["open"], "open", RATER) },
        Transition {
            guards: &["in_quarter"],
            effects: &["counts in the nightly calibration, and nowhere else"],
            ..row(anchor_events::SUBMIT, &["open"], "submitted", RATER)
        },
        Transition {
            clock: Some("7 days before it is due, and when it is due"),
            effects: &["mail to the rater"],
            ..row(anchor_events::REMIND, &["open"], "open", &[Who::System])
        },
        Transition {
            clock: Some("at the end of the quarter"),
            effects: &[
                "with the session, by a reviewer",
                "by itself when its rater assesses on the track no more, a redo is granted or the candidate is gone",
            ],
            ..row(
                anchor_events::WITHDRAW,
                &["open"],
                "withdrawn",
                &[Who::System, Who::Staff(Permission::Reviewer)],
            )
        },
    ],
};

/// A quarter of a year, in UTC: `2026-Q4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quarter(NaiveDate);

impl Quarter {
    /// The quarter with this day in it.
    pub fn with(day: NaiveDate) -> Self {
        let month = day.month0() / 3 * 3 + 1;
        Self(NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day))
    }

    /// The quarter with this instant in it.
    pub fn of(at: DateTime<Utc>) -> Self {
        Self::with(at.date_naive())
    }

    /// Its first day, as it is stored.
    pub fn first_day(self) -> NaiveDate {
        self.0
    }

    /// The first instant after it.
    pub fn ends_at(self) -> DateTime<Utc> {
        let next = self.0.checked_add_months(Months::new(3)).unwrap_or(NaiveDate::MAX);
        next.and_time(NaiveTime::MIN).and_utc()
    }
}

impl fmt::Display for Quarter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-Q{}", self.0.year(), self.0.month0() / 3 + 1)
    }
}

impl FromStr for Quarter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a quarter such as 2026-Q4";
        let (year, quarter) = text.split_once("-Q").ok_or(EXPECTED)?;
        let month = match quarter {
            "1" => 1,
            "2" => 4,
            "3" => 7,
            "4" => 10,
            _ => return Err(EXPECTED),
        };
        let digits = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        let year = year.parse().ok().filter(|_| digits).ok_or(EXPECTED)?;
        NaiveDate::from_ymd_opt(year, month, 1).map(Self).ok_or(EXPECTED)
    }
}

impl Serialize for Quarter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quarter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A session that can be an anchor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The assessment.
    pub assessment: Uuid,
    /// The mean of the levels on its cards.
    pub mean: f64,
}

/// Chooses `count` sessions over the whole range of means, the lowest first: the middle one of each of as many equal
/// parts. The same sessions give the same choice, in whatever order they come.
pub fn spread(mut sessions: Vec<Candidate>, count: usize) -> Vec<Uuid> {
    sessions.sort_by(|a, b| a.mean.total_cmp(&b.mean).then(a.assessment.cmp(&b.assessment)));
    if sessions.len() <= count {
        return sessions.into_iter().map(|session| session.assessment).collect();
    }
    let middle = |part: usize| (2 * part + 1) * sessions.len() / (2 * count);
    (0..count).filter_map(|part| sessions.get(middle(part))).map(|session| session.assessment).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quarter(text: &str) -> Quarter {
        text.parse().unwrap()
    }

    #[test]
    fn a_quarter_has_three_months_and_one_name() {
        let at = |text: &str| Quarter::of(text.parse().unwrap());
        assert_eq!(at("2026-11-22T10:00:00Z"), quarter("2026-Q4"));
        assert_eq!(at("2026-12-31T23:59:59Z").to_string(), "2026-Q4");
        assert_eq!(at("2027-01-01T00:00:00Z").to_string(), "2027-Q1");
        assert_eq!(quarter("2026-Q4").ends_at(), "2027-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(quarter("2026-Q2").first_day().to_string(), "2026-04-01");
        for junk in ["2026", "2026-Q5", "2026-Q0", "26-Q1", "+026-Q1", "2026-Q01", "2026-q1", ""] {
            assert!(junk.parse::<Quarter>().is_err(), "{junk}");
        }
    }

    #[test]
    fn a_set_is_low_middle_and_high() {
        let session = |n: u8| Candidate { assessment: Uuid::from_u128(n.into()), mean: f64::from(n) };
        let chosen = |n: u8, count| -> Vec<u128> {
            spread((1..=n).map(session).collect(), count).iter().map(Uuid::as_u128).collect()
        };
        assert_eq!(chosen(9, 3), [2, 5, 8]);
        assert_eq!(chosen(4, 3), [1, 3, 4]);
        assert_eq!(chosen(3, 3), [1, 2, 3]);
        assert_eq!(chosen(2, 3), [1, 2]);
        assert_eq!(chosen(5, 0), []);
    }

    proptest! {
        #[test]
        fn the_choice_hangs_on_the_sessions_alone(means in prop::collection::vec(0.0_f64..4.0, 0..40), count in 0_usize..6) {
            let mut sessions: Vec<Candidate> = means
                .iter()
                .enumerate()
                .map(|(n, mean)| Candidate { assessment: Uuid::from_u128(n as u128), mean: *mean })
                .collect();
            let chosen = spread(sessions.clone(), count);
            sessions.reverse();
            prop_assert_eq!(&chosen, &spread(sessions, count));
            let mut apart = chosen.clone();
            apart.sort_unstable();
            apart.dedup();
            prop_assert_eq!(apart.len(), count.min(means.len()));
        }

        #[test]
        fn a_quarter_is_read_as_it_is_written(days in -100_000_i32..100_000) {
            let day = NaiveDate::from_epoch_days(days).unwrap();
            let quarter = Quarter::with(day);
            prop_assert!(quarter.first_day() <= day);
            prop_assert!(day.and_time(NaiveTime::MIN).and_utc() < quarter.ends_at());
            prop_assert_eq!(quarter.to_string().parse::<Quarter>(), Ok(quarter));
        }
    }
}
