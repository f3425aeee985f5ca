//! Every invariant finds what offends it: broken on purpose by the tables' owner, who has switched the triggers off.

use std::process::{Command, Output};

use assay_kernel::Permission;
use assay_ledger::Event;
use assay_platform::db::Conn;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};

use super::{funded, id, release, usd};
use crate::harness::TestApp;

const OFF: &str =
    "ALTER TABLE ledger_transactions DISABLE TRIGGER ALL; ALTER TABLE ledger_entries DISABLE TRIGGER ALL;
    ALTER TABLE ledger_guards DISABLE TRIGGER ALL; ALTER TABLE ledger_accounts DISABLE TRIGGER ALL;
    ALTER TABLE ledger_snapshots DISABLE TRIGGER ALL;";

/// A domain above keeps its own invariants, and its own tests of them.
const OWN: assay_ledger::Invariants = &[assay_ledger::INVARIANTS];

/// An invariant, what is done, and the SQL that does it.
const BREACHES: &[(&str, &str, &str)] = &[
    (
        "transactions_balance",
        "a transaction that does not sum to zero",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at)
         VALUES ('x', 'x', 'USD', ARRAY[1,2], ARRAY[5,-4], now(), now())",
    ),
    (
        "transactions_balance",
        "a transaction in a currency that its accounts do not hold",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, effective_at, created_at)
         VALUES ('x', 'x', 'EUR', ARRAY[1,2], ARRAY[5,-5], now(), now())",
    ),
    (
        "ledger_balances",
        "an entry of one cent more",
        "UPDATE ledger_entries SET amount = amount + 1
         WHERE (account, transaction) = (SELECT account, transaction FROM ledger_entries LIMIT 1)",
    ),
    (
        "entries_are_the_journal",
        "a cent moved between two entries of an account",
        "UPDATE ledger_entries e SET amount = amount + CASE WHEN e.transaction = t.lo THEN 1 ELSE -1 END
         FROM (SELECT account, min(transaction) AS lo, max(transaction) AS hi FROM ledger_entries
               GROUP BY account HAVING count(*) > 1 LIMIT 1) t
         WHERE e.account = t.account AND e.transaction IN (t.lo, t.hi)",
    ),
    (
        "entries_are_the_journal",
        "an entry gone",
        "DELETE FROM ledger_entries
         WHERE (account, transaction) = (SELECT account, transaction FROM ledger_entries LIMIT 1)",
    ),
    (
        "entries_are_the_journal",
        "an entry of no transaction",
        "INSERT INTO ledger_entries (account, transaction, amount) VALUES (1, 999, 5)",
    ),
    (
        "guards_are_sums",
        "a guard of one cent more",
        "UPDATE ledger_guards SET balance = balance + 1 WHERE account = (SELECT min(account) FROM ledger_guards)",
    ),
    ("guards_are_sums", "a guard gone", "DELETE FROM ledger_guards WHERE account = (SELECT min(account) FROM ledger_guards)"),
    (
        "guards_hold",
        "less than nothing",
        "ALTER TABLE ledger_guards DROP CONSTRAINT ledger_guards_never_negative;
         UPDATE ledger_guards SET balance = -1 WHERE account = (SELECT min(account) FROM ledger_guards)",
    ),
    (
        "milestones_conserve",
        "a release of one milestone that takes another's money",
        "ALTER TABLE ledger_transactions ENABLE TRIGGER ledger_posted;
         SELECT ledger_post('release', 'release:x', 'USD', ARRAY['hold', 'developer_payable'],
            ARRAY['00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-00000000000d']::uuid[],
            ARRAY[100, -100]::bigint[], NULL, '00000000-0000-0000-0000-000000000001', NULL, now(), now())",
    ),
    (
        "clearing_empties",
        "a transfer that began six days ago",
        "UPDATE ledger_accounts SET created_at = created_at - interval '6 days' WHERE kind = 'clearing_transfer'",
    ),
    (
        "reversals_are_opposites",
        "a correction by half",
        "INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, reverses, effective_at, created_at)
         SELECT 'correction', 'x', currency, accounts, ARRAY(SELECT -m / 2 FROM unnest(amounts) m), id, now(), now()
         FROM ledger_transactions LIMIT 1",
    ),
    (
        "reversals_are_opposites",
        "two corrections of one transaction",
        "DROP INDEX ledger_transactions_reversed_once;
         INSERT INTO ledger_transactions (kind, key, currency, accounts, amounts, reverses, effective_at, created_at)
         SELECT 'correction', 'x' || n, currency, accounts,
            ARRAY(SELECT -m FROM unnest(amounts) WITH ORDINALITY u (m, o) ORDER BY o), id, now(), now()
         FROM (SELECT * FROM ledger_transactions LIMIT 1) t, generate_series(1, 2) n",
    ),
    (
        "snapshots_are_sums",
        "an old snapshot of one cent more",
        "INSERT INTO ledger_snapshots SELECT account, transaction, sum + 1, now()
            FROM (SELECT account, transaction, sum(amount) OVER w AS sum, row_number() OVER w AS n FROM ledger_entries
                  WINDOW w AS (PARTITION BY account ORDER BY transaction)) e WHERE n = 1;
         INSERT INTO ledger_snapshots SELECT account, max(transaction), sum(amount), now()
            FROM ledger_entries GROUP BY account HAVING count(*) > 1",
    ),
];

