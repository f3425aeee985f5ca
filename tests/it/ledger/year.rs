//! A year of money: milestones funded, released in parts, refunded, disputed, transferred, taken back; then every export
//! of it. `ASSAY_LEDGER_YEAR` names a folder that keeps the exports, for a program that others wrote to judge
//! (`scripts/ledger-check`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use assay_kernel::{Entropy, Money};
use assay_ledger::{Event, Format, Held, RefundOf, fee_of_part};
use uuid::Uuid;

use super::{assert_whole, id, usd};
use crate::harness::TestApp;

const DAYS: u64 = 365;
const CLIENT_BPS: u32 = 1_500;
const DEVELOPER_BPS: u32 = 500;

/// Posts the events of a year.
struct Year<'a> {
    app: &'a TestApp,
    random: Entropy,
    next: u128,
}

impl Year<'_> {
    fn number(&self, bound: u64) -> u64 {
        u64::from_le_bytes(self.random.bytes()) % bound
    }

    fn fact(&mut self) -> Uuid {
        self.next += 1;
        id(self.next)
    }

    async fn post(&self, event: Event, contract: Uuid) -> i64 {
        let posted = assay_ledger::post(self.app.ctx(), &event, Some(contract)).await;
        posted.unwrap_or_else(|error| panic!("{event:?}: {}", error.chain())).id
    }

    /// A milestone from its payment to its end, with the fees of its terms.
    async fn milestone(&mut self) {
        let (milestone, contract) = (self.fact(), self.fact());
        let developer = id(1_000_000 + u128::from(self.number(40)));
        let organisation = id(2_000_000 + u128::from(self.number(15)));
        let amount = usd(i64::try_from(50_000 + self.number(2_000_000)).expect("an amount"));
        let fee = amount.bps(CLIENT_BPS);
        // What the provider calls a payment is its own affair.
        let provider = format!("=txn_{}\",\\+1", self.next);
        self.post(Event::Funded { provider: provider.clone(), milestone, amount, fee }, contract).await;
        let taken = Money::new((amount.amount + fee.amount) * 29 / 1_000 + 30, amount.currency);
        self.post(Event::ProcessingFee { provider, fee: taken }, contract).await;
        match self.number(10) {
            0 => {
                let of = RefundOf::Milestone { milestone, held: Held::Free, amount, fee };
                let refused = self.fact();
                self.post(Event::RefundCommanded { command: refused, of }, contract).await;
                self.post(Event::RefundRefused { command: refused, of }, contract).await;
                let command = self.fact();
                self.post(Event::RefundCommanded { command, of }, contract).await;
                let amount = usd(amount.amount + fee.amount);
                self.post(Event::RefundConfirmed { command, amount }, contract).await;
            }
            1 => self.disputed(milestone, contract, (organisation, developer), amount, fee).await,
            _ => self.released(milestone, contract, developer, organisation, amount).await,
        }
    }

    async fn disputed(
        &mut self,
        milestone: Uuid,
        contract: Uuid,
        (organisation, developer): (Uuid, Uuid),
        amount: Money,
        fee: Money,
    ) {
        let (dispute, whole, cost) = (self.fact(), usd(amount.amount + fee.amount), usd(1_500));
        let opened = Event::DisputeOpened { dispute, milestone, amount: whole, fee: cost, frozen: amount };
        self.post(opened, contract).await;
        let end = if self.number(2) == 0 {
            Event::DisputeWon { dispute, milestone, amount: whole, fee: cost, freed: amount }
        } else {
            let none = usd(0);
            Event::DisputeLost {
                dispute,
                milestone,
                organisation,
                developer,
                frozen: amount,
                fee,
                credit: none,
                unpaid: none,
                owed: none,
                loss: none,
            }
        };
        self.post(end, contract).await;
    }

    async fn released(
        &mut self,
        milestone: Uuid,
        contract: Uuid,
        developer: Uuid,
        organisation: Uuid,
        amount: Money,
    ) {
        let parts = i64::try_from(1 + self.number(3)).expect("parts");
        let (mut left, mut taken) = (amount.amount, [usd(0), usd(0)]);
        for part in (1..=parts).rev() {
            let amount_of_part = usd(left / part);
            left -= amount_of_part.amount;
            let released = usd(amount.amount - left);
            let fees: Vec<Money> = [DEVELOPER_BPS, CLIENT_BPS]
                .iter()
                .zip(taken)
                .map(|(bps, taken)| fee_of_part(*bps, released, taken).expect("a fee"))
                .collect();
            taken = [usd(taken[0].amount + fees[0].amount), usd(taken[1].amount + fees[1].amount)];
            let release = Event::Release {
                id: self.fact(),
                milestone,
                developer,
                held: Held::Free,
                amount: amount_of_part,
                developer_fee: fees[0],
                client_fee: fees[1],
            };
            let number = self.post(release.clone(), contract).await;
            if self.number(20) == 0 {
                // Booked by mistake, taken back, and booked anew.
                let ctx = self.app.ctx();
                ctx.db
                    .tx(async |conn| assay_ledger::correct_in(ctx, conn, number).await)
                    .await
                    .expect("back");
                let Event::Release { id: _, milestone, developer, held, amount, developer_fee, client_fee } =
                    release
                else {
                    continue;
                };
                let id = self.fact();
                let anew =
                    Event::Release { id, milestone, developer, held, amount, developer_fee, client_fee };
                self.post(anew, contract).await;
            }
            let (command, paid) = (self.fact(), usd(amount_of_part.amount - fees[0].amount));
            self.post(Event::TransferCommanded { command, developer, amount: paid }, contract).await;
            self.post(Event::TransferConfirmed { command, amount: paid }, contract).await;
        }
        if self.number(25) == 0 {
            let (reversed, owed) = (usd(amount.amount / 2), usd(amount.amount / 4));
            let (after, fee) = (self.fact(), usd(100));
            let back = Event::RefundAfterRelease {
                id: after,
                milestone,
                developer,
                organisation,
                reversed,
                unpaid: usd(0),
                owed,
                fee,
            };
            self.post(back, contract).await;
            let (command, amount) = (self.fact(), usd(reversed.amount + owed.amount + fee.amount));
            let of = RefundOf::Credit { organisation, amount };
            self.post(Event::RefundCommanded { command, of }, contract).await;
            self.post(Event::RefundConfirmed { command, amount }, contract).await;
        }
    }
}

