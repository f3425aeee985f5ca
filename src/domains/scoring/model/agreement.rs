//! Do assessors agree, and do they stay the same?

use serde::Serialize;

use super::data::Ratings;
use super::fit::Measure;

/// Agreement of two assessors on the same developer and criterion, over all such pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// How many pairs of ratings.
    pub pairs: u64,
    /// Share that are equal.
    pub exact: f64,
    /// Share at most one level apart.
    pub adjacent: f64,
    /// Cohen's kappa with quadratic weights (Cohen 1968), the two assessors interchangeable.
    pub weighted_kappa: f64,
    /// One-way random intraclass correlation of a single rating, ICC(1,1) (Shrout & Fleiss 1979).
    pub icc: f64,
}

/// How many further assessors of one developer and criterion each is paired with: a crowd on one anchor session must
/// not make the work quadratic.
const NEIGHBOURS: usize = 50;

/// Over all pairs of ratings, and over those of each assessor.
pub fn agreement(ratings: &Ratings) -> (Agreement, Vec<Agreement>) {
    let categories = ratings.steps() + 1;
    let cells_of_table = categories * categories;
    let mut all = vec![0_u64; cells_of_table];
    let mut own = vec![0_u64; cells_of_table * ratings.assessors.len()];
    let mut cells: Vec<(u32, usize, usize)> = Vec::new();
    for developer in 0..ratings.developers.len() {
        cells.clear();
        for session in ratings.sessions_of(developer) {
            let (assessor, rows) = ratings.session(session);
            for row in rows {
                let criterion = ratings.pairs[row.pair as usize].criterion;
                cells.push((criterion, assessor, usize::from(row.level)));
            }
        }
        cells.sort_unstable();
        for same in cells.chunk_by(|a, b| a.0 == b.0) {
            for (at, (_, first, a)) in same.iter().enumerate() {
                for (_, second, b) in same[at + 1..].iter().take(NEIGHBOURS).filter(|other| other.1 != *first)
                {
                    for cell in [a * categories + b, b * categories + a] {
                        all[cell] += 1;
                        own[first * cells_of_table + cell] += 1;
                        own[second * cells_of_table + cell] += 1;
                    }
                }
            }
        }
    }
    let own = own.chunks(cells_of_table).map(|table| figures(table, categories)).collect();
    (figures(&all, categories), own)
}

/// From the symmetric table of pairs, each counted both ways round.
fn figures(table: &[u64], categories: usize) -> Agreement {
    let total = table.iter().sum::<u64>() as f64;
    if total == 0.0 {
        return Agreement::default();
    }
    let margin: Vec<f64> = (0..categories)
        .map(|a| table[a * categories..(a + 1) * categories].iter().sum::<u64>() as f64)
        .collect();
    let (mut exact, mut adjacent, mut apart, mut by_chance) = (0.0, 0.0, 0.0, 0.0);
    for a in 0..categories {
        for b in 0..categories {
            let count = table[a * categories + b] as f64;
            let distance = a.abs_diff(b);
            exact += if distance == 0 { count } else { 0.0 };
            adjacent += if distance <= 1 { count } else { 0.0 };
            apart += count * (distance * distance) as f64;
            by_chance += margin[a] * margin[b] / total * (distance * distance) as f64;
        }
    }
    let mean = margin.iter().enumerate().map(|(level, n)| level as f64 * n).sum::<f64>() / total;
    let spread =
        margin.iter().enumerate().map(|(level, n)| (level as f64 - mean).powi(2) * n).sum::<f64>() / total;
    // Within a pair the variance is half the squared distance: MSW = Σd² / 2n; MSB follows from the whole.
    let within = apart / total / 2.0;
    let between = 2.0 * spread - within;
    Agreement {
        pairs: (total / 2.0) as u64,
        exact: exact / total,
        adjacent: adjacent / total,
        weighted_kappa: if by_chance > 0.0 { 1.0 - apart / by_chance } else { 1.0 },
        icc: if between + within > 0.0 { (between - within) / (between + within) } else { 1.0 },
    }
}

/// An element's move from one calibration to the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// Later measure less earlier one, after the common shift is taken out.
    pub displacement: f64,
    /// In standard errors of the difference.
    pub z: f64,
    /// Further than 0.3 logits: no anchor any more.
    pub displaced: bool,
}

/// Element by element; both calibrations list the same elements.
pub fn drift(earlier: &[Measure], later: &[Measure]) -> Vec<Drift> {
    let both = || earlier.iter().zip(later);
    let shift = both().map(|(a, b)| b.measure - a.measure).sum::<f64>() / both().count().max(1) as f64;
    both()
        .map(|(a, b)| {
            let displacement = b.measure - a.measure - shift;
            let se = a.se.hypot(b.se);
            Drift {
                displacement,
                z: if se > 0.0 { displacement / se } else { 0.0 },
                displaced: displacement.abs() >= 0.3,
            }
        })
        .collect()
}
