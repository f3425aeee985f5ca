//! Do the criteria measure one thing? Two groups that different assessors' ratings show to be nearly unrelated are two
//! scales, and averaging them would measure neither.
//!
//! Only products of *different* assessors' residuals count, for those of one session share its halo. Criteria are merged
//! by average linkage on the correlation of what they measure, error taken out; a division stands only where the
//! developers' own contributions show it (`1 − r` above a half, by more than four standard errors).

use super::data::Ratings;
use super::fit::Measure;
use super::pcm::expected;

/// What is known of everybody before asking: residuals are taken from it.
pub struct Known<'a> {
    /// Abilities.
    pub developers: &'a [Measure],
    /// Severities.
    pub assessors: &'a [Measure],
    /// Difficulties.
    pub criteria: &'a [Measure],
    /// `τ` of each criterion.
    pub thresholds: &'a [Vec<f64>],
}

/// Above this correlation two groups of criteria are one scale.
const SAME: f64 = 0.5;
const STANDARD_ERRORS: f64 = 4.0;

/// The groups of criteria, the largest first.
pub fn scales(ratings: &Ratings, known: &Known<'_>) -> Vec<Vec<usize>> {
    let count = ratings.criteria.len();
    let whole = vec![(0..count).collect::<Vec<usize>>()];
    let residuals = residuals(ratings, known);
    let cross = cross(ratings, &residuals, count);
    let Some(cross) = cross else { return whole };
    let mut groups: Vec<Vec<usize>> = (0..count).map(|at| vec![at]).collect();
    let floor = 0.25 * (0..count).map(|at| cross[at * count + at]).sum::<f64>().max(1e-9) / count as f64;
    let between = |a: &[usize], b: &[usize]| {
        let sum: f64 = a.iter().map(|i| b.iter().map(|j| cross[i * count + j]).sum::<f64>()).sum();
        sum / (a.len() * b.len()) as f64
    };
    let related = |a: &[usize], b: &[usize]| {
        between(a, b) / (between(a, a).max(floor) * between(b, b).max(floor)).sqrt()
    };
    while groups.len() > 1 {
        let mut best = (f64::NEG_INFINITY, 0, 0);
        for a in 0..groups.len() {
            for b in a + 1..groups.len() {
                let r = related(&groups[a], &groups[b]);
                if r > best.0 {
                    best = (r, a, b);
                }
            }
        }
        let (r, a, b) = best;
        if r < SAME && proved(ratings, &residuals, &groups[a], &groups[b], count) {
            break;
        }
        let taken = groups.swap_remove(b);
        groups[a].extend(taken);
    }
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort_by_key(|group| (std::cmp::Reverse(group.len()), group.clone()));
    groups
}

/// The correlation of what two groups of criteria measure, halo and error taken out; 0 where nothing can be said.
pub fn correlation(ratings: &Ratings, known: &Known<'_>, a: &[usize], b: &[usize]) -> f64 {
    let count = ratings.criteria.len();
    let Some(cross) = cross(ratings, &residuals(ratings, known), count) else { return 0.0 };
    let sum = |a: &[usize], b: &[usize]| {
        let products = a.iter().map(|i| b.iter().map(|j| cross[i * count + j]).sum::<f64>());
        products.sum::<f64>() / (a.len() * b.len()) as f64
    };
    let own = sum(a, a) * sum(b, b);
    if own > 0.0 { (sum(a, b) / own.sqrt()).clamp(-1.0, 1.0) } else { 0.0 }
}

/// Rating less what is expected of an average developer from this assessor on this criterion.
fn residuals(ratings: &Ratings, known: &Known<'_>) -> Vec<f64> {
    let average =
        known.developers.iter().map(|m| m.measure).sum::<f64>() / known.developers.len().max(1) as f64;
    let of_pair: Vec<f64> = ratings
        .pairs
        .iter()
        .map(|pair| {
            let criterion = pair.criterion as usize;
            let difficulty = known.criteria[criterion].measure;
            let steps: Vec<f64> = known.thresholds[criterion].iter().map(|tau| difficulty + tau).collect();
            expected(average - known.assessors[pair.assessor as usize].measure, &steps).mean
        })
        .collect();
    ratings.rows.iter().map(|row| f64::from(row.level) - of_pair[row.pair as usize]).collect()
}

