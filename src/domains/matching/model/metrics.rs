//! How evenly a market gives: inequality of exposure and earnings, and how newcomers fare.

/// The Gini coefficient of amounts that are not negative: 0 when all have the same, towards 1 when one has all. `None`
/// when nobody has anything.
pub fn gini(amounts: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = amounts.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let sum: f64 = sorted.iter().sum();
    if sum <= 0.0 {
        return None;
    }
    let n = sorted.len() as f64;
    let ranked: f64 = sorted.iter().enumerate().map(|(at, amount)| (at + 1) as f64 * amount).sum();
    Some((2.0 * ranked / (n * sum) - (n + 1.0) / n).max(0.0))
}

/// The share that the tenth with the most has (at least one of them). `None` when nobody has anything.
pub fn top_decile_share(amounts: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = amounts.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let sum: f64 = sorted.iter().sum();
    let top = sorted.len().div_ceil(10);
    (sum > 0.0).then(|| sorted.iter().take(top).sum::<f64>() / sum)
}

/// The middle of values.
pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_distributions() {
        assert_eq!(gini(&[5.0; 8]), Some(0.0));
        assert!((gini(&[0.0, 0.0, 0.0, 1.0]).unwrap() - 0.75).abs() < 1e-12);
        assert_eq!(gini(&[0.0, 0.0]), None);
        assert_eq!(top_decile_share(&[1.0, 1.0, 1.0, 1.0]), Some(0.25));
        assert_eq!(median(&mut [3.0, 1.0, 2.0, 10.0]), Some(2.5));
        assert_eq!(median(&mut []), None);
    }

    proptest! {
        #[test]
        fn gini_is_the_mean_difference(amounts in proptest::collection::vec(0.0..100.0_f64, 1..40)) {
            prop_assume!(amounts.iter().sum::<f64>() > 1e-6);
            // By its definition: half the mean absolute difference over the mean.
            let n = amounts.len() as f64;
            let mean = amounts.iter().sum::<f64>() / n;
            let differences: f64 = amounts.iter().flat_map(|a| amounts.iter().map(move |b| (a - b).abs())).sum();
            let plain = differences / (2.0 * n * n * mean);
            prop_assert!((gini(&amounts).unwrap() - plain).abs() < 1e-9);
        }
    }
}
