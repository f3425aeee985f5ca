//! What others than the parties say of a deliverable: the sign-off of a named third party, and results of checks
//! (continuous integration, URL probes) that come signed to a webhook.

use assay_kernel::ids::{ContractId, DeliverableId, MilestoneId};
use assay_kernel::process::Who;
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::Ctx;
use assay_platform::crypto::{equal, hmac_sha256, random_token};
use assay_platform::db::Conn;
use assay_projects::AcceptanceKind;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use validator::Validate;

use super::decide::free_holdback;
use super::views::{MilestoneDetail, is_third_party, milestone_detail};
use super::{lock, lock_pair, notify, review, save, save_milestone};
use crate::model::{Check, HoldbackState, MilestoneState, Side};
use crate::store::contracts::ContractRow;
use crate::store::milestones::MilestoneRow;

/// How far the time of a signed result may lie from ours, in seconds.
const TOLERANCE: i64 = 300;

/// A third party signs off.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOff {
    /// Which deliverable; none for the condition of what is held back.
    #[serde(default)]
    pub deliverable_id: Option<DeliverableId>,
    /// What they say.
    #[serde(default)]
    #[validate(length(max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = Option<String>, max_length = 2000, example = "Checked against the ledger of March.")]
    pub note: Text,
}

/// The result of a check.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckResult {
    /// Which deliverable; none for the condition of what is held back.
    #[serde(default)]
    pub deliverable_id: Option<DeliverableId>,
    /// Did it pass? What did not pass changes nothing.
    #[schema(example = true)]
    pub passed: bool,
    /// What was found.
    #[serde(default)]
    #[validate(length(max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = Option<String>, max_length = 2000, example = "import / corpus: 214 of 214")]
    pub detail: Text,
}

fn context(contract: &ContractRow) -> String {
    format!("{}/check_secret", contract.contract_id())
}

/// Makes a new key for the signatures under results of checks; the former one holds no more.
pub async fn rotate_secret_in(ctx: &Ctx, conn: &mut Conn, actor: &Actor, id: ContractId) -> Result<String> {
    let (mut contract, seat) = lock(conn, actor, id).await?;
    if seat.acting()? != Side::Client {
        return Err(Error::new(Code::Forbidden, "The client's people hold the key of its checks."));
    }
    assay_identity::require_step_up(ctx, conn, actor).await?;
    let secret = random_token(&ctx.entropy);
    contract.check_secret = Some(ctx.keys.seal(&ctx.entropy, &context(&contract), secret.as_bytes())?);
    save(ctx, conn, &mut contract).await?;
    notify::contract(ctx, conn, &contract, "contract.check_secret_rotated", json!({})).await?;
    Ok(secret)
}

/// The named third party signs a deliverable off, or the condition of what is held back.
///
/// # Errors
/// `not_found` for everybody else; `invalid_fields` when that is not theirs to sign off.
pub async fn sign_off_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: MilestoneId,
    input: &SignOff,
) -> Result<MilestoneDetail> {
    let missing = || Error::not_found("milestone");
    let (mut contract, mut row) = lock_pair(conn, id).await?.ok_or_else(missing)?;
    if !is_third_party(actor, &contract, &row) {
        return Err(missing());
    }
    let note = (!input.note.is_empty()).then(|| input.note.to_string());
    let theirs = |check: &Check| check.account_id == Some(actor.account_id);
    pass(ctx, conn, &mut contract, &mut row, input.deliverable_id, theirs, note).await?;
    milestone_detail(ctx, conn, actor, contract, row).await
}

/// Takes a signed result: `t=<unix seconds>,v1=<hex of HMAC-SHA-256 over "<t>.<body>">`.
///
/// # Errors
/// `unauthenticated` unless the signature is of the contract's key and recent; `invalid_fields`.
pub async fn take_result_in(
    ctx: &Ctx,
    conn: &mut Conn,
    id: MilestoneId,
    signature: Option<&str>,
    body: &[u8],
) -> Result<()> {
    // One answer to all who are not the check: nothing is learned of which milestones there are.
    let refused = || Error::new(Code::Unauthenticated, "The signature does not hold.");
    let (mut contract, mut row) = lock_pair(conn, id).await?.ok_or_else(refused)?;
    let sealed = contract.check_secret.as_deref().ok_or_else(refused)?;
    let secret = ctx.keys.open(&context(&contract), sealed)?;
    if !holds(signature.unwrap_or_default(), &secret, body, ctx.clock.now()) {
        return Err(refused());
    }
    let result: CheckResult = assay_platform::input::parse(body)?;
    if !result.passed {
        let data = json!({ "deliverable_id": result.deliverable_id });
        return notify::milestone(ctx, conn, &contract, &row, "milestone.check_failed", data).await;
    }
    let note = (!result.detail.is_empty()).then(|| result.detail.to_string());
    let by_machine =
        |check: &Check| matches!(check.kind, AcceptanceKind::CiStatus | AcceptanceKind::UrlProbe);
    pass(ctx, conn, &mut contract, &mut row, result.deliverable_id, by_machine, note).await
}

