//! The ledger: attempts to break it, from the side of the tables' owner; concurrency; what finance staff see.

use assay::app::domains::INVARIANTS;
use assay_kernel::money::Currency;
use assay_kernel::{Code, Money, Permission};
use assay_ledger::{AccountKind as K, AccountRef, Event, Held};
use assay_platform::db::Conn;
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use crate::harness::{self, TestApp};

mod breaches;
pub mod crash;
mod simulation;
mod year;

fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::USD)
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn funded(n: u128, amount: i64) -> Event {
    Event::Funded {
        provider: format!("txn_{n}"),
        milestone: id(n),
        amount: usd(amount),
        fee: usd(amount * 15 / 100),
    }
}

fn release(decision: u128, milestone: u128, amount: i64) -> Event {
    Event::Release {
        id: id(decision),
        milestone: id(milestone),
        developer: id(0xd),
        held: Held::Free,
        amount: usd(amount),
        developer_fee: usd(0),
        client_fee: usd(amount * 15 / 100),
    }
}

async fn balance(app: &TestApp, kind: K, owner: Uuid) -> i64 {
    let account = AccountRef::of(kind, owner);
    let read = app.ctx().db.read(async |conn| assay_ledger::balance(conn, account, Currency::USD).await);
    read.await.expect("a balance").amount
}

/// The ledger's own invariants hold: these tests post without the domains whose facts they would be.
async fn assert_whole(app: &TestApp) {
    let findings = assay_ledger::check(app.ctx(), &[assay_ledger::INVARIANTS]).await.expect("a check");
    let broken: Vec<_> = findings.into_iter().filter(|finding| finding.offenders != 0).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

/// Each is refused, to the superuser who owns the tables.
const ATTEMPTS: &[(&str, &str)] = &[
    (
        "unbalanced",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at) VALUES ('x', 'x', 'USD', ARRAY[1,2], ARRAY[5,-4], now(), now())",
    ),
    (
        "one line",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at) VALUES ('x', 'x', 'USD', ARRAY[1], ARRAY[5], now(), now())",
    ),
    (
        "no lines",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at) VALUES ('x', 'x', 'USD', '{}', '{}', now(), now())",
    ),
    (
        "lines of nothing",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at) VALUES ('x', 'x', 'USD', ARRAY[1,2], ARRAY[0,0], now(), now())",
    ),
    (
        "a missing amount",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at) VALUES ('x', 'x', 'USD', ARRAY[1,2], ARRAY[1,NULL], now(), now())",
    ),
    (
        "more accounts than amounts",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at) VALUES ('x', 'x', 'USD', ARRAY[1,2,3], ARRAY[1,-1], now(), now())",
    ),
    (
        "an account twice",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at) VALUES ('x', 'x', 'USD', ARRAY[1,1], ARRAY[1,-1], now(), now())",
    ),
    (
        "an unknown account",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at) VALUES ('x', 'x', 'USD', ARRAY[1,99999], ARRAY[1,-1], now(), now())",
    ),
    (
        "another currency",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at) VALUES ('x', 'x', 'EUR', ARRAY[1,2], ARRAY[5,-5], now(), now())",
    ),
    (
        "a negative hold",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at) SELECT 'x', 'x', 'USD', array_agg(id ORDER BY id), CASE WHEN (array_agg(kind ORDER BY id))[1] = 'hold' THEN ARRAY[2000,-2000] ELSE ARRAY[-2000,2000] END, now(), now() FROM ledger_accounts WHERE kind IN ('hold', 'stripe_platform')",
    ),
    (
        "a key twice",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at) SELECT kind, key, currency, accounts, amounts, now(), now() FROM ledger_transactions LIMIT 1",
    ),
    (
        "a reversal that is not exact",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, reverses, effective_at, created_at) SELECT 'x', 'x', currency, accounts, amounts, id, now(), now() FROM ledger_transactions LIMIT 1",
    ),
    (
        "a reversal of nothing",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, reverses, effective_at, created_at) SELECT 'x', 'x', currency, accounts, amounts, 99999, now(), now() FROM ledger_transactions LIMIT 1",
    ),
    (
        "adding to an old transaction",
        "INSERT INTO ledger_entries (account, transaction, amount) VALUES (1, 1, 5)",
    ),
    ("a changed transaction", "UPDATE ledger_transactions SET amounts = ARRAY[1,-1]"),
    ("a changed entry", "UPDATE ledger_entries SET amount = 1"),
    (
        "a changed entry, as a replica",
        "SET session_replication_role = replica; UPDATE ledger_entries SET amount = 1",
    ),
    ("a deleted transaction", "DELETE FROM ledger_transactions"),
    ("a deleted entry", "DELETE FROM ledger_entries"),
    ("truncated transactions", "TRUNCATE ledger_transactions"),
    ("truncated entries", "TRUNCATE ledger_entries"),
    ("truncated everything", "TRUNCATE ledger_kinds CASCADE"),
    ("a changed guard", "UPDATE ledger_guards SET balance = 1000000"),
    ("a guard of one's own", "INSERT INTO ledger_guards (account, side, balance) VALUES (1, 1, 5)"),
    ("a deleted guard", "DELETE FROM ledger_guards"),
    ("a changed account", "UPDATE ledger_accounts SET guarded = false"),
    ("a deleted account", "DELETE FROM ledger_accounts"),
    (
        "an unguarded hold",
        "INSERT INTO ledger_accounts (kind, owner, currency, side, guarded, created_at) VALUES ('hold', gen_random_uuid(), 'USD', -1, false, now())",
    ),
    (
        "a second account",
        "INSERT INTO ledger_accounts (kind, owner, currency, side, guarded, created_at) SELECT kind, owner, currency, side, guarded, now() FROM ledger_accounts",
    ),
    ("a changed chart", "UPDATE ledger_kinds SET guarded = false"),
    ("a changed snapshot", "UPDATE ledger_snapshots SET balance = 1"),
    (
        "the role that posts writes an entry",
        "SET ROLE assay_ledger; INSERT INTO ledger_entries (account, transaction, amount) VALUES (1, 1, 5)",
    ),
    (
        "the role that posts writes a transaction",
        "SET ROLE assay_ledger; INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at) VALUES ('x', 'x', 'USD', ARRAY[1,2], ARRAY[5,-5], now(), now())",
    ),
    (
        "a role that posts by its function and is short of money",
        "SET ROLE assay_ledger; SELECT ledger_post('x', 'x', 'USD', ARRAY['hold','bank'], ARRAY[gen_random_uuid(), gen_random_uuid()], ARRAY[5,-5]::bigint[], NULL, NULL, NULL, now(), now())",
    ),
];

