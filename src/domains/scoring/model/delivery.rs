//! Delivery: how much of what was agreed somebody brings to acceptance. The share accepted of each milestone is evidence
//! on a logit scale, beside what is known of everybody: few milestones move it little.

use super::score::Figures;

/// What is known before the first milestone.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DeliveryPrior {
    /// Mean, logits.
    pub mean: f64,
    /// Standard deviation, logits.
    pub sd: f64,
}

/// Nodes on either side of the mean.
const NODES: i32 = 120;
/// How far they reach, in standard deviations.
const REACH: f64 = 6.0;

/// The posterior after milestones of which `accepted` (a share each) became the developer's: likelihood
/// `p^accepted · (1 − p)^(1 − accepted)` each.
pub fn delivery(prior: DeliveryPrior, accepted: &[f64]) -> Figures {
    let count = accepted.len() as f64;
    let yes: f64 = accepted.iter().sum();
    let node = |at: i32| prior.mean + prior.sd * REACH * f64::from(at) / f64::from(NODES);
    let log = |theta: f64| {
        // ln p = −ln(1 + e^−θ), ln(1 − p) = −ln(1 + e^θ): neither overflows within the reach.
        let z = (theta - prior.mean) / prior.sd;
        -0.5 * z * z - yes * (-theta).exp().ln_1p() - (count - yes) * theta.exp().ln_1p()
    };
    let logs: Vec<(f64, f64)> = (-NODES..=NODES).map(|at| (node(at), log(node(at)))).collect();
    let highest = logs.iter().map(|(_, log)| *log).fold(f64::NEG_INFINITY, f64::max);
    let weights = || logs.iter().map(|(theta, log)| (*theta, (log - highest).exp()));
    let sum: f64 = weights().map(|(_, weight)| weight).sum();
    let mean = weights().map(|(theta, weight)| theta * weight).sum::<f64>() / sum;
    let variance = weights().map(|(theta, weight)| (theta - mean).powi(2) * weight).sum::<f64>() / sum;
    Figures::new(mean, variance.sqrt().max(1e-6))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRIOR: DeliveryPrior = DeliveryPrior { mean: 1.5, sd: 1.0 };

    #[test]
    fn nothing_known_is_the_prior() {
        let figures = delivery(PRIOR, &[]);
        assert!((figures.theta - 1.5).abs() < 1e-6 && (figures.se - 1.0).abs() < 1e-4, "{figures:?}");
    }

    #[test]
    fn much_evidence_is_the_share() {
        let figures = delivery(PRIOR, &[0.5; 2_000]);
        assert!(figures.theta.abs() < 0.02 && figures.se < 0.06, "{figures:?}");
    }

    proptest! {
        #[test]
        fn what_is_accepted_raises_and_what_is_not_lowers(accepted in prop::collection::vec(0.0..=1.0_f64, 0..30)) {
            let now = delivery(PRIOR, &accepted);
            let with = |share| { let mut more = accepted.clone(); more.push(share); delivery(PRIOR, &more) };
            prop_assert!(with(1.0).theta > now.theta && with(0.0).theta < now.theta);
            prop_assert!(with(1.0).theta.is_finite() && now.se > 0.0 && now.se <= PRIOR.sd + 1e-3);
        }
    }
}
