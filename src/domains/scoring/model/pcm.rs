//! The partial-credit model of one rating (Masters 1982, Psychometrika 47, 149–174):
//! `P(k | u) ∝ exp(k·u − Σ_{h ≤ k} δ_h)`, where `u` is ability less severity and `δ_h = difficulty + τ_h`.

use super::data::MAX_CATEGORIES;

/// What one rating is expected to be at a location.
pub struct Expected {
    /// Probability of each category.
    pub probability: [f64; MAX_CATEGORIES],
    /// Logarithm of the normalising sum.
    pub log_z: f64,
    /// Expected level.
    pub mean: f64,
    /// Variance of the level: the information on `u`.
    pub variance: f64,
}

/// Probabilities, mean and variance of a rating at `u`.
#[inline]
pub fn expected(u: f64, steps: &[f64]) -> Expected {
    let mut probability = [0.0; MAX_CATEGORIES];
    let mut logit = 0.0;
    let mut highest = 0.0_f64;
    for (k, step) in steps.iter().enumerate() {
        logit += u - step;
        probability[k + 1] = logit;
        highest = highest.max(logit);
    }
    let mut sum = 0.0;
    for value in probability.iter_mut().take(steps.len() + 1) {
        *value = (*value - highest).exp();
        sum += *value;
    }
    let (mut mean, mut square) = (0.0, 0.0);
    for (k, value) in probability.iter_mut().take(steps.len() + 1).enumerate() {
        *value /= sum;
        let level = k as f64;
        mean += level * *value;
        square += level * level * *value;
    }
    Expected { probability, log_z: highest + sum.ln(), mean, variance: (square - mean * mean).max(1e-12) }
}

/// Gradient and information of a criterion's steps, gathered over its ratings.
pub struct StepSums {
    /// `Σ P(≥ k) − 1[x ≥ k]`.
    pub gradient: Vec<f64>,
    /// `Σ P(≥ max(k, l)) − P(≥ k) P(≥ l)`, row by row.
    pub information: Vec<f64>,
}

impl StepSums {
    /// Nothing yet.
    pub fn new(steps: usize) -> Self {
        Self { gradient: vec![0.0; steps], information: vec![0.0; steps * steps] }
    }

    /// Adds ratings of a weight at one location.
    pub fn add_expected(&mut self, expected: &Expected, weight: f64) {
        let steps = self.gradient.len();
        let mut tail = [0.0; MAX_CATEGORIES];
        let mut sum = 0.0;
        for k in (0..steps).rev() {
            sum += expected.probability[k + 1];
            tail[k] = sum;
        }
        for k in 0..steps {
            self.gradient[k] += weight * tail[k];
            for l in 0..=k {
                self.information[k * steps + l] += weight * (tail[k] - tail[k] * tail[l]);
            }
        }
    }

    /// Takes away ratings that were observed at a level.
    pub fn take_observed(&mut self, level: usize, weight: f64) {
        for value in self.gradient.iter_mut().take(level) {
            *value -= weight;
        }
    }

    /// Pulls the steps towards a value each, with a precision.
    pub fn pull(&mut self, steps: &[f64], towards: f64, precision: f64) {
        let count = self.gradient.len();
        for (k, step) in steps.iter().enumerate() {
            self.gradient[k] -= precision * (step - towards);
            self.information[k * count + k] += precision;
        }
    }

    /// The Newton step, each part at most one logit.
    pub fn newton(mut self) -> Vec<f64> {
        let n = self.gradient.len();
        let a = &mut self.information;
        for k in 0..n {
            a[k * n + k] += 1e-9;
        }
        // Cholesky, in place in the lower triangle.
        for j in 0..n {
            for i in j..n {
                let dot: f64 = (0..j).map(|l| a[i * n + l] * a[j * n + l]).sum();
                let value = a[i * n + j] - dot;
                a[i * n + j] = if i == j { value.max(1e-12).sqrt() } else { value / a[j * n + j] };
            }
        }
        let mut x = self.gradient;
        for i in 0..n {
            let dot: f64 = (0..i).map(|l| a[i * n + l] * x[l]).sum();
            x[i] = (x[i] - dot) / a[i * n + i];
        }
        for i in (0..n).rev() {
            let dot: f64 = (i + 1..n).map(|l| a[l * n + i] * x[l]).sum();
            x[i] = (x[i] - dot) / a[i * n + i];
        }
        for value in &mut x {
            *value = value.clamp(-1.0, 1.0);
        }
        x
    }
}
