//! Operations that do one act on one thing.

/// Declares operations that do one act on the thing that their path names: done once for each idempotency key, answered
/// with how it stands then.
///
/// ```ignore
/// acts! { Projects, shown, ("bids", 200, "The bid.", BidView);
///     /// Hands in a draft.
///     submit_bid(Developer, BidId, IdempotencyKey, IfMatch: seen) "/v1/bids/{id}/submit" = Projects::submit_bid_in;
///     /// Declines a bid.
///     decline_bid(Hirer, BidId, IdempotencyKey, IfMatch: seen, Body: Reason) "/v1/bids/{id}/decline" =
///         async |projects: &Projects, conn, caller: &_, id, seen: &_, body: &Reason|
///             projects.decline_bid_in(conn, caller, id, seen, &body.reason).await;
/// }
/// ```
/// First the state that the act takes, which has the [`Ctx`](crate::Ctx); the function that makes the reply; tag,
/// status, description and body of the answer. Of each operation: who may, of what the id is, which key, whether the
/// caller must have seen the present version, and the body.
#[macro_export]
macro_rules! acts {
    ($state:ty, $reply:expr, ($tag:literal, $status:literal, $what:literal, $view:ty); $(
        $(#[$doc:meta])*
        $handler:ident($access:ident, $id:ty, $key:ident $(, IfMatch: $seen:ident)? $(, Body: $body:ty)?) $path:literal =
            $act:expr;
    )*) => {$(
        $(#[$doc])*
        #[utoipa::path(
            tag = $tag,
            $(request_body = $body,)?
            responses((status = $status, description = $what, body = $view)),
            extensions(
                ("x-access" = json!(<$access as $crate::web::Access>::NAME)),
                $(("x-if-match" = json!(!stringify!($seen).is_empty())),)?
            )
        )]
        #[post($path)]
        async fn $handler(
            state: Data<$state>,
            caller: Auth<$access>,
            id: Path<$id>,
            key: $key,
            $($seen: IfMatch,)?
            $(body: Body<$body>,)?
        ) -> Outcome {
            let key = $crate::acts!(@key key, body $(as $body)?);
            let ctx: &$crate::Ctx = (**state).as_ref();
            let reply = $crate::idempotency::run(ctx, key.as_ref(), async |conn| {
                let done = ($act)(&state, conn, &caller, id.0 $(, &$seen)? $(, $crate::acts!(@body body as $body))?);
                ($reply)(done.await?)
            })
            .await?;
            Ok(reply)
        }
    )*};
    (@key $key:ident, $body:ident) => { $key.bare() };
    (@key $key:ident, $body:ident as $type:ty) => { $key.with(&$body) };
    (@body $body:ident as $type:ty) => {{
        let body: &$type = &$body;
        body
    }};
}
