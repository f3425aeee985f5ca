//! Fees of parts of an amount.

use assay_kernel::Money;

/// The fee of a part: what the fee on all that was released comes to, less what was taken before. However an amount is
/// split, its parts' fees sum to the fee of the whole.
///
/// `released` is what was released so far, this part included; `taken` is the sum of the fees of the parts before.
/// None when the currencies differ.
pub fn of_part(rate_bps: u32, released: Money, taken: Money) -> Option<Money> {
    let due = released.bps(rate_bps);
    (due.currency == taken.currency)
        .then(|| Money::new(due.amount.saturating_sub(taken.amount), due.currency))
}

#[cfg(test)]
mod tests {
    use assay_kernel::money::{Currency, MAX_AMOUNT};
    use proptest::prelude::*;

    use super::*;

    fn usd(amount: i64) -> Money {
        Money::new(amount, Currency::USD)
    }

    /// The fees of these parts, one after another.
    fn fees(rate: u32, parts: &[i64]) -> Vec<i64> {
        let (mut released, mut taken) = (0, 0);
        parts
            .iter()
            .map(|part| {
                released += part;
                let fee = of_part(rate, usd(released), usd(taken)).unwrap().amount;
                taken += fee;
                fee
            })
            .collect()
    }

    #[test]
    fn three_thirds_cost_what_the_whole_costs() {
        // 15 % of 0.05 thrice, each rounded by itself, would be 0.03; of 0.15 it is 0.02.
        assert_eq!(fees(1_500, &[5, 5, 5]), [1, 1, 0]);
        assert_eq!(fees(1_500, &[15]), [2]);
    }

    #[test]
    fn currencies_are_not_mixed() {
        assert_eq!(of_part(1, usd(1), Money::new(0, Currency::parse("EUR").unwrap())), None);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_total(rate in 0_u32..=10_000, parts in prop::collection::vec(1_i64..=10_000_000_000, 1..40)) {
            let whole: i64 = parts.iter().sum();
            prop_assert_eq!(fees(rate, &parts).iter().sum::<i64>(), usd(whole).bps(rate).amount);
        }

        #[test]
        fn a_fee_is_never_negative_nor_more_than_a_unit_off(rate in 0_u32..=10_000, parts in prop::collection::vec(1_i64..=10_000_000_000, 1..40)) {
            for (fee, part) in fees(rate, &parts).into_iter().zip(&parts) {
                prop_assert!(fee >= 0);
                prop_assert!(fee <= *part);
                prop_assert!((i128::from(fee) * 10_000 - i128::from(*part) * i128::from(rate)).abs() <= 10_000);
            }
        }

        #[test]
        fn the_largest_amounts_do_not_overflow(rate in 0_u32..=10_000, released in 0..=MAX_AMOUNT, taken in 0..=MAX_AMOUNT) {
            prop_assert!(of_part(rate, usd(released), usd(taken)).is_some());
        }
    }
}
