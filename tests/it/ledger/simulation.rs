//! Random lives of money, in a plain book in memory and in the database at once: both take and refuse the same, and end
//! with the same balances.
//!
//! `ASSAY_LEDGER_SEEDS` is how many seeds (the long suite has more), `ASSAY_LEDGER_SEED` the one to run alone.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use assay_kernel::money::Currency;
use assay_kernel::{Code, Entropy, Error};
use assay_ledger::{AccountKind as K, AccountRef, Event, Held, Posted, RefundOf};
use uuid::Uuid;

use super::{assert_whole, usd};
use crate::harness::TestApp;

const SEEDS: u64 = 200;
const ACTS: usize = 40;

/// What moves: each account in its own direction.
type Moves = BTreeMap<(K, Uuid), i64>;

/// What an event does, written down a second time: in each account's own direction, not as debits and credits.
fn moves(event: &Event) -> Moves {
    let own = |kind| (kind, Uuid::nil());
    let held = |held: Held, milestone| (if held == Held::Free { K::Hold } else { K::HoldFrozen }, milestone);
    // `by` is what comes to `other`, in its own direction, for each unit that leaves the source.
    let refund = |of: &RefundOf, other: (K, Uuid), sign: i64, by: i64| match *of {
        RefundOf::Milestone { milestone, held: from, amount, fee } => vec![
            (held(from, milestone), -sign * amount.amount),
            ((K::FeeDeferred, milestone), -sign * fee.amount),
            (other, by * (amount.amount + fee.amount)),
        ],
        RefundOf::Credit { organisation, amount } => {
            vec![((K::ClientCredit, organisation), -sign * amount.amount), (other, by * amount.amount)]
        }
    };
    let payout = |kind, command, by: i64| vec![(own(kind), by), ((K::ClearingPayout, command), by)];
    let between = |from, to, by: i64| vec![(own(from), -by), (own(to), by)];
    let all = match *event {
        Event::Funded { provider: _, milestone, amount, fee } => vec![
            (own(K::StripePlatform), amount.amount + fee.amount),
            ((K::Hold, milestone), amount.amount),
            ((K::FeeDeferred, milestone), fee.amount),
        ],
        Event::ProcessingFee { provider: _, fee } => {
            vec![(own(K::StripeFee), fee.amount), (own(K::StripePlatform), -fee.amount)]
        }
        Event::Release { id: _, milestone, developer, held: from, amount, developer_fee, client_fee } => {
            vec![
                (held(from, milestone), -amount.amount),
                ((K::DeveloperPayable, developer), amount.amount - developer_fee.amount),
                ((K::FeeDeferred, milestone), -client_fee.amount),
                (own(K::PlatformFee), developer_fee.amount + client_fee.amount),
            ]
        }
        Event::HeldBack { id: _, milestone, amount } => {
            vec![((K::Hold, milestone), -amount.amount), ((K::HoldFrozen, milestone), amount.amount)]
        }
        Event::Freed { id: _, milestone, amount } => {
            vec![((K::Hold, milestone), amount.amount), ((K::HoldFrozen, milestone), -amount.amount)]
        }
        Event::TransferCommanded { command, developer, amount } => vec![
            ((K::DeveloperPayable, developer), -amount.amount),
            ((K::ClearingTransfer, command), amount.amount),
        ],
        Event::TransferConfirmed { command, amount } => {
            vec![((K::ClearingTransfer, command), -amount.amount), (own(K::StripePlatform), -amount.amount)]
        }
        Event::TransferRefused { command, developer, amount } => vec![
            ((K::DeveloperPayable, developer), amount.amount),
            ((K::ClearingTransfer, command), -amount.amount),
        ],
        Event::Repaid { id: _, developer, amount } => [K::DeveloperPayable, K::DeveloperReceivable]
            .map(|kind| ((kind, developer), -amount.amount))
            .to_vec(),
        Event::ArbitrationFee { id: _, milestone, amount } => {
            vec![((K::HoldFrozen, milestone), -amount.amount), (own(K::PlatformFee), amount.amount)]
        }
        Event::PayoutCommanded { command, amount } => payout(K::Bank, command, amount.amount),
        Event::PayoutConfirmed { command, amount } => payout(K::StripePlatform, command, -amount.amount),
        Event::PayoutRefused { command, amount } => payout(K::Bank, command, -amount.amount),
        Event::PayoutReturned { command: _, amount } => between(K::Bank, K::StripePlatform, amount.amount),
        Event::RefundCommanded { command, ref of } => refund(of, (K::ClearingRefund, command), 1, 1),
        Event::RefundRefused { command, ref of } => refund(of, (K::ClearingRefund, command), -1, -1),
        Event::LossRecovered { id: _, ref of } => refund(of, own(K::ChargebackLoss), 1, -1),
        Event::RefundOutOfBand { refund: _, ref of } => refund(of, own(K::Bank), 1, -1),
        Event::RefundConfirmed { command, amount } => {
            vec![((K::ClearingRefund, command), -amount.amount), (own(K::StripePlatform), -amount.amount)]
        }
        Event::RefundAfterRelease {
            id: _,
            milestone: _,
            developer,
            organisation,
            reversed,
            unpaid,
            owed,
            fee,
        } => {
            vec![
                (own(K::StripePlatform), reversed.amount),
                ((K::DeveloperPayable, developer), -unpaid.amount),
                ((K::DeveloperReceivable, developer), owed.amount),
                (own(K::PlatformFee), -fee.amount),
                ((K::ClientCredit, organisation), reversed.amount + unpaid.amount + owed.amount + fee.amount),
            ]
        }
        Event::DisputeOpened { dispute, milestone, amount, fee, frozen } => vec![
            ((K::DisputeHold, dispute), amount.amount),
            (own(K::DisputeFee), fee.amount),
            (own(K::StripePlatform), -amount.amount - fee.amount),
            ((K::Hold, milestone), -frozen.amount),
            ((K::HoldFrozen, milestone), frozen.amount),
        ],
        Event::DisputeWon { dispute, milestone, amount, fee, freed } => vec![
            ((K::DisputeHold, dispute), -amount.amount),
            (own(K::DisputeFee), -fee.amount),
            (own(K::StripePlatform), amount.amount + fee.amount),
            ((K::Hold, milestone), freed.amount),
            ((K::HoldFrozen, milestone), -freed.amount),
        ],
        Event::DisputeLost {
            dispute,
            milestone,
            organisation,
            developer,
            frozen,
            fee,
            credit,
            unpaid,
            owed,
            loss,
        } => vec![
            (
                (K::DisputeHold, dispute),
                -frozen.amount - fee.amount - credit.amount - unpaid.amount - owed.amount - loss.amount,
            ),
            ((K::ClientCredit, organisation), -credit.amount),
            ((K::DeveloperPayable, developer), -unpaid.amount),
            ((K::HoldFrozen, milestone), -frozen.amount),
            ((K::FeeDeferred, milestone), -fee.amount),
            ((K::DeveloperReceivable, developer), owed.amount),
            (own(K::ChargebackLoss), loss.amount),
        ],
    };
    let mut moves = Moves::new();
    for (account, change) in all {
        *moves.entry(account).or_default() += change;
    }
    moves.retain(|_, change| *change != 0);
    moves
}

