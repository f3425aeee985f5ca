//! What developers say of their own capacity.

use assay_kernel::{Actor, Money, Result};
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use chrono::NaiveDate;
use serde_json::json;

use super::Matching;
use crate::store;
use crate::store::preferences::PreferencesRow;

/// What a developer says.
#[derive(Debug, Clone)]
pub struct Preferences {
    /// Hours a week; as in the application when none.
    pub weekly_hours: Option<i32>,
    /// The floor an hour; as in the application when none.
    pub rate: Option<Money>,
    /// From when they are free; now when none.
    pub available_from: Option<NaiveDate>,
    /// Takes no work now.
    pub paused: bool,
}

impl Matching {
    /// What the caller has said; nothing yet is version 0.
    ///
    /// # Errors
    /// The database's.
    pub async fn preferences(&self, conn: &mut Conn, actor: &Actor) -> Result<PreferencesRow> {
        let row = store::preferences::find(conn, actor.account_id).await?;
        Ok(row.unwrap_or_else(|| PreferencesRow {
            account_id: actor.account_id.uuid(),
            weekly_hours: None,
            rate_amount: None,
            rate_currency: None,
            available_from: None,
            paused: false,
            updated_at: self.ctx.clock.now(),
            version: 0,
        }))
    }

    /// Says it anew.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_preferences_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        said: &Preferences,
    ) -> Result<PreferencesRow> {
        let mut row = PreferencesRow {
            account_id: actor.account_id.uuid(),
            weekly_hours: said.weekly_hours,
            rate_amount: said.rate.map(|rate| rate.amount),
            rate_currency: said.rate.map(|rate| rate.currency.code().to_owned()),
            available_from: said.available_from,
            paused: said.paused,
            updated_at: self.ctx.clock.now(),
            version: 1,
        };
        if let Some(known) = store::preferences::find(conn, actor.account_id).await? {
            let again =
                PreferencesRow { updated_at: known.updated_at, version: known.version, ..row.clone() };
            // Said again is not said anew.
            if again == known {
                return Ok(known);
            }
        }
        row.version = store::preferences::put(conn, &row).await?;
        let (subject, audience) = (actor.account_id.to_string(), [Audience::Account(actor.account_id)]);
        outbox::publish(&self.ctx, conn, "match_preferences.changed", subject, json!({}), &audience).await?;
        Ok(row)
    }
}
