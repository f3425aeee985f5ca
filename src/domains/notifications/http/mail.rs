//! What mail a person gets, and the links in mails that stop it.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use assay_platform::Ctx;
use assay_platform::web::{
    Auth, IfMatch, Manager, MergePatchDocument, Outcome, Query, Reader, Reply, Routes, etag,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::model::page;
use crate::service::{self, MailPreferences, MailPreferencesView};

pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_mail_preferences)
        .service(update_mail_preferences)
        .service(show_unsubscribe)
        .service(unsubscribe);
}

/// A mailed link.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LinkQuery {
    /// The secret of the link.
    #[param(max_length = 200)]
    token: String,
}

/// Shows which mail the caller gets.
///
/// Mail that is needed for what a person has under way is always sent; the rest only with the consent `product_mail`
/// and unless it is switched off here.
#[utoipa::path(
    tag = "notifications",
    responses((status = 200, description = "The preferences.", body = MailPreferencesView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/me/mail_preferences")]
async fn get_mail_preferences(ctx: Data<Ctx>, caller: Auth<Reader>) -> Outcome {
    let view = service::preferences(&ctx, &caller).await?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// Changes which mail the caller gets.
#[utoipa::path(
    tag = "notifications",
    request_body(content = MailPreferences, content_type = "application/merge-patch+json", description = "Any of the members."),
    responses((status = 200, description = "The preferences.", body = MailPreferencesView)),
    extensions(("x-access" = json!("manager")), ("x-if-match" = json!(true)))
)]
#[patch("/v1/me/mail_preferences")]
async fn update_mail_preferences(
    ctx: Data<Ctx>,
    caller: Auth<Manager>,
    seen: IfMatch,
    patch: MergePatchDocument,
) -> Outcome {
    let view = service::update_preferences(&ctx, &caller, &seen, &patch.0).await?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// Shows the page of an unsubscribe link.
///
/// It changes nothing: mail scanners open links. The button of the page does.
#[utoipa::path(
    tag = "notifications",
    params(LinkQuery),
    responses((status = 200, description = "A page with a button.", content_type = "text/html", body = String)),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/mail/unsubscribe")]
async fn show_unsubscribe(ctx: Data<Ctx>, query: Query<LinkQuery>) -> Outcome {
    let about = service::look_at_link(&ctx, &query.0.token)?;
    let body = format!(
        "<p>Get no more mail about {about}?</p>\n<form method=\"post\"><button>Unsubscribe</button></form>\n"
    );
    Ok(Reply::html(page("Unsubscribe", &body)))
}

/// Stops mail by an unsubscribe link.
///
/// One click (RFC 8058): mail programs post here without asking further. Repeating it changes nothing. The body is
/// not read.
#[utoipa::path(
    tag = "notifications",
    params(LinkQuery),
    responses((status = 200, description = "It has stopped.", content_type = "text/html", body = String)),
    extensions(("x-access" = json!("public")))
)]
#[post("/v1/mail/unsubscribe")]
async fn unsubscribe(ctx: Data<Ctx>, query: Query<LinkQuery>) -> Outcome {
    let about = service::unsubscribe(&ctx, &query.0.token).await?;
    let body = format!(
        "<p>You get no more mail about {about}. Your account's mail preferences turn it on again.</p>\n"
    );
    Ok(Reply::html(page("Unsubscribed", &body)))
}
