//! A book of balances in memory, and any sequence of events on it.

use std::collections::{BTreeMap, BTreeSet};

use assay_kernel::money::Currency;
use proptest::prelude::*;

use super::*;
use crate::model::Side;

fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::USD)
}

/// What the database does, in memory.
#[derive(Clone, Default, PartialEq, Debug)]
struct Book {
    entries: BTreeMap<AccountRef, i64>,
    keys: BTreeSet<String>,
}

impl Book {
    fn post(&mut self, event: &Event) -> bool {
        let posting = event.posting(None, DateTime::UNIX_EPOCH);
        if posting.check().is_err() || self.keys.contains(&posting.key) {
            return false;
        }
        let mut after = self.entries.clone();
        for (account, amount) in posting.lines() {
            let balance = after.entry(account).or_default();
            *balance += amount;
            if account.kind.is_guarded() && *balance * i64::from(account.kind.side().sign()) < 0 {
                return false;
            }
        }
        self.entries = after;
        self.keys.insert(posting.key)
    }

    fn balance(&self, kind: K) -> i64 {
        let sign = i64::from(kind.side().sign());
        self.entries.iter().filter(|(account, _)| account.kind == kind).map(|(_, sum)| sum * sign).sum()
    }
}

fn id(n: u8) -> Uuid {
    Uuid::from_u128(u128::from(n) + 1)
}