/// A ledger with a bit of everything.
async fn begin(app: &TestApp) {
    let ctx = app.ctx();
    for event in [
        funded(1, 1_000),
        funded(2, 1_000),
        release(7, 1, 400),
        release(8, 2, 400),
        Event::TransferCommanded { command: id(9), developer: id(0xd), amount: usd(300) },
    ] {
        assay_ledger::post(ctx, &event, None).await.expect("posted");
    }
}

#[tokio::test]
async fn each_invariant_finds_its_breaches() {
    let app = TestApp::start().await;
    begin(&app).await;
    app.assert_found(OWN, OFF, BREACHES).await;
    app.stop().await;
}

fn assay(app: &TestApp, arguments: &[&str]) -> Output {
    let folder = std::env::temp_dir().join(format!("assay-ledger-cli-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(arguments)
        .env("ASSAY_DATABASE__URL", app.database_url())
        .env("ASSAY_DATA_DIR", &folder)
        .output();
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    output.expect("the program runs")
}

#[tokio::test]
async fn the_command_tells_by_its_exit_code_and_finance_is_told() {
    let app = TestApp::start().await;
    begin(&app).await;
    let whole = assay(&app, &["ledger", "check"]);
    assert_eq!(whole.status.code(), Some(0), "{}", String::from_utf8_lossy(&whole.stderr));
    let mut conn = Conn::establish(app.database_url()).await.expect("a connection");
    conn.batch_execute(&format!("{OFF} UPDATE ledger_guards SET balance = balance + 1"))
        .await
        .expect("broken");
    let broken = assay(&app, &["ledger", "check"]);
    assert_eq!(broken.status.code(), Some(1));
    let said = String::from_utf8_lossy(&broken.stdout).into_owned();
    assert!(
        said.lines().any(|line| line.contains("guards_are_sums") && !line.starts_with("       0")),
        "{said}"
    );

    let finance = app.staff("staff-sam", Permission::Finance).await;
    assay_ledger::check_and_tell(app.ctx(), assay::app::domains::INVARIANTS).await.expect("checked");
    assert_eq!(app.get("/v1/ledger/health").by(&finance).expect(200).await.at("/healthy"), false);
    app.work().await;
    let events = app.get("/v1/events").by(&finance).expect(200).await;
    let told =
        events.at("/data").as_array().expect("events").iter().any(|e| e["kind"] == "ledger.check_failed");
    assert!(told, "{:?}", events.at("/data"));
    app.stop().await;
}

#[tokio::test]
async fn the_command_prints_statements() {
    let app = TestApp::start().await;
    begin(&app).await;
    let printed = |arguments: &[&str]| {
        let output = assay(&app, arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let owner = format!("acc_{}", id(0xd).simple());
    let csv = printed(&["ledger", "statement", "--owner", &owner]);
    let balances: Vec<&str> = csv.lines().skip(1).filter_map(|line| line.rsplit(',').next()).collect();
    assert_eq!(balances, ["4.00", "8.00", "5.00"], "{csv}");
    let limited = printed(&["ledger", "statement", "--owner", &owner, "--limit", "2", "--format", "json"]);
    assert_eq!(limited.lines().count(), 2, "{limited}");
    let milestone = format!("mst_{}", id(1).simple());
    let of_milestone = printed(&["ledger", "statement", "--milestone", &milestone]);
    assert_eq!(of_milestone.lines().count(), 1 + 3 + 4, "{of_milestone}");
    let wrong = assay(&app, &["ledger", "statement", "--owner", "somebody"]);
    assert_eq!(wrong.status.code(), Some(2));
    let beancount = assay(&app, &["ledger", "statement", "--owner", &owner, "--format", "beancount"]);
    assert_eq!(beancount.status.code(), Some(1));
    app.stop().await;
}