/// A transaction that the book has taken.
struct Taken {
    number: i64,
    event: Option<Event>,
    moves: Moves,
    corrected: bool,
}

/// The ledger in memory.
#[derive(Default)]
struct Book {
    balances: BTreeMap<(K, Uuid), i64>,
    taken: BTreeMap<String, Taken>,
}

impl Book {
    fn balance(&self, kind: K, owner: Uuid) -> i64 {
        self.balances.get(&(kind, owner)).copied().unwrap_or(0)
    }

    /// What the database must answer: is it new, or why is it refused?
    fn expects(&self, key: &str, event: &Event, moves: &Moves) -> Result<bool, Code> {
        if moves.len() < 2 {
            return Err(Code::LedgerRefused);
        }
        if let Some(before) = self.taken.get(key) {
            let same = before.moves == *moves && milestone(before.event.as_ref()) == milestone(Some(event));
            return if same { Ok(false) } else { Err(Code::LedgerKeyReused) };
        }
        self.affords(moves).map(|()| true)
    }

    fn affords(&self, moves: &Moves) -> Result<(), Code> {
        let short = moves.iter().any(|((kind, owner), change)| {
            kind.is_guarded() && self.balance(*kind, *owner).saturating_add(*change) < 0
        });
        if short { Err(Code::InsufficientFunds) } else { Ok(()) }
    }

    fn take(&mut self, key: String, number: i64, event: Option<Event>, moves: Moves) {
        for (account, change) in &moves {
            *self.balances.entry(*account).or_default() += change;
        }
        self.taken.insert(key, Taken { number, event, moves, corrected: false });
    }
}