fn event() -> impl Strategy<Value = Event> {
    let money = || (0_i64..400).prop_map(usd);
    let few = || (0_u8..6).prop_map(id);
    let held = || prop::bool::ANY.prop_map(|free| if free { Held::Free } else { Held::Frozen });
    let of = move || {
        prop_oneof![
            (few(), held(), money(), money()).prop_map(|(milestone, held, amount, fee)| {
                RefundOf::Milestone { milestone, held, amount, fee }
            }),
            (few(), money()).prop_map(|(organisation, amount)| RefundOf::Credit { organisation, amount }),
        ]
    };
    prop_oneof![
        4 => (0..40_u8, few(), money(), money()).prop_map(|(n, milestone, amount, fee)| Event::Funded {
            provider: format!("txn_{n}"), milestone, amount, fee }),
        1 => (0..40_u8, money()).prop_map(|(n, fee)| Event::ProcessingFee { provider: format!("txn_{n}"), fee }),
        4 => (0..40_u8, few(), few(), held(), money(), 0..50_i64, 0..50_i64).prop_map(
            |(n, milestone, developer, held, amount, ours, theirs)| Event::Release { id: id(n), milestone, developer,
                held, amount, developer_fee: usd(ours), client_fee: usd(theirs) }),
        1 => (0..40_u8, few(), money()).prop_map(|(n, milestone, amount)| Event::HeldBack { id: id(n), milestone, amount }),
        1 => (0..40_u8, few(), money()).prop_map(|(n, milestone, amount)| Event::Freed { id: id(n), milestone, amount }),
        2 => (few(), few(), money()).prop_map(|(command, developer, amount)|
            Event::TransferCommanded { command, developer, amount }),
        2 => (few(), money()).prop_map(|(command, amount)| Event::TransferConfirmed { command, amount }),
        1 => (few(), few(), money()).prop_map(|(command, developer, amount)|
            Event::TransferRefused { command, developer, amount }),
        1 => (0..40_u8, few(), money()).prop_map(|(n, developer, amount)| Event::Repaid { id: id(n), developer, amount }),
        1 => (0..40_u8, few(), money()).prop_map(|(n, milestone, amount)|
            Event::ArbitrationFee { id: id(n), milestone, amount }),
        1 => (few(), money()).prop_map(|(command, amount)| Event::PayoutCommanded { command, amount }),
        1 => (few(), money()).prop_map(|(command, amount)| Event::PayoutConfirmed { command, amount }),
        1 => (few(), money()).prop_map(|(command, amount)| Event::PayoutRefused { command, amount }),
        1 => (few(), money()).prop_map(|(command, amount)| Event::PayoutReturned { command, amount }),
        2 => (few(), of()).prop_map(|(command, of)| Event::RefundCommanded { command, of }),
        1 => (few(), of()).prop_map(|(command, of)| Event::RefundRefused { command, of }),
        2 => (few(), money()).prop_map(|(command, amount)| Event::RefundConfirmed { command, amount }),
        1 => (few(), of()).prop_map(|(id, of)| Event::LossRecovered { id, of }),
        1 => (few(), of()).prop_map(|(refund, of)| Event::RefundOutOfBand { refund, of }),
        1 => (0..40_u8, few(), few(), few(), money(), money(), money(), money()).prop_map(
            |(n, milestone, developer, organisation, reversed, unpaid, owed, fee)| Event::RefundAfterRelease { id: id(n),
                milestone, developer, organisation, reversed, unpaid, owed, fee }),
        1 => (few(), few(), money(), money(), money()).prop_map(|(dispute, milestone, amount, fee, frozen)|
            Event::DisputeOpened { dispute, milestone, amount, fee, frozen }),
        1 => (few(), few(), money(), money(), money()).prop_map(|(dispute, milestone, amount, fee, freed)|
            Event::DisputeWon { dispute, milestone, amount, fee, freed }),
        1 => ((few(), few(), few(), few()), money(), money(), money(), money(), money(), money()).prop_map(
            |((dispute, milestone, organisation, developer), frozen, fee, credit, unpaid, owed, loss)|
            Event::DisputeLost { dispute, milestone, organisation, developer, frozen, fee, credit, unpaid, owed, loss }),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_book_sums_to_zero_and_no_guard_is_broken(events in prop::collection::vec(event(), 1..120)) {
        let mut book = Book::default();
        for event in &events {
            let before = book.clone();
            let done = book.post(event);
            prop_assert_eq!(book.entries.values().sum::<i64>(), 0);
            prop_assert!(done || book == before, "what is refused changes nothing");
            prop_assert!(!book.clone().post(event) || !done, "an event happens once");
            for (account, sum) in &book.entries {
                prop_assert!(!account.kind.is_guarded() || sum * i64::from(account.kind.side().sign()) >= 0);
            }
        }
    }

    #[test]
    fn a_sum_in_another_currency_is_refused(amount in 1_i64..1_000, fee in 1_i64..1_000) {
        let event = Event::Funded { provider: "txn".into(), milestone: id(0), amount: usd(amount),
            fee: Money::new(fee, Currency::parse("EUR").unwrap()) };
        let error = event.posting(None, DateTime::UNIX_EPOCH).check().unwrap_err();
        prop_assert_eq!(error.code(), assay_kernel::Code::LedgerRefused);
    }

    #[test]
    fn a_negative_amount_is_refused(amount in -1_000_i64..0) {
        let event = Event::ProcessingFee { provider: "txn".into(), fee: usd(amount) };
        prop_assert!(event.posting(None, DateTime::UNIX_EPOCH).check().is_err());
    }
}

#[test]
fn a_milestone_from_its_payment_to_the_transfer() {
    let mut book = Book::default();
    let (milestone, developer, command) = (id(1), id(2), id(3));
    assert!(book.post(&Event::Funded {
        provider: "txn_1".into(),
        milestone,
        amount: usd(1_000),
        fee: usd(150)
    }));
    assert!(book.post(&Event::ProcessingFee { provider: "txn_1".into(), fee: usd(33) }));
    let release = Event::Release {
        id: id(9),
        milestone,
        developer,
        held: Held::Free,
        amount: usd(1_000),
        developer_fee: usd(50),
        client_fee: usd(150),
    };
    assert!(book.post(&release));
    assert!(!book.post(&release), "once");
    assert!(book.post(&Event::TransferCommanded { command, developer, amount: usd(950) }));
    assert!(book.post(&Event::TransferConfirmed { command, amount: usd(950) }));
    assert!(
        !book.post(&Event::TransferRefused { command, developer, amount: usd(950) }),
        "confirmed is confirmed"
    );
    assert_eq!((book.balance(K::PlatformFee), book.balance(K::StripePlatform)), (200, 1_150 - 33 - 950));
    assert_eq!(
        (book.balance(K::Hold), book.balance(K::DeveloperPayable), book.balance(K::ClearingTransfer)),
        (0, 0, 0)
    );
}

#[test]
fn a_refund_takes_the_fee_along_and_a_refused_one_brings_both_back() {
    let mut book = Book::default();
    let milestone = id(1);
    assert!(book.post(&Event::Funded { provider: "t".into(), milestone, amount: usd(100), fee: usd(15) }));
    let before = book.entries.clone();
    let of = RefundOf::Milestone { milestone, held: Held::Free, amount: usd(100), fee: usd(15) };
    assert!(book.post(&Event::RefundCommanded { command: id(5), of }));
    assert_eq!(book.balance(K::ClearingRefund), 115);
    assert!(book.post(&Event::RefundRefused { command: id(5), of }));
    book.entries.retain(|_, sum| *sum != 0);
    assert_eq!(book.entries, before);
    assert!(book.post(&Event::RefundCommanded { command: id(6), of }));
    assert!(book.post(&Event::RefundConfirmed { command: id(6), amount: usd(115) }));
    assert!(book.entries.values().all(|sum| *sum == 0));
}

#[test]
fn a_dispute_is_won_or_lost_not_both() {
    let mut book = Book::default();
    let (milestone, developer, dispute) = (id(1), id(2), id(3));
    assert!(book.post(&Event::Funded { provider: "t".into(), milestone, amount: usd(100), fee: usd(15) }));
    assert!(book.post(&Event::DisputeOpened {
        dispute,
        milestone,
        amount: usd(115),
        fee: usd(20),
        frozen: usd(100)
    }));
    let release = Event::Release {
        id: id(9),
        milestone,
        developer,
        held: Held::Free,
        amount: usd(1),
        developer_fee: usd(0),
        client_fee: usd(0),
    };
    assert!(!book.post(&release), "frozen money is not released");
    assert!(book.post(&Event::DisputeWon {
        dispute,
        milestone,
        amount: usd(115),
        fee: usd(20),
        freed: usd(100)
    }));
    let lost = Event::DisputeLost {
        dispute,
        milestone,
        organisation: id(8),
        developer,
        frozen: usd(100),
        fee: usd(15),
        credit: usd(0),
        unpaid: usd(0),
        owed: usd(0),
        loss: usd(0),
    };
    assert!(!book.post(&lost));
    assert_eq!(book.balance(K::StripePlatform), 115);
}

#[test]
fn the_sides_are_the_directions_of_the_chart() {
    assert_eq!(K::Hold.side(), Side::Credit);
    assert_eq!(K::StripePlatform.side(), Side::Debit);
    assert!(K::ALL.iter().all(|kind| kind.is_guarded() != kind.is_platforms()));
}

#[test]
fn a_payout_counts_as_the_banks_from_its_command_on() {
    let mut book = Book::default();
    let command = id(1);
    assert!(book.post(&Event::PayoutCommanded { command, amount: usd(70) }));
    assert_eq!((book.balance(K::Bank), book.balance(K::ClearingPayout)), (70, 70));
    assert!(book.post(&Event::PayoutConfirmed { command, amount: usd(70) }));
    assert!(!book.post(&Event::PayoutRefused { command, amount: usd(70) }), "it has left");
    assert_eq!((book.balance(K::ClearingPayout), book.balance(K::StripePlatform)), (0, -70));
    assert!(book.post(&Event::PayoutReturned { command, amount: usd(70) }));
    assert!(book.entries.values().all(|sum| *sum == 0));
}
