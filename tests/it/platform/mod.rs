//! What holds below the domains: events, the audit log, jobs and timers, mail, the edge.

mod audit;
mod durability;
mod edge;
mod events;
mod jobs;
mod joined;
mod mail;
mod raw;
mod smtp;
mod unsubscribe;

use diesel_async::RunQueryDsl;

use crate::harness::TestApp;

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    n: i64,
}

impl TestApp {
    /// Runs a statement behind the service's back.
    pub async fn sql(&self, statement: &str) -> Result<usize, diesel::result::Error> {
        let mut conn = self.ctx().db.get().await.expect("a connection");
        diesel::sql_query(statement).execute(&mut conn).await
    }

    /// A number from the database: `SELECT … AS n`.
    pub async fn number(&self, query: &str) -> i64 {
        let mut conn = self.ctx().db.get().await.expect("a connection");
        let number: Number = diesel::sql_query(query).get_result(&mut conn).await.expect("a number");
        number.n
    }
}