/// For each pair of criteria the mean product of residuals of different assessors on one developer.
fn cross(ratings: &Ratings, residuals: &[f64], count: usize) -> Option<Vec<f64>> {
    let (mut sums, mut pairs) = (vec![0.0; count * count], vec![0.0_f64; count * count]);
    for (first, second) in session_pairs(ratings) {
        for (i, x) in cells(ratings, residuals, first) {
            for (j, y) in cells(ratings, residuals, second) {
                for at in [i * count + j, j * count + i] {
                    sums[at] += x * y;
                    pairs[at] += 1.0;
                }
            }
        }
    }
    // A pair of criteria that never meets says nothing.
    let met = pairs.iter().all(|pairs| *pairs >= 2.0);
    met.then(|| sums.iter().zip(&pairs).map(|(sum, pairs)| sum / pairs).collect())
}

fn session_pairs(ratings: &Ratings) -> impl Iterator<Item = (usize, usize)> {
    (0..ratings.developers.len()).flat_map(|developer| {
        let sessions = ratings.sessions_of(developer);
        let end = sessions.end;
        // A crowd of assessors on one developer adds no more than its neighbours.
        sessions.flat_map(move |first| (first + 1..end.min(first + 5)).map(move |second| (first, second)))
    })
}

fn cells(ratings: &Ratings, residuals: &[f64], session: usize) -> impl Iterator<Item = (usize, f64)> {
    let (from, to) = (ratings.sessions[session].first_row, ratings.sessions[session + 1].first_row);
    (from as usize..to as usize)
        .map(|row| (ratings.pairs[ratings.rows[row].pair as usize].criterion as usize, residuals[row]))
}

/// Is `1 − r` of two groups above a half, beyond chance? With `a` and `b` scaled to unit true variance,
/// `½ (a_s − b_s)(a_t − b_t)` over sessions `s ≠ t` of a developer has the mean `1 − r`.
fn proved(ratings: &Ratings, residuals: &[f64], a: &[usize], b: &[usize], count: usize) -> bool {
    let mut side = vec![None; count];
    a.iter().for_each(|at| side[*at] = Some(0));
    b.iter().for_each(|at| side[*at] = Some(1));
    let means = |session: usize| -> Option<[f64; 2]> {
        let mut sums = [(0.0, 0.0); 2];
        for (criterion, residual) in cells(ratings, residuals, session) {
            if let Some(side) = side[criterion] {
                sums[side].0 += residual;
                sums[side].1 += 1.0;
            }
        }
        sums.iter().all(|(_, n)| *n > 0.0).then(|| sums.map(|(sum, n)| sum / n))
    };
    let pairs: Vec<([f64; 2], [f64; 2])> =
        session_pairs(ratings).filter_map(|(s, t)| Some((means(s)?, means(t)?))).collect();
    let n = pairs.len() as f64;
    if n < 30.0 {
        return false;
    }
    let truth = [0, 1].map(|side| pairs.iter().map(|(s, t)| s[side] * t[side]).sum::<f64>() / n);
    if truth.iter().any(|variance| *variance <= 0.0) {
        return false;
    }
    let [sa, sb] = truth.map(f64::sqrt);
    let apart = |(s, t): &([f64; 2], [f64; 2])| 0.5 * (s[0] / sa - s[1] / sb) * (t[0] / sa - t[1] / sb);
    let mean = pairs.iter().map(apart).sum::<f64>() / n;
    let variance = pairs.iter().map(|pair| (apart(pair) - mean).powi(2)).sum::<f64>() / n;
    mean > 1.0 - SAME && mean > STANDARD_ERRORS * (variance / n).sqrt()
}
