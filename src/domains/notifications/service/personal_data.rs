//! What notifications hold about a person: preferences, mails under way, and mails in the folder.

use assay_adapters::mail;
use assay_kernel::ids::AccountId;
use assay_kernel::{Error, Result};
use assay_platform::db::Conn;
use assay_platform::personal_data::{PersonalData, Tables};
use assay_platform::{Ctx, jobs};
use chrono::Duration;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::json;

use super::{MAIL_JOB, folder};
use crate::store::PERSONAL_TABLES;

/// The part of notifications in what is held about people.
pub const PERSONAL_DATA: &dyn PersonalData = &Part;

struct Part;

impl PersonalData for Part {
    fn tables(&self) -> &Tables {
        &PERSONAL_TABLES
    }

    fn erase<'a>(
        &'a self,
        _: &'a Ctx,
        conn: &'a mut Conn,
        account: AccountId,
    ) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            jobs::delete_of(conn, MAIL_JOB, &json!({ "account": account })).await?;
            Ok(PERSONAL_TABLES.erase(conn, account).await?)
        }
        .boxed_local()
    }

    /// The folder only stands for a mail server, and mails to others may name the person: it is emptied.
    fn forget<'a>(&'a self, ctx: &'a Ctx, _: AccountId) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let until_now = ctx.clock.now() + Duration::milliseconds(1);
            mail::delete_files(&folder(&ctx.config), until_now).await.map_err(Error::internal)?;
            Ok(())
        }
        .boxed_local()
    }
}