fn holds(signature: &str, secret: &[u8], body: &[u8], now: DateTime<Utc>) -> bool {
    let part = |name: &str| signature.split(',').find_map(|part| part.trim().strip_prefix(name));
    let (Some(time), Some(given)) = (part("t="), part("v1=").and_then(|given| hex::decode(given).ok()))
    else {
        return false;
    };
    let recent = time.parse::<i64>().is_ok_and(|at| now.timestamp().abs_diff(at) <= TOLERANCE.unsigned_abs());
    let message = [time.as_bytes(), b".", body].concat();
    recent && equal(&hmac_sha256(secret, &message), &given)
}

/// A check has passed: it is noted; what is under review is accepted by it, what is held back freed.
async fn pass(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    row: &mut MilestoneRow,
    deliverable: Option<DeliverableId>,
    theirs: impl Fn(&Check) -> bool,
    note: Option<String>,
) -> Result<()> {
    let system = [Who::System];
    let Some(id) = deliverable else {
        let condition = contract.terms.holdback.as_ref().and_then(|holding| holding.condition.as_ref());
        if !condition.is_some_and(theirs) {
            let detail = "is needed: no such condition frees what is held back";
            return Err(Error::invalid_field("/deliverable_id", "required", detail));
        }
        if row.holdback_state == HoldbackState::Held.as_str() {
            if row.open_dispute_id.is_some() {
                let detail = "The sides disagree over this milestone's money.";
                return Err(Error::new(Code::StateConflict, detail));
            }
            free_holdback(ctx, conn, contract, row, &system, None).await?;
        }
        return Ok(());
    };
    let known = row.document.deliverables.iter().any(|one| one.id == id && theirs(&one.check));
    let standing = row.standing.iter_mut().find(|standing| standing.deliverable_id == id).filter(|_| known);
    let Some(standing) = standing else {
        let detail = "is no deliverable of the milestone that this tells of";
        return Err(Error::invalid_field("/deliverable_id", "unknown_value", detail));
    };
    standing.check_passed_at = Some(ctx.clock.now());
    let open = standing.accepted_at.is_none();
    if open && row.state()? == MilestoneState::Delivered {
        review::accept(ctx, conn, contract, row, &system, None, &[(id, note)]).await?;
    } else {
        save_milestone(ctx, conn, row).await?;
    }
    notify::milestone(ctx, conn, contract, row, "milestone.check_passed", json!({ "deliverable_id": id }))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_key_body_and_time_only() {
        let now: DateTime<Utc> = "2027-04-01T12:00:00Z".parse().unwrap();
        let at = now.timestamp();
        let sign = |secret: &[u8], at: i64, body: &str| {
            format!("t={at},v1={}", hex::encode(hmac_sha256(secret, format!("{at}.{body}").as_bytes())))
        };
        assert!(holds(&sign(b"key", at, "{}"), b"key", b"{}", now));
        assert!(holds(&sign(b"key", at - 300, "{}"), b"key", b"{}", now));
        assert!(!holds(&sign(b"key", at - 301, "{}"), b"key", b"{}", now));
        assert!(!holds(&sign(b"key", at + 301, "{}"), b"key", b"{}", now));
        assert!(!holds(&sign(b"other", at, "{}"), b"key", b"{}", now));
        assert!(!holds(&sign(b"key", at, "{}"), b"key", b"{ }", now));
        for junk in ["", "t=1", "v1=00", "t=x,v1=00", &format!("t={at},v1=zz"), &format!("t={at},v1=")] {
            assert!(!holds(junk, b"key", b"{}", now), "{junk}");
        }
    }
}
