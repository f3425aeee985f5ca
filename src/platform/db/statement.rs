//! Statements of one's own SQL that stay prepared.
//!
//! diesel prepares `sql_query` anew each time. [`statement!`](crate::statement) makes a typed query of a fixed text
//! with typed parameters, which diesel caches by its type like any query of its builder. Use it where the builder
//! cannot say it (row-value comparison, several CTEs) or where a round trip counts.

/// Declares a query of fixed text.
///
/// ```ignore
/// statement! {
///     /// Open projects of a client.
///     pub struct OpenOf(client: Uuid as sql_types::Uuid, limit: i64 as sql_types::BigInt)
///         -> (sql_types::Uuid, sql_types::Text);
///     "SELECT id, title FROM projects WHERE client = {} ORDER BY id LIMIT {}"
/// }
/// let rows: Vec<(Uuid, String)> = OpenOf { client, limit }.load(conn).await?;
/// ```
/// Each `{}` takes the next parameter, in the order of the declaration.
#[macro_export]
macro_rules! statement {
    ($(#[$meta:meta])* $vis:vis struct $name:ident ( $($field:ident : $type:ty as $sql:ty),* $(,)? )
        -> ($($column:ty),* $(,)?); $text:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        $vis struct $name { $(pub $field: $type),* }

        impl diesel::query_builder::QueryId for $name {
            type QueryId = $name;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::query_builder::Query for $name {
            type SqlType = ($($column,)*);
        }

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                let mut pieces = ($text).split("{}");
                out.push_sql(pieces.next().unwrap_or_default());
                $(
                    out.push_bind_param::<$sql, $type>(&self.$field)?;
                    out.push_sql(pieces.next().unwrap_or_default());
                )*
                debug_assert!(pieces.next().is_none(), "more placeholders than parameters");
                Ok(())
            }
        }
    };
}