/// Cents of a decimal number.
fn cents(text: &str) -> i64 {
    text.replace('.', "").parse().unwrap_or_else(|_| panic!("{text} is not an amount"))
}

/// The cells of a CSV text, row by row.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            // A quote within quotes is written twice: the second one opens them again.
            '"' => {
                if !quoted && !cell.is_empty() {
                    cell.push('"');
                }
                quoted = !quoted;
            }
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    rows
}

#[tokio::test]
async fn a_year_of_money_is_whole_and_every_export_tells_it() {
    let app = TestApp::start().await;
    let mut year = Year { app: &app, random: Entropy::seeded(2026), next: 0 };
    for day in 0..DAYS {
        for _ in 0..=year.number(2) {
            year.milestone().await;
        }
        app.ctx().clock.advance(Duration::from_secs(86_400));
        if day % 30 == 0 {
            assay_ledger::snapshot(app.ctx()).await.expect("a snapshot");
        }
    }
    assert_whole(&app).await;

    let mut exports = BTreeMap::new();
    for format in Format::ALL {
        let mut out = Vec::new();
        assay_ledger::export(app.ctx(), *format, &mut out).await.expect("exported");
        exports.insert(*format, String::from_utf8(out).expect("UTF-8"));
    }
    let csv = rows(&exports[&Format::Csv]);
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for row in &csv[1..] {
        assert_eq!(row.len(), csv[0].len(), "{row:?}");
        let formula = |cell: &String| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        assert!(!row[..7].iter().any(formula), "{row:?}");
        *sums.entry(row[0].as_str()).or_default() += cents(&row[7]);
    }
    assert!(sums.values().all(|sum| *sum == 0));
    assert_eq!(sums.len(), exports[&Format::Json].lines().count());
    let beancount = &exports[&Format::Beancount];
    let (opened, balances) = (
        beancount.matches(" open ").count(),
        beancount.lines().filter(|line| line.contains(" balance ")).count(),
    );
    assert!(opened > 1_000 && opened == balances, "{opened} accounts, {balances} balances");

    if let Some(folder) = std::env::var_os("ASSAY_LEDGER_YEAR").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).expect("the folder");
        for (format, text) in &exports {
            std::fs::write(folder.join(format!("journal.{format}")), text).expect("the file");
        }
    }
    println!("{} transactions, {opened} accounts", sums.len());
    app.stop().await;
}
