//! What a milestone's money comes to: parts by weight, the part held back, both fees, what goes back.
//!
//! Everything is computed from the whole and what has happened so far, never from a part alone: however an acceptance
//! is split, the same is released, held back, charged and returned in the end.

use assay_kernel::Money;

use super::Division;

/// All of something, in basis points.
pub const WHOLE_BPS: u32 = 10_000;

/// What was agreed on a milestone's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The milestone's amount.
    pub amount: Money,
    /// On top, paid by the client.
    pub client_fee_bps: u32,
    /// Taken from the developer's part.
    pub developer_fee_bps: u32,
    /// Held back of what is accepted.
    pub holdback_bps: u32,
}

/// What has happened to it so far, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoFar {
    /// Released to the developer, held-back money that was freed included.
    pub released: i64,
    /// Held back, ever.
    pub held_back: i64,
    /// Of what was held back, released.
    pub freed: i64,
    /// Taken from the developer.
    pub developer_fee: i64,
    /// Earned of the client's fee.
    pub client_fee: i64,
    /// Gone back to the client, without the fee: by refunds as it was decided, before that by their bank.
    pub refunded: i64,
}

/// What one decision moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// To the developer, before their fee.
    pub release: Money,
    /// Taken from that.
    pub developer_fee: Money,
    /// Earned of the client's fee.
    pub client_fee: Money,
    /// Moved to what is held back.
    pub hold_back: Money,
    /// Back to the client.
    pub refund: Money,
    /// Of the client's fee, back to the client.
    pub refund_fee: Money,
    /// Kept by the platform for an arbitration.
    pub arbitration_fee: Money,
}

/// What goes back of what was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// From the developer: what they got, without the fees on it.
    pub of_developer: Money,
    /// From the platform: the fees that it had on it, both sides', less what an arbitration costs.
    pub fees: Money,
    /// What the platform keeps for the arbitration out of those fees.
    pub arbitration_fee: Money,
}

impl Agreed {
    fn money(&self, amount: i64) -> Money {
        Money::new(amount, self.amount.currency)
    }

    /// A decision that moves nothing.
    pub fn nothing(&self) -> Part {
        self.released(SoFar::default(), 0)
    }

    /// What the client pays on top.
    pub fn client_fee(&self) -> Money {
        self.amount.bps(self.client_fee_bps)
    }

    /// The accepted weights as an amount.
    pub fn accepted(&self, weight_bps: u32) -> Money {
        if weight_bps >= WHOLE_BPS { self.amount } else { self.amount.bps(weight_bps) }
    }

    /// What moves when `accepted` in all (parts before included) is the developer's, and the rest goes back or stays.
    ///
    /// Never less than what was accepted before, nor more than is there: what the payer's bank has given the client
    /// counts as the first that goes back.
    pub fn decide(&self, so_far: SoFar, accepted: Money, rest_goes_back: bool) -> Part {
        let before = so_far.accepted();
        let there = so_far.of(self.amount.amount);
        let accepted = self.money(accepted.amount.clamp(before, there.max(before)));
        let held_back = accepted.bps(self.holdback_bps);
        let released = accepted.amount.saturating_sub(held_back.amount);
        let mut part = self.released(so_far, released);
        part.hold_back = self.money(held_back.amount.saturating_sub(so_far.held_back));
        if rest_goes_back {
            part.refund = self.money(there.saturating_sub(accepted.amount));
            // The fee on what is held back stays, to be earned with it.
            let earned = accepted.bps(self.client_fee_bps);
            part.refund_fee = self.money(self.client_fee().amount.saturating_sub(earned.amount));
        }
        part
    }

    /// What moves when what was not accepted is divided. What is held back of earlier parts stays so.
    pub fn award(&self, so_far: SoFar, division: &Division) -> Part {
        let mut part = self.released(so_far, so_far.released.saturating_add(division.developer));
        part.refund = self.money(division.client);
        let earned =
            self.money(so_far.accepted().saturating_add(division.developer)).bps(self.client_fee_bps);
        part.refund_fee = self.money(self.client_fee().amount.saturating_sub(earned.amount));
        part.arbitration_fee = self.money(division.fee());
        part
    }