fn milestone(event: Option<&Event>) -> Option<Uuid> {
    event.and_then(|event| event.posting(None, chrono::DateTime::UNIX_EPOCH).milestone)
}

/// One life, from its seed.
struct Life<'a> {
    app: &'a TestApp,
    seed: u64,
    random: Entropy,
    book: Book,
    story: Vec<String>,
}

impl Life<'_> {
    fn number(&self, range: Range<u64>) -> u64 {
        range.start + u64::from_le_bytes(self.random.bytes()) % (range.end - range.start)
    }

    /// One of a few of that kind, this life's own.
    fn one(&self, kind: u64, of: u64) -> Uuid {
        Uuid::from_u64_pair((self.seed << 16) | kind, self.number(1..of + 1))
    }

    /// Mostly a part of what is there, or all of it; sometimes more, sometimes anything.
    fn some(&self, there: i64) -> i64 {
        let there = there.max(0);
        match self.number(0..8) {
            0..=3 => i64::try_from(self.number(0..there.unsigned_abs() + 1)).unwrap_or(0),
            4 | 5 => there,
            6 => there.saturating_add(1),
            _ => i64::try_from(self.number(0..400)).unwrap_or(0),
        }
    }

    fn event(&self) -> Event {
        let (milestone, developer, organisation) = (self.one(1, 3), self.one(2, 2), self.one(3, 1));
        let (command, dispute, fact) = (self.one(4, 4), self.one(5, 3), self.one(6, 60));
        let provider = format!("txn_{}_{}", self.seed, self.number(0..20));
        let book = &self.book;
        let of = |kind, owner| self.some(book.balance(kind, owner));
        let held = if self.number(0..4) > 0 { Held::Free } else { Held::Frozen };
        let there = if held == Held::Free { K::Hold } else { K::HoldFrozen };
        let fee = of(K::FeeDeferred, milestone);
        let source = || match self.number(0..3) {
            0 => RefundOf::Credit { organisation, amount: usd(of(K::ClientCredit, organisation)) },
            _ => {
                let amount = usd(of(there, milestone));
                RefundOf::Milestone { milestone, held, amount, fee: usd(fee) }
            }
        };
        match self.number(0..30) {
            20 => Event::Repaid { id: fact, developer, amount: usd(of(K::DeveloperReceivable, developer)) },
            21 => Event::ArbitrationFee { id: fact, milestone, amount: usd(of(K::HoldFrozen, milestone)) },
            22 => Event::PayoutCommanded { command, amount: usd(self.some(100)) },
            23 => Event::PayoutRefused { command, amount: usd(of(K::ClearingPayout, command)) },
            24 => Event::PayoutConfirmed { command, amount: usd(of(K::ClearingPayout, command)) },
            25 => Event::PayoutReturned { command, amount: usd(self.some(100)) },
            0..=3 => {
                Event::Funded { provider, milestone, amount: usd(self.some(1_000)), fee: usd(self.some(150)) }
            }
            4 => Event::ProcessingFee { provider, fee: usd(self.some(30)) },
            5..=7 => {
                let amount = of(there, milestone);
                let (developer_fee, client_fee) = (usd(self.some(amount / 20)), usd(fee));
                Event::Release {
                    id: fact,
                    milestone,
                    developer,
                    held,
                    amount: usd(amount),
                    developer_fee,
                    client_fee,
                }
            }
            8 => Event::HeldBack { id: fact, milestone, amount: usd(of(K::Hold, milestone)) },
            9 => Event::Freed { id: fact, milestone, amount: usd(of(K::HoldFrozen, milestone)) },
            10 | 26 => Event::TransferCommanded {
                command,
                developer,
                amount: usd(of(K::DeveloperPayable, developer)),
            },
            11 => Event::TransferConfirmed { command, amount: usd(of(K::ClearingTransfer, command)) },
            12 | 27 => {
                Event::TransferRefused { command, developer, amount: usd(of(K::ClearingTransfer, command)) }
            }
            13 | 14 => {
                let of = source();
                // The refusal gives back what was commanded, or what was not.
                let key = format!("refund_commanded:{command}");
                match book.taken.get(&key).and_then(|taken| taken.event.clone()) {
                    Some(Event::RefundCommanded { of, .. }) if self.number(0..2) == 0 => {
                        Event::RefundRefused { command, of }
                    }
                    _ => Event::RefundCommanded { command, of },
                }
            }
            28 => Event::LossRecovered { id: fact, of: source() },
            29 => Event::RefundOutOfBand { refund: fact, of: source() },
            15 => Event::RefundConfirmed { command, amount: usd(of(K::ClearingRefund, command)) },
            16 => Event::RefundAfterRelease {
                id: fact,
                milestone,
                developer,
                organisation,
                reversed: usd(self.some(200)),
                unpaid: usd(of(K::DeveloperPayable, developer)),
                owed: usd(self.some(50)),
                fee: usd(self.some(30)),
            },
            17 => {
                let frozen = usd(of(K::Hold, milestone));
                Event::DisputeOpened {
                    dispute,
                    milestone,
                    amount: usd(self.some(500)),
                    fee: usd(self.some(15)),
                    frozen,
                }
            }
            18 => Event::DisputeWon {
                dispute,
                milestone,
                amount: usd(of(K::DisputeHold, dispute)),
                fee: usd(self.some(15)),
                freed: usd(of(K::HoldFrozen, milestone)),
            },
            _ => {
                let (lost, frozen) = (of(K::DisputeHold, dispute), of(K::HoldFrozen, milestone));
                let frozen = frozen.min(lost);
                let fee = fee.min(lost - frozen);
                let owed = self.some(lost - frozen - fee).min(lost - frozen - fee);
                let credit = of(K::ClientCredit, organisation).min(lost - frozen - fee - owed);
                let left = lost - frozen - fee - owed - credit;
                let unpaid = of(K::DeveloperPayable, developer).min(left);
                let loss = usd(left - unpaid);
                let (frozen, fee, credit) = (usd(frozen), usd(fee), usd(credit));
                let (unpaid, owed) = (usd(unpaid), usd(owed));
                Event::DisputeLost {
                    dispute,
                    milestone,
                    organisation,
                    developer,
                    frozen,
                    fee,
                    credit,
                    unpaid,
                    owed,
                    loss,
                }
            }
        }
    }

    /// Any transaction of this life.
    fn any(&self) -> Option<&String> {
        let count = self.book.taken.len() as u64;
        self.book.taken.keys().nth(usize::try_from(self.number(0..count.max(1))).unwrap_or(0))
    }

    fn compare(
        &mut self,
        what: String,
        expected: Result<bool, Code>,
        got: Result<Posted, Error>,
    ) -> Result<Option<i64>, String> {
        let got = got.map_err(|error| error.code());
        self.story.push(format!("{what} → {got:?}"));
        match (expected, got) {
            (Ok(fresh), Ok(posted)) if fresh == posted.fresh => Ok(fresh.then_some(posted.id)),
            (Err(code), Err(other)) if code == other => Ok(None),
            (expected, _) => Err(format!("the book says {expected:?}")),
        }
    }

    async fn post(&mut self, event: Event) -> Result<(), String> {
        let key = event.posting(None, chrono::DateTime::UNIX_EPOCH).key;
        let moves = moves(&event);
        let expected = self.book.expects(&key, &event, &moves);
        let (ctx, before) = (self.app.ctx(), self.book.taken.get(&key).map(|taken| taken.number));
        // Every fourth twice at once: one of them is new at most.
        let got = if self.number(0..4) == 0 {
            let both =
                futures_util::future::join_all((0..2).map(|_| assay_ledger::post(ctx, &event, None))).await;
            let fresh = both.iter().filter(|posted| posted.as_ref().is_ok_and(|posted| posted.fresh)).count();
            if fresh > 1 {
                return Err(format!("{event:?} was taken twice"));
            }
            let (mut first, second) = {
                let mut both = both.into_iter();
                (both.next().ok_or("no answer")?, both.next().ok_or("no answer")?)
            };
            if second.as_ref().is_ok_and(|posted| posted.fresh) {
                first = second;
            }
            first
        } else {
            assay_ledger::post(ctx, &event, None).await
        };
        if let (Some(before), Ok(posted)) = (before, &got)
            && before != posted.id
        {
            return Err(format!("{event:?} was transaction {before} and is {}", posted.id));
        }
        if let Some(number) = self.compare(format!("{event:?}"), expected, got)? {
            self.book.take(key, number, Some(event), moves);
        }
        Ok(())
    }

    /// Takes any transaction back, also one that is itself a correction or was taken back before.
    async fn correct(&mut self) -> Result<(), String> {
        let Some(key) = self.any().cloned() else { return Ok(()) };
        let Some(taken) = self.book.taken.get(&key) else { return Ok(()) };
        let opposite: Moves = taken.moves.iter().map(|(account, change)| (*account, -change)).collect();
        let number = taken.number;
        let expected = match (taken.event.is_some(), taken.corrected) {
            (false, _) => Err(Code::LedgerRefused),
            (true, true) => Ok(false),
            (true, false) => self.book.affords(&opposite).map(|()| true),
        };
        let ctx = self.app.ctx();
        let got = ctx.db.tx(async |conn| assay_ledger::correct_in(ctx, conn, number).await).await;
        if let Some(correction) = self.compare(format!("taking back {key}"), expected, got)? {
            if let Some(taken) = self.book.taken.get_mut(&key) {
                taken.corrected = true;
            }
            self.book.take(format!("correction:{number}"), correction, None, opposite);
        }
        Ok(())
    }

    /// Posts in a transaction that then fails: nothing of it is left.
    async fn give_up(&mut self) -> Result<(), String> {
        let (event, ctx) = (self.event(), self.app.ctx());
        let failed = ctx
            .db
            .tx(async |conn| {
                assay_ledger::post_in(ctx, conn, &event, None).await?;
                Err::<(), _>(Error::new(Code::NotFound, "given up"))
            })
            .await;
        self.story.push(format!("given up: {event:?}"));
        if failed.is_err() { Ok(()) } else { Err("a transaction that failed was committed".to_owned()) }
    }

    async fn act(&mut self) -> Result<(), String> {
        match self.number(0..26) {
            0 => self.correct().await,
            1 => self.give_up().await,
            2 => {
                let again = self.any().and_then(|key| self.book.taken.get(key)?.event.clone());
                match again {
                    Some(event) => self.post(event).await,
                    None => Ok(()),
                }
            }
            _ => self.post(self.event()).await,
        }
    }

    /// Every balance of this life is the book's; the platform's are, beside what they were before.
    async fn agrees(&self, before: &BTreeMap<K, i64>) -> Result<(), String> {
        for ((kind, owner), wanted) in &self.book.balances {
            let found =
                super::balance(self.app, *kind, *owner).await - before.get(kind).copied().unwrap_or(0);
            if found != *wanted {
                return Err(format!("{kind} of {owner} is {found} and should be {wanted}"));
            }
        }
        Ok(())
    }
}

