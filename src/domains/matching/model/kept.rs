//! A ranking as it is kept, and worked out again from what was kept: bit by bit the same.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::explain::{Standing, take_apart};
use super::facts::Met;
use super::learn::Parameters;
use super::rank::{Adjustments, before};
use super::value::Terms;

/// The formula that rankings are made by; replays of another are not to be compared.
pub const MODEL: &str = "value-1";

/// Numbers that come back as they went, as base64 of their bits: JSON's would pass through decimals of another's making.
mod exact {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        STANDARD_NO_PAD.encode(bytes).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>, T: TryFrom<Vec<f64>>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Rankings were kept as decimals at first.
        let values: Vec<f64> = if text.contains(' ') {
            let read: Result<_, _> = text.split(' ').map(str::parse).collect();
            read.map_err(D::Error::custom)?
        } else {
            let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
            let (numbers, rest) = bytes.as_chunks();
            if !rest.is_empty() {
                return Err(D::Error::custom("a part of a number"));
            }
            numbers.iter().copied().map(f64::from_le_bytes).collect()
        };
        T::try_from(values).map_err(|_| D::Error::custom("another count of numbers"))
    }
}

/// What was asked of a ranking: with it and the columns of that version it would come out the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Skills that the project cannot do without.
    pub must: Vec<String>,
    /// Skills that help.
    pub nice: Vec<String>,
    /// Its line of business.
    pub family: String,
    /// Hours a week.
    pub weekly_hours: f64,
    /// Hours of the working day to share.
    pub min_overlap: f64,
    /// First, last day of work, and the day of the ranking.
    pub days: (i32, i32, i32),
    /// Weights: for what is not known, for exposure given before, for being probably taken.
    pub weights: (f64, f64, f64),
    /// Developers that were left out because the tables said otherwise than the columns.
    pub stale: usize,
}

/// A near miss, in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Missed {
    /// The one constraint that keeps them out.
    pub constraint: String,
    /// How many it keeps out.
    pub more: usize,
    /// What would let how many in.
    pub words: String,
}

/// What a score is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    #[serde(with = "exact")]
    terms: [f64; 9],
    #[serde(with = "exact")]
    adjustments: [f64; 3],
}

impl Kept {
    /// To be kept.
    pub fn of(standing: &Standing) -> Self {
        Self { terms: standing.terms.to_array(), adjustments: standing.adjustments.to_array() }
    }

    /// As it was.
    pub fn standing(&self) -> Standing {
        Standing {
            terms: Terms::from_array(self.terms),
            adjustments: Adjustments::from_array(self.adjustments),
        }
    }
}

/// A place as it is kept. Whoever is erased leaves `null` in its stead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptPlace {
    /// Who.
    pub developer: Uuid,
    /// What the score is made of.
    pub standing: Kept,
    /// The score, then its parts against the median.
    #[serde(with = "exact")]
    pub score_and_parts: Vec<f64>,
    /// What the constraints looked at.
    pub met: Option<Met>,
    /// The skill that would move them up: slug, level, place.
    pub counterfactual: Option<(String, u8, usize)>,
}

impl KeptPlace {
    /// The score.
    pub fn score(&self) -> f64 {
        self.score_and_parts.first().copied().unwrap_or(f64::NAN)
    }

    /// The parts.
    pub fn parts(&self) -> &[f64] {
        self.score_and_parts.get(1..).unwrap_or_default()
    }
}

/// The score and its parts, in the order in which they are kept.
pub fn score_and_parts(parameters: &Parameters, own: &Standing, median: &Standing) -> Vec<f64> {
    let told = take_apart(parameters, own, median);
    std::iter::once(told.score).chain(told.parts.iter().map(|part| part.above_median)).collect()
}

/// A place worked out again.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// Who.
    pub developer: Uuid,
    /// Score and parts.
    pub score_and_parts: Vec<f64>,
}

/// Works a ranking out again from what was kept; tells the places and whether they are, bit by bit, those that were.
pub fn replay(
    parameters: &Parameters,
    seed: u64,
    median: &Kept,
    places: &[Option<KeptPlace>],
) -> (Vec<Replayed>, bool) {
    let median = median.standing();
    let kept: Vec<&KeptPlace> = places.iter().flatten().collect();
    let mut again: Vec<Replayed> = kept
        .iter()
        .map(|place| Replayed {
            developer: place.developer,
            score_and_parts: score_and_parts(parameters, &place.standing.standing(), &median),
        })
        .collect();
    let order = |place: &Replayed| {
        let score = place.score_and_parts.first().copied().unwrap_or(f64::NAN);
        (score, place.developer.as_u128())
    };
    again.sort_by(|a, b| before(seed, order(a), order(b)));
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let identical = again.iter().zip(&kept).all(|(again, kept)| {
        again.developer == kept.developer && bits(&again.score_and_parts) == bits(&kept.score_and_parts)
    });
    (again, identical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn standing(values: &[f64]) -> Standing {
        let mut terms = [0.0; 9];
        terms.copy_from_slice(&values[..9]);
        terms[8] = terms[8].abs();
        let mut adjustments = [0.0; 3];
        adjustments.copy_from_slice(&values[9..12]);
        Standing { terms: Terms::from_array(terms), adjustments: Adjustments::from_array(adjustments) }
    }

    proptest! {
        #[test]
        fn what_was_kept_as_json_gives_the_same_bits(
            rows in proptest::collection::vec(proptest::collection::vec(-2.0..2.0_f64, 12), 1..20), seed in any::<u64>(),
        ) {
            let parameters = Parameters::default();
            let median = standing(&rows[0]);
            let mut places: Vec<Option<KeptPlace>> = rows.iter().enumerate().map(|(at, row)| {
                let own = standing(row);
                Some(KeptPlace {
                    developer: Uuid::from_u128(at as u128),
                    standing: Kept::of(&own),
                    score_and_parts: score_and_parts(&parameters, &own, &median),
                    met: None,
                    counterfactual: None,
                })
            }).collect();
            places.sort_by(|a, b| {
                let key = |place: &Option<KeptPlace>| place.as_ref().map(|p| (p.score(), p.developer.as_u128())).unwrap();
                before(seed, key(a), key(b))
            });
            let text = serde_json::to_string(&places).unwrap();
            let read: Vec<Option<KeptPlace>> = serde_json::from_str(&text).unwrap();
            let (again, identical) = replay(&parameters, seed, &Kept::of(&median), &read);
            prop_assert!(identical);
            prop_assert_eq!(again.len(), places.len());
            // Another formula is noticed.
            let other = Parameters { success: [0.1; 7], ..parameters };
            prop_assert!(!replay(&other, seed, &Kept::of(&median), &read).1);
        }
    }
}