#[tokio::test]
async fn nobody_breaks_the_ledger_not_even_its_owner() {
    let app = TestApp::start().await;
    assay_ledger::post(app.ctx(), &funded(1, 1_000), None).await.expect("funded");
    assay_ledger::snapshot(app.ctx()).await.expect("snapshots");
    let mut taken = Vec::new();
    for (name, sql) in ATTEMPTS {
        let mut conn = Conn::establish(app.database_url()).await.expect("a connection");
        match conn.batch_execute(sql).await {
            Ok(()) => taken.push(format!("{name} was taken")),
            // A refusal for another reason would prove nothing.
            Err(error) if error.to_string().contains("syntax") => taken.push(format!("{name}: {error}")),
            Err(_) => {}
        }
    }
    assert!(taken.is_empty(), "{}", taken.join("\n"));
    assert_whole(&app).await;
    assert_eq!(balance(&app, K::Hold, id(1)).await, 1_000);
    app.stop().await;
}

#[tokio::test]
async fn a_fact_is_booked_once_and_a_wrong_one_taken_back_once() {
    let app = TestApp::start().await;
    let ctx = app.ctx();
    assay_ledger::post(ctx, &funded(1, 1_000), None).await.expect("funded");
    let first = assay_ledger::post(ctx, &release(7, 1, 400), None).await.expect("released");
    let again = assay_ledger::post(ctx, &release(7, 1, 400), None).await.expect("the same");
    assert_eq!((first.fresh, again.fresh, first.id), (true, false, again.id));
    let code = |result: assay_kernel::Result<_>| {
        result.map(|_: assay_ledger::Posted| ()).expect_err("refused").code()
    };
    assert_eq!(code(assay_ledger::post(ctx, &release(7, 1, 401), None).await), Code::LedgerKeyReused);
    assert_eq!(code(assay_ledger::post(ctx, &release(8, 1, 601), None).await), Code::InsufficientFunds);
    let correct = || ctx.db.tx(async |conn| assay_ledger::correct_in(ctx, conn, first.id).await);
    let correction = correct().await.expect("taken back");
    assert!(!correct().await.expect("the same").fresh);
    let twice = ctx.db.tx(async |conn| assay_ledger::correct_in(ctx, conn, correction.id).await).await;
    assert_eq!(code(twice), Code::LedgerRefused);
    assert_eq!(
        (balance(&app, K::Hold, id(1)).await, balance(&app, K::DeveloperPayable, id(0xd)).await),
        (1_000, 0)
    );
    assert_whole(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn many_release_one_hold_and_it_is_spent_once() {
    let app = TestApp::start_with(&[("database.api_connections", "32")]).await;
    let ctx = app.ctx();
    assay_ledger::post(ctx, &funded(1, 1_000), None).await.expect("funded");
    for n in 2..=33 {
        assay_ledger::post(ctx, &funded(n, 1_000), None).await.expect("funded");
    }
    // Sixty-four ask for a tenth of one hold; ten can have it. At the same time each other hold is released.
    let one: Vec<Event> = (0..64).map(|n| release(1_000 + n, 1, 100)).collect();
    let others: Vec<Event> = (2..=33).map(|n| release(2_000 + n, n, 1_000)).collect();
    let posts = one.iter().chain(&others).map(|event| assay_ledger::post(ctx, event, None));
    let done = futures_util::future::join_all(posts).await;
    let won = done[..64].iter().filter(|result| result.is_ok()).count();
    assert_eq!(won, 10);
    let short = |result: &assay_kernel::Result<_>| {
        result.as_ref().is_err_and(|e: &assay_kernel::Error| e.code() == Code::InsufficientFunds)
    };
    assert_eq!(done[..64].iter().filter(|result| short(result)).count(), 54);
    assert!(done[64..].iter().all(Result::is_ok));
    assert_eq!(balance(&app, K::Hold, id(1)).await, 0);
    assert_eq!(balance(&app, K::DeveloperPayable, id(0xd)).await, 33_000);
    assert_whole(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn finance_staff_read_the_ledger_and_its_health() {
    let app = TestApp::start().await;
    let finance = app.staff("staff-sam", Permission::Finance).await;
    let before = app.get("/v1/ledger/health").by(&finance).expect(200).await;
    assert_eq!(before.at("/healthy"), serde_json::Value::Null);
    let posted = assay_ledger::post(app.ctx(), &funded(1, 1_000), None).await.expect("funded");
    assay_ledger::check_and_tell(app.ctx(), INVARIANTS).await.expect("checked");
    assert_eq!(app.get("/v1/ledger/health").by(&finance).expect(200).await.at("/healthy"), true);
    let first = app.get("/v1/ledger/accounts?limit=2").by(&finance).expect(200).await;
    let rest = format!("/v1/ledger/accounts?limit=2&cursor={}", first.text_at("/next_cursor"));
    let rest = app.get(&rest).by(&finance).expect(200).await;
    assert_eq!(rest.at("/data").as_array().map(Vec::len), Some(1));
    let path = format!("/v1/ledger/transactions/ltx_{:032x}", posted.id);
    let shown = app.get(&path).by(&finance).expect(200).await;
    assert_eq!(shown.at("/lines").as_array().map(Vec::len), Some(3));
    app.get("/v1/ledger/transactions/ltx_ffffffffffffffffffffffffffffffff").by(&finance).expect(404).await;
    let trial = app.get("/v1/ledger/trial_balance").by(&finance).expect(200).await;
    let lines = trial.at("/lines");
    let sum: i64 =
        lines.as_array().expect("lines").iter().map(|line| line["sum"]["amount"].as_i64().unwrap()).sum();
    assert_eq!((lines.as_array().map(Vec::len), sum), (Some(3), 0));
    app.stop().await;
}

#[tokio::test]
async fn statements_run_and_exports_have_every_line() {
    let app = TestApp::start().await;
    let ctx = app.ctx();
    assay_ledger::post(ctx, &funded(1, 100_000), Some(id(0xc))).await.expect("funded");
    for n in 0..120 {
        assay_ledger::post(ctx, &release(100 + n, 1, 100), Some(id(0xc))).await.expect("released");
    }
    assert!(assay_ledger::snapshot(ctx).await.expect("snapshots") >= 2);
    assay_ledger::post(ctx, &release(999, 1, 100), Some(id(0xc))).await.expect("released");
    assert_eq!(balance(&app, K::Hold, id(1)).await, 100_000 - 12_100);
    let scoped = assay_ledger::statement_of(ctx, assay_ledger::Scope::Owner(id(1)), (0, 0), 1_000)
        .await
        .expect("rows");
    let hold = scoped[0].account;
    let of_hold: Vec<_> = scoped.into_iter().filter(|entry| entry.account == hold).rev().collect();
    let (mut paged, mut before) = (Vec::new(), None);
    loop {
        let (page, next) = assay_ledger::statement(ctx, hold, before, 50).await.expect("a page");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
        before = next;
    }
    assert_eq!(paged, of_hold, "pages from the balance backwards, and sums from the start");
    for (format, lines) in [
        (assay_ledger::Format::Json, 122),
        (assay_ledger::Format::Csv, 1 + 3 + 121 * 4),
        (assay_ledger::Format::Beancount, 1 + 5 + (2 + 3) + 121 * (2 + 4) + 5),
    ] {
        let mut out = Vec::new();
        assay_ledger::export(ctx, format, &mut out).await.expect("exported");
        assert_eq!(String::from_utf8(out).expect("UTF-8").lines().count(), lines, "{format}");
    }
    assert_whole(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn postings_do_not_scan_what_has_grown_since_they_were_planned() {
    #[derive(diesel::QueryableByName)]
    struct Rows {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        n: i64,
    }
    let app = TestApp::start().await;
    for n in 1..=200 {
        assay_ledger::post(app.ctx(), &funded(n, 1_000), None).await.expect("funded");
    }
    // A session tells what it did a second later, when it does the next thing.
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    assay_ledger::post(app.ctx(), &funded(201, 1_000), None).await.expect("funded");
    let mut conn = Conn::establish(app.database_url()).await.expect("a connection");
    let query = diesel::sql_query(
        "SELECT (coalesce(sum(t.seq_tup_read), 0) + coalesce(sum(i.read), 0))::bigint AS n
         FROM pg_stat_user_tables t LEFT JOIN LATERAL (SELECT sum(idx_tup_read) AS read FROM pg_stat_user_indexes
            WHERE relid = t.relid) i ON true
         WHERE t.relname IN ('ledger_accounts', 'ledger_transactions', 'ledger_entries', 'ledger_guards')",
    );
    let rows: Rows = query.get_result(&mut conn).await.expect("the statistics");
    assert!((201..201 * 60).contains(&rows.n), "{} rows were read for 201 postings", rows.n);
    app.stop().await;
}

#[tokio::test]
async fn a_role_without_rights_on_the_tables_does_all_that_the_service_does() {
    let app = TestApp::start().await;
    let url = app.database_url();
    let join = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{join}options=-c%20role%3Dassay_ledger");
    let ctx = &assay::app::boot::context(&app.ctx().config, &harness::origins(), &url, 2);
    assay_ledger::post(ctx, &funded(1, 100_000), None).await.expect("funded");
    let mut last = None;
    for n in 0..100 {
        last = Some(assay_ledger::post(ctx, &release(100 + n, 1, 100), None).await.expect("released").id);
    }
    let last = last.expect("a release");
    ctx.db.tx(async |conn| assay_ledger::correct_in(ctx, conn, last).await).await.expect("taken back");
    assert!(assay_ledger::snapshot(ctx).await.expect("snapshots") > 0);
    assay_ledger::check_and_tell(ctx, &[assay_ledger::INVARIANTS]).await.expect("checked");
    assay_ledger::export(ctx, assay_ledger::Format::Json, &mut Vec::new()).await.expect("exported");
    // It is that role, and not the owner after all.
    let denied = ctx
        .db
        .read(async |conn| {
            let done = conn.batch_execute("INSERT INTO ledger_kinds VALUES ('x', 1, false)").await;
            Ok(done.is_err_and(|error| error.to_string().contains("permission denied")))
        })
        .await;
    assert!(denied.expect("asked"));
    app.stop().await;
}

#[test]
fn the_chart_in_code_is_the_chart_in_the_migration() {
    let sql = include_str!("../../../migrations/2026-11-21-000011_ledger/up.sql");
    for kind in K::ALL {
        let row = format!("('{kind}', {}, {})", kind.side().sign(), kind.is_guarded());
        assert!(sql.contains(&row), "{row}");
    }
}
