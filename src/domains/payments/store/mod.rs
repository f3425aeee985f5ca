//! Payments' tables. One statement a function.

/// What every table of things has: insert, find, lock, update.
macro_rules! rows {
    ($table:ident, $row:ident, $key:ident) => {
        /// Writes a new one.
        pub async fn insert(conn: &mut Conn, row: &$row) -> DbResult<()> {
            diesel::insert_into($table::table).values(row).execute(conn).await?;
            Ok(())
        }

        /// As it is.
        pub async fn find(conn: &mut Conn, id: Uuid) -> DbResult<Option<$row>> {
            Ok($table::table.find(id).select($row::as_select()).first(conn).await.optional()?)
        }

        /// As it is, locked until the end of the transaction.
        pub async fn lock(conn: &mut Conn, id: Uuid) -> DbResult<Option<$row>> {
            let locked = $table::table.find(id).select($row::as_select()).for_no_key_update();
            Ok(locked.first(conn).await.optional()?)
        }

        /// Writes everything that may change.
        pub async fn update(conn: &mut Conn, row: &$row) -> DbResult<()> {
            diesel::update($table::table.find(row.$key)).set(row).execute(conn).await?;
            Ok(())
        }
    };
}

pub mod commands;
pub mod disputes;
pub mod methods;
pub mod payees;
pub mod payments;
pub mod payouts;
pub mod refunds;
pub mod transfers;
