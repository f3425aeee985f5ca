//! Logistic regression with normal priors on the coefficients: what one step of Newton's method needs.

/// `1 / (1 + e^−η)`.
#[inline]
pub fn logistic(eta: f64) -> f64 {
    1.0 / (1.0 + (-eta).exp())
}

/// The log posterior of `N` coefficients at a point: its gradient and its information (less its second derivatives).
#[derive(Clone, Debug)]
pub struct LogPosterior<const N: usize> {
    gradient: [f64; N],
    information: [[f64; N]; N],
}

impl<const N: usize> LogPosterior<N> {
    /// Of independent normal priors (mean, standard deviation) alone, at `at`.
    pub fn of_priors(priors: &[(f64, f64); N], at: &[f64; N]) -> Self {
        let mut own = Self { gradient: [0.0; N], information: [[0.0; N]; N] };
        for (k, ((mean, sd), at)) in priors.iter().zip(at).enumerate() {
            own.gradient[k] = (mean - at) / (sd * sd);
            own.information[k][k] = 1.0 / (sd * sd);
        }
        own
    }

    /// With one outcome more, of these features: 1 or 0, less the chance of 1, and that chance's variance.
    pub fn add(&mut self, features: &[f64; N], residual: f64, variance: f64) {
        for ((gradient, row), one) in self.gradient.iter_mut().zip(&mut self.information).zip(features) {
            *gradient += residual * one;
            row.iter_mut().zip(features).for_each(|(cell, other)| *cell += variance * one * other);
        }
    }

    /// Newton's step: the information's solution for the gradient, by Gaussian elimination. The information is positive
    /// definite, by the priors, so no pivoting is needed.
    #[allow(clippy::needless_range_loop, reason = "matrices are read by their indices")]
    pub fn step(self) -> [f64; N] {
        let Self { gradient: mut b, information: mut a } = self;
        for k in 0..N {
            for i in k + 1..N {
                let factor = a[i][k] / a[k][k];
                let (above, below) = a.split_at_mut(i);
                below[0].iter_mut().zip(&above[k]).for_each(|(below, above)| *below -= factor * above);
                b[i] -= factor * b[k];
            }
        }
        for k in (0..N).rev() {
            let known: f64 = (k + 1..N).map(|l| a[k][l] * b[l]).sum();
            b[k] = (b[k] - known) / a[k][k];
        }
        b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two normal priors and no outcome: a step leads to the means. With an outcome, the step is the solution by hand:
    /// gradient (−2 + 0.5, −3 + 0.5), information ((1 + ¼, ¼), (¼, ¼ + ¼)).
    #[test]
    fn a_step_solves_the_system() {
        let priors = [(0.0, 1.0), (1.0, 2.0)];
        let at = [2.0, 13.0];
        assert_eq!(LogPosterior::of_priors(&priors, &at).step(), [-2.0, -12.0]);
        let mut posterior = LogPosterior::of_priors(&priors, &at);
        posterior.add(&[1.0, 1.0], 0.5, 0.25);
        let [one, other] = posterior.step();
        assert!((1.25 * one + 0.25 * other + 1.5).abs() < 1e-12);
        assert!((0.25 * one + 0.5 * other + 2.5).abs() < 1e-12);
    }
}