async fn platforms(app: &TestApp) -> BTreeMap<K, i64> {
    let mut sums = BTreeMap::new();
    for kind in K::ALL.iter().filter(|kind| kind.is_platforms()) {
        let account = AccountRef::platforms(*kind);
        let read = app.ctx().db.read(async |conn| assay_ledger::balance(conn, account, Currency::USD).await);
        sums.insert(*kind, read.await.expect("a balance").amount);
    }
    sums
}

fn told(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[tokio::test]
async fn the_database_and_a_book_in_memory_live_the_same_lives() {
    let app = TestApp::start().await;
    let seeds = match told("ASSAY_LEDGER_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..told("ASSAY_LEDGER_SEEDS").unwrap_or(SEEDS),
    };
    let (mut kinds, mut refusals, mut taken) = (BTreeSet::new(), BTreeSet::new(), 0);
    for seed in seeds.clone() {
        let before = platforms(&app).await;
        let (random, book) = (Entropy::seeded(seed), Book::default());
        let mut life = Life { app: &app, seed, random, book, story: Vec::new() };
        let mut done = Ok(());
        for _ in 0..ACTS {
            done = life.act().await;
            if done.is_err() {
                break;
            }
        }
        if done.is_ok() {
            done = life.agrees(&before).await;
        }
        if let Err(fault) = done {
            panic!("ASSAY_LEDGER_SEED={seed}: {fault}\n{}", life.story.join("\n"));
        }
        if seed % 50 == 49 {
            assay_ledger::snapshot(app.ctx()).await.expect("a snapshot");
            assert_whole(&app).await;
        }
        taken += life.book.taken.len();
        kinds.extend(life.book.taken.keys().filter_map(|key| Some(key.split_once(':')?.0.to_owned())));
        let codes = life.story.iter().filter_map(|line| Some(line.split_once("→ Err(")?.1.to_owned()));
        refusals.extend(codes);
    }
    assert_whole(&app).await;
    println!("{taken} transactions in {} lives", seeds.end - seeds.start);
    // Else the lives are too poor to prove anything.
    if seeds.end - seeds.start >= SEEDS {
        assert!(kinds.len() >= 21, "nearly every kind of fact came about: {kinds:?}");
        assert_eq!(refusals.len(), 3, "every refusal came about: {refusals:?}");
    }
    app.stop().await;
}
