//! Scores: the commands on files, and in the product from cards and milestones to figures that explain themselves.

mod anchors;
mod calibrations;
mod cards;
mod commands;
mod reports;

use assay_platform::db::Conn;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};

use crate::harness::{Answer, Person, TestApp};

impl TestApp {
    /// Statements on a connection for which no foreign key is checked: figures of many people without the people.
    pub async fn figures(&self, statements: &str) {
        let mut conn = Conn::establish(self.database_url()).await.expect("a connection");
        conn.batch_execute(&format!("SET session_replication_role = replica; {statements}"))
            .await
            .expect("the figures");
    }

    /// The next night's calibration and report.
    pub async fn night(&self) {
        let ctx = self.ctx();
        ctx.db.tx(async |conn| assay_scoring::schedule(ctx, conn).await).await.expect("asked for");
        self.advance_days(1).await;
    }

    /// Somebody's own scores.
    pub async fn scores(&self, person: &Person) -> Answer {
        self.get("/v1/me/score").by(person).expect(200).await
    }

    /// What moved somebody's scores: `scale cause`, newest first.
    pub async fn moves(&self, person: &Person) -> Vec<String> {
        let page = self.get("/v1/me/score/events?limit=100").by(person).expect(200).await;
        let one = |event: &serde_json::Value| {
            format!("{} {}", event["scale"].as_str().unwrap(), event["cause"].as_str().unwrap())
        };
        page.at("/data").as_array().unwrap().iter().map(one).collect()
    }
}
