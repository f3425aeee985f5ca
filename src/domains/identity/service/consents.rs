//! Consents: what a person has agreed to, in which version, and what they took back.

use assay_kernel::ids::AccountId;
use assay_kernel::{Actor, Code, Error, FieldError, Page, Result, Scope};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use assay_platform::policy::{ConsentText, Policy};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

use crate::model::{ConsentAct, ConsentKind};
use crate::store;
use crate::store::consents::ConsentRow;

/// Gives a consent.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveConsent {
    /// The version that the person has read: the current one.
    #[validate(length(max = 40))]
    #[schema(max_length = 40, example = "2026-11-21")]
    pub version: String,
}

/// A consent, as the person sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ConsentView {
    /// What is agreed to.
    pub kind: ConsentKind,
    /// What is agreed to, in words.
    pub text: String,
    /// The version of the text in force.
    #[schema(example = "2026-11-21")]
    pub current_version: String,
    /// What cannot be had without it.
    pub needed_for: &'static str,
    /// Can it be taken back while the account stays?
    pub can_be_withdrawn: bool,
    /// Has the person agreed to the version in force?
    pub given: bool,
    /// The version that they agreed to last; none when they never did or took it back.
    #[schema(example = "2026-11-21")]
    pub given_version: Option<String>,
    /// When they agreed to it.
    pub given_at: Option<DateTime<Utc>>,
    /// When they took it back; none when they did not.
    pub withdrawn_at: Option<DateTime<Utc>>,
}

fn text(policy: &Policy, kind: ConsentKind) -> &ConsentText {
    match kind {
        ConsentKind::Terms => &policy.consents.terms,
        ConsentKind::Vetting => &policy.consents.vetting,
        ConsentKind::ProductMail => &policy.consents.product_mail,
    }
}

fn is_given(row: &ConsentRow) -> bool {
    row.act == ConsentAct::Given.as_str()
}

fn view(policy: &Policy, kind: ConsentKind, newest: Option<ConsentRow>) -> ConsentView {
    let ConsentText { version, text } = text(policy, kind).clone();
    let (given, withdrawn) = match newest {
        Some(row) if is_given(&row) => (Some(row), None),
        other => (None, other),
    };
    ConsentView {
        kind,
        text,
        needed_for: kind.needed_for(),
        can_be_withdrawn: kind.can_be_withdrawn(),
        given: given.as_ref().is_some_and(|row| row.version == version),
        current_version: version,
        given_at: given.as_ref().map(|row| row.at),
        given_version: given.map(|row| row.version),
        withdrawn_at: withdrawn.map(|row| row.at),
    }
}

/// Has the person agreed to the version in force?
pub async fn has_consent(
    conn: &mut Conn,
    policy: &Policy,
    account: AccountId,
    kind: ConsentKind,
) -> Result<bool> {
    let newest = store::consents::newest(conn, account, kind.as_str()).await?;
    Ok(newest.is_some_and(|row| is_given(&row) && row.version == text(policy, kind).version))
}

/// What is wrong with a version that somebody agrees to.
pub(super) fn outdated(ctx: &Ctx, kind: ConsentKind, version: &str, pointer: &str) -> Option<FieldError> {
    let current = &text(&ctx.policy, kind).version;
    (version != current).then(|| FieldError {
        pointer: pointer.to_owned(),
        code: "unknown_value".to_owned(),
        detail: format!("the version of `{kind}` in force is {current}"),
    })
}

/// Adds to the person's history.
pub(super) async fn record(
    ctx: &Ctx,
    conn: &mut Conn,
    account: AccountId,
    kind: ConsentKind,
    act: ConsentAct,
) -> Result<ConsentRow> {
    let row = ConsentRow {
        id: ctx.ids.uuid(),
        account_id: account.uuid(),
        kind: kind.to_string(),
        version: text(&ctx.policy, kind).version.clone(),
        act: act.to_string(),
        at: ctx.clock.now(),
    };
    store::consents::insert(conn, &row).await?;
    Ok(row)
}

async fn tell(ctx: &Ctx, conn: &mut Conn, account: AccountId, row: &ConsentRow) -> Result<()> {
    let data = json!({ "kind": row.kind, "version": row.version });
    let event = format!("consent.{}", row.act);
    outbox::publish(ctx, conn, &event, account.to_string(), data, &[Audience::Account(account)]).await
}

/// Every consent that the person is asked for.
pub async fn list(ctx: &Ctx, actor: &Actor) -> Result<Page<ConsentView>> {
    let mut views = Vec::new();
    let history =
        ctx.db.read(async |conn| Ok(store::consents::history(conn, actor.account_id).await?)).await?;
    for kind in ConsentKind::ALL {
        let newest = history.iter().rfind(|row| row.kind == kind.as_str()).cloned();
        views.push(view(&ctx.policy, *kind, newest));
    }
    Ok(Page::whole(views))
}

/// Agrees to the version in force. Agreeing again changes nothing.
pub async fn give(ctx: &Ctx, actor: &Actor, kind: ConsentKind, input: &GiveConsent) -> Result<ConsentView> {
    let account = actor.account_id;
    if let Some(fault) = outdated(ctx, kind, &input.version, "/version") {
        return Err(Error::invalid(vec![fault]));
    }
    ctx.db
        .tx(async |conn| {
            // Held, so that two at once leave one row.
            store::accounts::lock(conn, account).await?;
            if has_consent(conn, &ctx.policy, account, kind).await? {
                let newest = store::consents::newest(conn, account, kind.as_str()).await?;
                return Ok(view(&ctx.policy, kind, newest));
            }
            let row = record(ctx, conn, account, kind, ConsentAct::Given).await?;
            tell(ctx, conn, account, &row).await?;
            if kind == ConsentKind::Terms {
                store::accounts::set_terms_version(conn, account, &row.version, row.at).await?;
            }
            Ok(view(&ctx.policy, kind, Some(row)))
        })
        .await
}

/// Takes a consent back. Taking back what was not given changes nothing.
pub async fn withdraw(ctx: &Ctx, actor: &Actor, kind: ConsentKind) -> Result<ConsentView> {
    // Also for somebody who is suspended: the right does not depend on good standing.
    actor.require_scope(Scope::Account)?;
    if !kind.can_be_withdrawn() {
        return Err(Error::new(Code::StateConflict, kind.needed_for()));
    }
    let account = actor.account_id;
    ctx.db
        .tx(async |conn| {
            store::accounts::lock(conn, account).await?;
            let newest = store::consents::newest(conn, account, kind.as_str()).await?;
            if !newest.as_ref().is_some_and(is_given) {
                return Ok(view(&ctx.policy, kind, newest));
            }
            let row = record(ctx, conn, account, kind, ConsentAct::Withdrawn).await?;
            tell(ctx, conn, account, &row).await?;
            Ok(view(&ctx.policy, kind, Some(row)))
        })
        .await
}