    /// What moves when what was accepted is divided after its release: first what is held back still, then what was
    /// released. What an arbitration costs comes out of the fees that the platform would give back: the client gets less
    /// of them, or the developer gives back more. Where they are too small, the platform bears the rest.
    pub fn divide_accepted(&self, so_far: SoFar, division: &Division) -> (Part, TakenBack) {
        let client = division.client.saturating_add(division.fee_of_client);
        let from_held = client.min(so_far.held_back_now());
        let freed = so_far.held_back_now().saturating_sub(from_held);
        let released = so_far.released.saturating_add(freed);
        let mut part = self.released(so_far, released);
        part.refund = self.money(from_held);
        let fee = |rate: u32, of: i64| self.money(of).bps(rate).amount;
        let deferred = fee(self.client_fee_bps, so_far.accepted());
        part.refund_fee = self.money(deferred.saturating_sub(fee(self.client_fee_bps, released)));

        let taken = client.saturating_sub(from_held).min(released);
        let kept = released.saturating_sub(taken);
        let back = |rate: u32| fee(rate, released).saturating_sub(fee(rate, kept));
        let of_developer = taken.saturating_sub(back(self.developer_fee_bps));
        let fees = back(self.developer_fee_bps).saturating_add(back(self.client_fee_bps));
        let left_to_developer = kept.saturating_sub(fee(self.developer_fee_bps, kept));
        let by_developer = division.fee_of_developer.min(left_to_developer).min(fees);
        let by_client = division.fee_of_client.min(fees.saturating_sub(by_developer));
        let arbitration = by_developer.saturating_add(by_client);
        let taken_back = TakenBack {
            of_developer: self.money(of_developer.saturating_add(by_developer)),
            fees: self.money(fees.saturating_sub(arbitration)),
            arbitration_fee: self.money(arbitration),
        };
        (part, taken_back)
    }

    /// What moves when the payer's bank has taken all that was not decided: of the client's fee, which the bank may have
    /// taken too, so much is `deferred` still, and what is held back earns its part of it.
    pub fn charged_back(&self, so_far: SoFar, deferred: i64) -> Part {
        let earned = self.money(so_far.accepted()).bps(self.client_fee_bps).amount;
        let to_earn = earned.saturating_sub(so_far.client_fee);
        Part { refund_fee: self.money(deferred.saturating_sub(to_earn).max(0)), ..self.nothing() }
    }

    /// What moves when what is held back is freed.
    pub fn free(&self, so_far: SoFar) -> Part {
        self.released(so_far, so_far.accepted())
    }

    fn released(&self, so_far: SoFar, released: i64) -> Part {
        let fee =
            |rate: u32, taken: i64| self.money(self.money(released).bps(rate).amount.saturating_sub(taken));
        Part {
            release: self.money(released.saturating_sub(so_far.released)),
            developer_fee: fee(self.developer_fee_bps, so_far.developer_fee),
            client_fee: fee(self.client_fee_bps, so_far.client_fee),
            hold_back: self.money(0),
            refund: self.money(0),
            refund_fee: self.money(0),
            arbitration_fee: self.money(0),
        }
    }
}

impl SoFar {
    /// What was accepted: released, or held back still.
    pub fn accepted(&self) -> i64 {
        self.released.saturating_add(self.held_back).saturating_sub(self.freed)
    }

    /// What can be accepted in all of an undecided milestone's `amount`: the client has the rest by their bank.
    pub fn of(&self, amount: i64) -> i64 {
        amount.saturating_sub(self.refunded)
    }

    /// What is held back now.
    pub fn held_back_now(&self) -> i64 {
        self.held_back.saturating_sub(self.freed)
    }

