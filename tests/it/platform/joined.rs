//! What many read at once is read once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use assay_kernel::{Code, Error, Result};
use assay_platform::db::joined::Joined;
use assay_platform::db::{Conn, Db, PoolOptions};
use tokio::task::{JoinHandle, spawn_local, yield_now};

use crate::harness::TestApp;

/// Reads of a number that counts how often it was read, over one connection.
struct Counted {
    db: Db,
    reads: Joined<&'static str, u32>,
    made: Arc<AtomicU32>,
}

impl Counted {
    fn new(app: &TestApp) -> Self {
        let options = PoolOptions { size: 1, statement_timeout: Duration::from_secs(5) };
        Self { db: Db::new(app.database_url(), options), reads: Joined::default(), made: Arc::default() }
    }

    /// Asks, and lets it come as far as the queue for the connection.
    async fn ask(&self, key: &'static str, fails: bool) -> JoinHandle<Result<u32>> {
        let (db, reads, made) = (self.db.clone(), self.reads.clone(), self.made.clone());
        let asked = spawn_local(async move {
            let read = async |_: &mut Conn| match made.fetch_add(1, Ordering::SeqCst) + 1 {
                _ if fails => Err(Error::not_found("number")),
                number => Ok(number),
            };
            reads.read(&db, key, read).await
        });
        for _ in 0..10 {
            yield_now().await;
        }
        asked
    }
}

#[tokio::test]
async fn those_who_wait_for_equal_reads_are_answered_by_one() {
    let app = TestApp::start().await;
    let counted = Counted::new(&app);
    tokio::task::LocalSet::new()
        .run_until(async {
            let busy = counted.db.get().await.expect("the connection");
            let first = [counted.ask("a", false).await, counted.ask("a", false).await];
            let other = counted.ask("b", false).await;
            drop(busy);
            for asked in first {
                assert_eq!(asked.await.expect("ends").expect("read"), 1);
            }
            assert_eq!(other.await.expect("ends").expect("read"), 2, "another question is another read");
            let again = counted.ask("a", false).await;
            assert_eq!(again.await.expect("ends").expect("read"), 3, "nothing is kept");

            // Whoever was first goes before it began: the next one reads.
            let busy = counted.db.get().await.expect("the connection");
            let gone = counted.ask("a", false).await;
            let rest = [counted.ask("a", false).await, counted.ask("a", false).await];
            gone.abort();
            assert!(gone.await.expect_err("is gone").is_cancelled());
            drop(busy);
            for asked in rest {
                assert_eq!(asked.await.expect("ends").expect("read"), 4);
            }

            // A failure is everybody's.
            let busy = counted.db.get().await.expect("the connection");
            let failing = [counted.ask("c", true).await, counted.ask("c", true).await];
            drop(busy);
            for asked in failing {
                assert_eq!(asked.await.expect("ends").expect_err("fails").code(), Code::NotFound);
            }
            assert_eq!(counted.made.load(Ordering::SeqCst), 5);
        })
        .await;
    app.stop().await;
}
