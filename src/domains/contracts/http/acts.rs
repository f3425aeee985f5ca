//! Operations that do one act on one thing and answer with how it stands then. Each takes its idempotency key; what may
//! differ is whether the caller must have seen the present version, and whether there is a body. Whoever uses these has
//! a function `shown` that makes the answer.

macro_rules! act {
    (($tag:literal, $what:literal, $view:ident) $key:ident:
        $($(#[$doc:meta])* $handler:ident, $path:literal, $id:ty, $access:ident, $name:literal, $call:expr;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(tag = $tag, responses((status = 200, description = $what, body = $view)), extensions(("x-access" = json!($name))))]
        #[post($path)]
        async fn $handler(ctx: Data<Ctx>, caller: Auth<$access>, id: Path<$id>, key: $key) -> Outcome {
            let reply = idempotency::run(&ctx, key.bare().as_ref(), async |conn| {
                shown(($call)(&ctx, conn, &caller, id.0).await?)
            })
            .await?;
            Ok(reply)
        }
    )*};
}

macro_rules! act_seen {
    (($tag:literal, $what:literal, $view:ident) $key:ident:
        $($(#[$doc:meta])* $handler:ident, $path:literal, $id:ty, $access:ident, $name:literal, $call:expr;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(tag = $tag, responses((status = 200, description = $what, body = $view)), extensions(("x-access" = json!($name)), ("x-if-match" = json!(true))))]
        #[post($path)]
        async fn $handler(
            ctx: Data<Ctx>,
            caller: Auth<$access>,
            id: Path<$id>,
            seen: IfMatch,
            key: $key,
        ) -> Outcome {
            let reply = idempotency::run(&ctx, key.bare().as_ref(), async |conn| {
                shown(($call)(&ctx, conn, &caller, id.0, &seen).await?)
            })
            .await?;
            Ok(reply)
        }
    )*};
}

macro_rules! act_with {
    (($tag:literal, $what:literal, $view:ident) $key:ident:
        $($(#[$doc:meta])* $handler:ident, $path:literal, $id:ty, $access:ident, $name:literal, $body:ty, $call:expr;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(tag = $tag, request_body = $body, responses((status = 200, description = $what, body = $view)), extensions(("x-access" = json!($name))))]
        #[post($path)]
        async fn $handler(
            ctx: Data<Ctx>,
            caller: Auth<$access>,
            id: Path<$id>,
            key: $key,
            body: Body<$body>,
        ) -> Outcome {
            let reply = idempotency::run(&ctx, key.with(&body).as_ref(), async |conn| {
                shown(($call)(&ctx, conn, &caller, id.0, &*body).await?)
            })
            .await?;
            Ok(reply)
        }
    )*};
}

macro_rules! act_seen_with {
    (($tag:literal, $what:literal, $view:ident) $key:ident:
        $($(#[$doc:meta])* $handler:ident, $path:literal, $id:ty, $access:ident, $name:literal, $body:ty, $call:expr;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(tag = $tag, request_body = $body, responses((status = 200, description = $what, body = $view)), extensions(("x-access" = json!($name)), ("x-if-match" = json!(true))))]
        #[post($path)]
        async fn $handler(
            ctx: Data<Ctx>,
            caller: Auth<$access>,
            id: Path<$id>,
            seen: IfMatch,
            key: $key,
            body: Body<$body>,
        ) -> Outcome {
            let reply = idempotency::run(&ctx, key.with(&body).as_ref(), async |conn| {
                shown(($call)(&ctx, conn, &caller, id.0, &seen, &*body).await?)
            })
            .await?;
            Ok(reply)
        }
    )*};
}
