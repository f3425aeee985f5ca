//! Why somebody stands where they stand.

use serde::Serialize;

use super::exposure::Exposure;
use super::learn::Parameters;
use super::rank::{Adjustments, Ranked, Ranking, Settings};
use super::snapshot::{Query, Snapshot};
use super::value::Terms;

/// One part of a score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Part {
    /// Of what.
    pub name: &'static str,
    /// How much above the median feasible developer, on the logit scale.
    pub above_median: f64,
}

/// A score taken apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The score.
    pub score: f64,
    /// The median feasible developer's score.
    pub median: f64,
    /// They sum to `score − median`.
    pub parts: Vec<Part>,
}

/// One change that would move somebody up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counterfactual {
    /// Which skill, by the number of the must and nice skills of the project.
    pub skill: String,
    /// To which level.
    pub level: u8,
    /// Place now, from 1.
    pub from: usize,
    /// Place then.
    pub to: usize,
}

type Setter = fn(&mut Terms, &Terms);

/// The features of the value, each with how it is taken from one developer to another.
const FEATURES: [(&str, Setter); 9] = [
    ("technical score", |to, from| to.technical = from.technical),
    ("collaboration score", |to, from| to.collaboration = from.collaboration),
    ("skills needed", |to, from| to.must = from.must),
    ("skills that help", |to, from| to.nice = from.nice),
    ("line of business", |to, from| to.domain = from.domain),
    ("shared hours", |to, from| to.overlap = from.overlap),
    ("own record", |to, from| to.record = from.record),
    ("certainty", |to, from| to.variance = from.variance),
    ("rate below the limit", |to, from| to.headroom = from.headroom),
];

/// What is added to the value's logit.
const ADDED: [&str; 3] = ["exploration", "exposure so far", "probably taken"];

/// The names of the parts, in their order.
pub fn part_names() -> impl Iterator<Item = &'static str> {
    FEATURES.iter().map(|(name, _)| *name).chain(ADDED)
}

/// Takes a score apart against the median feasible developer.
///
/// The value is not linear, so a part is what its feature brings when features are exchanged one after another, the
/// mean of the listed and the reverse order: the parts telescope and sum exactly but for rounding.
pub fn explain(
    snapshot: &Snapshot,
    parameters: &Parameters,
    exposure: Option<&Exposure>,
    query: &Query,
    days: (i32, i32, i32),
    settings: &Settings,
    (ranked, median): (&Ranked, &Ranked),
) -> Explanation {
    let standing =
        |ranked: &Ranked| Standing::of(snapshot, parameters, exposure, query, days, settings, ranked);
    take_apart(parameters, &standing(ranked), &standing(median))
}

/// What a score is made of, so that it can be kept and worked out again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// What enters the value.
    pub terms: Terms,
    /// What is added to its logit.
    pub adjustments: Adjustments,
}

impl Standing {
    /// Of one developer, at their place.
    pub fn of(
        snapshot: &Snapshot,
        parameters: &Parameters,
        exposure: Option<&Exposure>,
        query: &Query,
        days: (i32, i32, i32),
        settings: &Settings,
        ranked: &Ranked,
    ) -> Self {
        let terms = Terms::of(snapshot, parameters, query, ranked.row);
        let succeeds = terms.chances(parameters).1;
        let adjustments = Adjustments::of(snapshot, exposure, settings, (ranked.row, &terms, succeeds), days);
        Self { terms, adjustments: adjustments.at(ranked.by_value) }
    }

    /// The score.
    pub fn score(&self, parameters: &Parameters) -> f64 {
        self.terms.logit(parameters) + self.adjustments.sum()
    }
}

/// Takes a score apart against another, from what both are made of.
pub fn take_apart(parameters: &Parameters, own: &Standing, middle: &Standing) -> Explanation {
    let mut parts: Vec<Part> = FEATURES.iter().map(|(name, _)| Part { name, above_median: 0.0 }).collect();
    for reversed in [false, true] {
        let mut at = middle.terms;
        let mut before = at.logit(parameters);
        for step in 0..FEATURES.len() {
            let feature = if reversed { FEATURES.len() - 1 - step } else { step };
            FEATURES[feature].1(&mut at, &own.terms);
            let after = at.logit(parameters);
            parts[feature].above_median += 0.5 * (after - before);
            before = after;
        }
    }
    let (mine, theirs) = (own.adjustments, middle.adjustments);
    let added = [mine.explore - theirs.explore, mine.share - theirs.share, mine.taken - theirs.taken];
    parts.extend(ADDED.into_iter().zip(added).map(|(name, above_median)| Part { name, above_median }));
    Explanation { score: own.score(parameters), median: middle.score(parameters), parts }
}

/// The smallest raise of one skill, by one level and to 4 at least, that moves somebody up most.
pub fn counterfactual(
    snapshot: &Snapshot,
    parameters: &Parameters,
    query: &Query,
    names: &[(String, u32, bool)],
    ranking: &Ranking,
    place: usize,
) -> Option<Counterfactual> {
    let ranked = ranking.shown.get(place)?;
    let now = Terms::of(snapshot, parameters, query, ranked.row);
    let change = |(name, skill, must): &(String, u32, bool)| {
        let level = snapshot.level(ranked.row, *skill);
        let raised = (level + 1).clamp(4, 5);
        let fit = snapshot.fit(ranked.row, *skill);
        if f64::from(raised) <= fit {
            return None;
        }
        let more = (f64::from(raised) - fit) / 5.0;
        let mut then = now;
        if *must {
            then.must += more / query.must.len().max(1) as f64;
        } else {
            then.nice += more / query.nice.len().max(1) as f64;
        }
        let score = ranked.score + then.logit(parameters) - now.logit(parameters);
        let to = ranking.shown.iter().take(place).filter(|other| other.score >= score).count();
        (to < place).then(|| Counterfactual {
            skill: name.clone(),
            level: raised,
            from: place + 1,
            to: to + 1,
        })
    };
    names.iter().filter_map(change).min_by_key(|change| (change.to, change.level))
}
