//! What identity holds about a person: its tables, the account itself, and the platform's rows that name the person.

use assay_kernel::Result;
use assay_kernel::ids::AccountId;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use assay_platform::personal_data::{PersonalData, Tables};
use assay_platform::{Ctx, idempotency};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::store;
use crate::store::personal_data::TABLES;

/// Identity's part of what is held about people.
pub const PERSONAL_DATA: &dyn PersonalData = &Part;

struct Part;

impl PersonalData for Part {
    fn tables(&self) -> &Tables {
        &TABLES
    }

    fn erase<'a>(
        &'a self,
        ctx: &'a Ctx,
        conn: &'a mut Conn,
        account: AccountId,
    ) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            for organisation in store::personal_data::organisations_of_one(conn, account).await? {
                outbox::forget_words(conn, Audience::Organisation(organisation)).await?;
            }
            outbox::forget_words(conn, Audience::Account(account)).await?;
            idempotency::forget(conn, account).await?;
            TABLES.erase(conn, account).await?;
            // Beyond GitHub's numbers, so that the same person may come again as somebody new.
            let random = i64::from_le_bytes(ctx.entropy.bytes()) & (i64::MAX >> 2);
            let stand_in = random | (1 << 61);
            store::personal_data::anonymise(conn, account, stand_in, ctx.clock.now()).await?;
            Ok(())
        }
        .boxed_local()
    }
}
