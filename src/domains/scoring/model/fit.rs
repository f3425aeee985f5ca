//! Measures and how well ratings fit them (Wright & Masters 1982, Rating Scale Analysis, chapters 5 and 6).

use serde::Serialize;

/// A measure on the logit scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measure {
    /// Where it lies.
    pub measure: f64,
    /// Its standard error (posterior: standard deviation).
    pub se: f64,
    /// Mean square of residuals, weighted by information: 1 expected; above 1.5 misfit, below 0.5 muted.
    pub infit: f64,
    /// Mean square of standardised residuals.
    pub outfit: f64,
    /// How many ratings it rests on.
    pub ratings: u32,
}

/// Sums for infit and outfit.
#[derive(Clone, Copy, Debug, Default)]
pub struct FitSums {
    square: f64,
    variance: f64,
    standardised: f64,
    count: u32,
}

impl FitSums {
    /// Adds a residual and the variance that was expected of it.
    pub fn add(&mut self, residual: f64, variance: f64) {
        self.square += residual * residual;
        self.variance += variance;
        self.standardised += residual * residual / variance.max(1e-6);
        self.count += 1;
    }

    /// The measure with its fit: infit `Σ r² / Σ v`, outfit `Σ (r² / v) / n`.
    pub fn measure(self, measure: f64, se: f64) -> Measure {
        Measure {
            measure,
            se,
            infit: if self.variance > 0.0 { self.square / self.variance } else { 1.0 },
            outfit: if self.count > 0 { self.standardised / f64::from(self.count) } else { 1.0 },
            ratings: self.count,
        }
    }
}

/// How far the elements of a facet can be told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Separation {
    /// Standard deviation of the measures.
    pub sd: f64,
    /// Root mean square of their standard errors.
    pub rmse: f64,
    /// `G = true SD / RMSE`, with `true SD² = SD² − RMSE²`.
    pub separation: f64,
    /// `true SD² / SD²`.
    pub reliability: f64,
}

impl Separation {
    /// Of a facet's measures.
    pub fn of(measures: impl Iterator<Item = (f64, f64)> + Clone) -> Self {
        let n = measures.clone().count() as f64;
        if n < 2.0 {
            return Self::default();
        }
        let mean = measures.clone().map(|(measure, _)| measure).sum::<f64>() / n;
        let variance = measures.clone().map(|(measure, _)| (measure - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let error = measures.map(|(_, se)| se * se).sum::<f64>() / n;
        let truth = (variance - error).max(0.0);
        Self {
            sd: variance.sqrt(),
            rmse: error.sqrt(),
            separation: if error > 0.0 { (truth / error).sqrt() } else { 0.0 },
            reliability: if variance > 0.0 { truth / variance } else { 0.0 },
        }
    }
}