    /// After a decision; `freed` tells that it moved what was held back.
    #[must_use]
    pub fn after(self, part: &Part, freed: bool) -> Self {
        Self {
            released: self.released.saturating_add(part.release.amount),
            held_back: self.held_back.saturating_add(part.hold_back.amount),
            freed: match freed {
                true => self.freed.saturating_add(part.release.amount).saturating_add(part.refund.amount),
                false => self.freed,
            },
            developer_fee: self.developer_fee.saturating_add(part.developer_fee.amount),
            client_fee: self.client_fee.saturating_add(part.client_fee.amount),
            refunded: self.refunded.saturating_add(part.refund.amount),
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_kernel::Currency;
    use proptest::prelude::*;

    use super::super::Positions;
    use super::*;

    fn agreed(amount: i64, client: u32, developer: u32, holdback: u32) -> Agreed {
        Agreed {
            amount: Money::new(amount, Currency::USD),
            client_fee_bps: client,
            developer_fee_bps: developer,
            holdback_bps: holdback,
        }
    }

    /// Plays the acceptances (weights in all), then closes; answers the state and what went back.
    fn play(agreed: &Agreed, weights: &[u32], free: bool) -> (SoFar, i64, i64) {
        let mut so_far = SoFar::default();
        for weight in weights {
            let part = agreed.decide(so_far, agreed.accepted(*weight), false);
            assert!(part.release.amount >= 0 && part.hold_back.amount >= 0);
            assert!(part.developer_fee.amount >= 0 && part.client_fee.amount >= 0);
            so_far = so_far.after(&part, false);
        }
        let last = agreed.decide(so_far, Money::new(so_far.accepted(), Currency::USD), true);
        so_far = so_far.after(&last, false);
        if free {
            let freed = agreed.free(so_far);
            so_far = so_far.after(&freed, true);
        }
        (so_far, last.refund.amount, last.refund_fee.amount)
    }

    #[test]
    fn sixty_percent_of_a_milestone_with_a_tenth_held_back() {
        let agreed = agreed(700_000, 1_500, 0, 1_000);
        let part = agreed.decide(SoFar::default(), agreed.accepted(6_000), true);
        assert_eq!(part.release.amount, 378_000);
        assert_eq!(part.hold_back.amount, 42_000);
        assert_eq!(part.client_fee.amount, 56_700);
        assert_eq!((part.refund.amount, part.refund_fee.amount), (280_000, 42_000));
        let so_far = SoFar::default().after(&part, false);
        let freed = agreed.free(so_far);
        assert_eq!((freed.release.amount, freed.client_fee.amount), (42_000, 6_300));
        assert_eq!(so_far.after(&freed, true).held_back_now(), 0);
    }

    /// They keep 10 cents with a fee of 1 on them: 9 are theirs to pay an arbitration with.
    #[test]
    fn an_arbitration_costs_a_developer_no_more_than_they_got() {
        let agreed = agreed(893, 1_500, 500, 0);
        let so_far = SoFar::default().after(&agreed.decide(SoFar::default(), agreed.amount, true), false);
        let division = Division::awarded(893, 10, 10, Positions { client: 0, developer: 893 });
        let (part, back) = agreed.divide_accepted(so_far, &division);
        assert_eq!((part.release.amount, part.refund.amount), (0, 0));
        assert_eq!(back.of_developer.amount, so_far.released - so_far.developer_fee);
        assert_eq!(back.arbitration_fee.amount, 9);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_total(
            amount in 1_i64..=50_000_000_000, client in 0_u32..=3_000, developer in 0_u32..=500,
            holdback in 0_u32..=2_000, mut weights in prop::collection::vec(0_u32..=WHOLE_BPS, 1..12),
        ) {
            weights.sort_unstable();
            let agreed = agreed(amount, client, developer, holdback);
            let split = play(&agreed, &weights, true);
            let at_once = play(&agreed, weights.last().map(std::slice::from_ref).unwrap_or_default(), true);
            prop_assert_eq!(split, at_once);
            let (so_far, refund, refund_fee) = split;
            prop_assert_eq!(so_far.held_back_now(), 0);
            prop_assert_eq!(so_far.released + refund, amount);
            prop_assert_eq!(so_far.client_fee + refund_fee, agreed.client_fee().amount);
            prop_assert_eq!(so_far.developer_fee, Money::new(so_far.released, Currency::USD).bps(developer).amount);
        }

        #[test]
        fn a_decision_never_takes_back_what_was_accepted(
            amount in 1_i64..=1_000_000, first in 0_u32..=WHOLE_BPS, then in 0_i64..=1_000_000, holdback in 0_u32..=2_000,
        ) {
            let agreed = agreed(amount, 1_500, 500, holdback);
            let so_far = SoFar::default().after(&agreed.decide(SoFar::default(), agreed.accepted(first), false), false);
            let part = agreed.decide(so_far, Money::new(then, Currency::USD), true);
            prop_assert!(part.release.amount >= 0 && part.hold_back.amount >= 0 && part.refund.amount >= 0);
            let after = so_far.after(&part, false);
            prop_assert_eq!(after.accepted() + part.refund.amount, amount);
        }

        #[test]
        fn what_a_bank_took_is_the_first_that_goes_back(
            amount in 1_i64..=1_000_000_000, first in 0_u32..=WHOLE_BPS, taken in 1_i64..=9_999, then in 0_u32..=WHOLE_BPS,
            holdback in 0_u32..=2_000,
        ) {
            let agreed = agreed(amount, 1_500, 500, holdback);
            let mut so_far = SoFar::default().after(&agreed.decide(SoFar::default(), agreed.accepted(first), false), false);
            let open = so_far.of(amount) - so_far.accepted();
            so_far.refunded = (i128::from(open) * i128::from(taken) / 10_000) as i64;
            let bank = so_far.refunded;
            let wanted = agreed.accepted(first.max(then));
            let part = agreed.decide(so_far, wanted, true);
            let after = so_far.after(&part, false);
            prop_assert!(part.release.amount >= 0 && part.hold_back.amount >= 0 && part.refund.amount >= 0);
            prop_assert_eq!(after.accepted() + after.refunded, amount);
            // The developer gets what is accepted of the whole, as far as it is there.
            prop_assert_eq!(after.accepted(), wanted.amount.min(amount - bank));
            let freed = agreed.free(after);
            prop_assert_eq!(after.client_fee + freed.client_fee.amount + part.refund_fee.amount, agreed.client_fee().amount);
        }

        #[test]
        fn an_award_leaves_nothing_but_what_was_held_back(
            amount in 1_i64..=1_000_000_000, first in 0_u32..=WHOLE_BPS, share in 0_i64..=10_000, holdback in 0_u32..=2_000,
            fee in 0_i64..=50_000,
        ) {
            let agreed = agreed(amount, 1_500, 500, holdback);
            let so_far = SoFar::default().after(&agreed.decide(SoFar::default(), agreed.accepted(first), false), false);
            let balance = amount - so_far.accepted();
            let wanted = Positions { client: 0, developer: balance };
            let developer = (i128::from(balance) * i128::from(share) / 10_000) as i64;
            let division = Division::awarded(balance, developer, fee.min(balance), wanted);
            let part = agreed.award(so_far, &division);
            prop_assert_eq!(part.release.amount + part.refund.amount + part.arbitration_fee.amount, balance);
            prop_assert!(part.developer_fee.amount >= 0 && part.client_fee.amount >= 0 && part.refund_fee.amount >= 0);
            let after = so_far.after(&part, false);
            let freed = agreed.free(after);
            prop_assert_eq!(after.after(&freed, true).held_back_now(), 0);
            prop_assert_eq!(after.client_fee + freed.client_fee.amount + part.refund_fee.amount, agreed.client_fee().amount);
        }

        #[test]
        fn what_was_accepted_is_divided_to_the_last_unit(
            amount in 1_i64..=1_000_000_000, share in 0_i64..=10_000, holdback in 0_u32..=2_000, client_wants in 0_i64..=10_000,
            fee in 0_i64..=50_000,
        ) {
            let agreed = agreed(amount, 1_500, 500, holdback);
            let so_far = SoFar::default().after(&agreed.decide(SoFar::default(), agreed.amount, true), false);
            let of = |part: i64| (i128::from(amount) * i128::from(part) / 10_000) as i64;
            let wanted = Positions { client: of(client_wants), developer: amount };
            let division = Division::awarded(amount, of(share), fee.min(amount), wanted);
            let (part, back) = agreed.divide_accepted(so_far, &division);
            let after = so_far.after(&part, true);
            prop_assert_eq!(after.held_back_now(), 0);
            prop_assert!(back.fees.amount >= 0 && back.of_developer.amount >= 0);
            // What the developer had, and what the client gets, with the fees on it.
            prop_assert!(back.of_developer.amount <= after.released - after.developer_fee);
            let client = part.refund.amount + part.refund_fee.amount + back.of_developer.amount + back.fees.amount;
            let awarded = amount - of(share);
            let fee_on = |of: i64| Money::new(of, Currency::USD).bps(1_500).amount;
            prop_assert_eq!(client, awarded + fee_on(amount) - fee_on(amount - awarded) - by_client(&back, &division));
        }
    }

    /// What of the arbitration's fee came out of what the client gets.
    fn by_client(back: &TakenBack, division: &Division) -> i64 {
        if division.fee_of_client > 0 && division.fee_of_developer == 0 {
            back.arbitration_fee.amount
        } else {
            back.arbitration_fee.amount - back.arbitration_fee.amount.min(division.fee_of_developer)
        }
    }
}
