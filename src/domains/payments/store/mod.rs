//! Payments' tables. One statement a function.

/// What every table of things has: insert, find, lock, update.
macro_rules! rows {
    ($table:ident, $row:ident, $key:ident) => {
        /// Writes a new one.
        #[allow(dead_code)] // not every table needs all four
        pub async fn insert(conn: &mut Conn, row: &$row) -> DbResult<()> {
            diesel::insert_into($table::table).values(row).execute(conn).await?;
            Ok(())
        }

        /// As it is.
        #[allow(dead_code)] // not every table needs all four
        pub async fn find(conn: &mut Conn, id: Uuid) -> DbResult<Option<$row>> {
            Ok($table::table.find(id).select($row::as_select()).first(conn).await.optional()?)
        }

        /// As it is, locked until the end of the transaction.
        #[allow(dead_code)] // not every table needs all four
        pub async fn lock(conn: &mut Conn, id: Uuid) -> DbResult<Option<$row>> {
            let locked = $table::table.find(id).select($row::as_select()).for_no_key_update();
            Ok(locked.first(conn).await.optional()?)
        }

        /// Writes everything that may change.
        #[allow(dead_code)] // not every table needs all four
        pub async fn update(conn: &mut Conn, row: &$row) -> DbResult<()> {
            diesel::update($table::table.find(row.$key)).set(row).execute(conn).await?;
            Ok(())
        }
    };
}

pub mod approvals;
pub mod commands;
pub mod disputes;
pub mod events;
pub mod invariants;
pub mod methods;
pub mod payees;
pub mod payments;
pub mod payouts;
pub mod personal_data;
pub mod reconciliation;
pub mod refunds;
pub mod transfers;
