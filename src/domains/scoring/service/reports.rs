//! What is published of the scores themselves: do they foretell deliveries, and are groups approved alike?

use std::collections::{BTreeMap, HashMap};

use assay_kernel::ids::AccountId;
use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::web::IfMatch;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::model::impact::{GroupCounts, GroupImpact, impact};
use crate::model::validity::{Known, Needed, ValidityReport, validity};
use crate::store;
use crate::store::demographics::DemographicsRow;
use crate::store::outcomes::OutcomeRow;

fn known(row: OutcomeRow, raters: &HashMap<Uuid, Vec<(Uuid, DateTime<Utc>)>>) -> Option<Known> {
    let raters = raters.get(&row.developer_id).map_or(&[][..], Vec::as_slice);
    let before = raters.iter().filter(|(_, since)| *since <= row.occurred_at);
    Some(Known {
        developer: row.developer_id,
        technical: row.technical_theta?,
        collaboration: row.collaboration_theta.unwrap_or(0.0),
        fit: row.fit_bps.map(|bps| f64::from(bps) / 10_000.0),
        rubric_version: row.rubric_version?,
        assessors: before.map(|(rater, _)| *rater).collect(),
        delivered: row.accepted_bps == 10_000 && !row.disputed,
    })
}

async fn judge(ctx: &Ctx, conn: &mut Conn) -> Result<ValidityReport> {
    let mut raters: HashMap<Uuid, Vec<(Uuid, DateTime<Utc>)>> = HashMap::new();
    for (developer, rater, since) in store::cards::raters(conn).await? {
        raters.entry(developer).or_default().push((rater, since));
    }
    let outcomes = store::outcomes::scored(conn).await?;
    let known: Vec<Known> = outcomes.into_iter().filter_map(|row| known(row, &raters)).collect();
    let policy = &ctx.policy.scoring;
    let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let needed = Needed {
        outcomes: number(policy.validity_min_outcomes),
        developers: number(policy.validity_min_developers),
        of_each: number(policy.validity_min_of_each),
    };
    tokio::task::spawn_blocking(move || validity(&known, needed)).await.map_err(Error::internal)
}

/// Judges the scores by all outcomes, and keeps the report: once a night.
///
/// # Errors
/// When the database fails.
pub async fn nightly_validity(ctx: &Ctx) -> Result<()> {
    let report = ctx.db.read(async |conn| judge(ctx, conn).await).await?;
    ctx.db
        .tx(async |conn| {
            let now = ctx.clock.now();
            Ok(store::reports::insert(conn, ctx.ids.uuid(), &report, now).await?)
        })
        .await
}

/// The last night's report; before the first night, what can be said now.
///
/// # Errors
/// When the database fails.
pub async fn latest_validity(ctx: &Ctx, conn: &mut Conn) -> Result<(ValidityReport, DateTime<Utc>)> {
    match store::reports::latest(conn).await? {
        Some(kept) => Ok(kept),
        None => Ok((judge(ctx, conn).await?, ctx.clock.now())),
    }
}

/// What somebody tells of themselves.
///
/// # Errors
/// `not_found` when they told nothing, or took it back.
pub async fn demographics(conn: &mut Conn, account: AccountId) -> Result<DemographicsRow> {
    store::demographics::find(conn, account).await?.ok_or_else(|| Error::not_found("demographics"))
}

/// What is told of oneself, and the text that was agreed to.
#[derive(Debug)]
pub struct Told<'a> {
    /// Of one's gender.
    pub gender: Option<&'a str>,
    /// Of one's age.
    pub age: Option<&'a str>,
    /// Of a disability.
    pub disability: Option<&'a str>,
    /// The version of the text.
    pub consent_version: &'a str,
}

/// Keeps what somebody tells of themselves, in the place of what they told before.
///
/// # Errors
/// `validation_failed` when another text than the present one was agreed to.
pub async fn tell_in(
    ctx: &Ctx,
    conn: &mut Conn,
    account: AccountId,
    told: &Told<'_>,
) -> Result<DemographicsRow> {
    let present = &ctx.policy.scoring.demographics.version;
    if told.consent_version != present {
        let detail = format!("is not the present text, whose version is {present}");
        return Err(Error::invalid_field("/consent_version", "unknown_value", detail));
    }
    let before = store::demographics::find(conn, account).await?;
    let now = ctx.clock.now();
    let row = DemographicsRow {
        account_id: account.uuid(),
        gender: told.gender.map(str::to_owned),
        age: told.age.map(str::to_owned),
        disability: told.disability.map(str::to_owned),
        consent_version: present.clone(),
        consented_at: now,
        version: before.map_or(1, |row| row.version.saturating_add(1)),
        updated_at: now,
    };
    store::demographics::upsert(conn, &row).await?;
    Ok(row)
}

/// Forgets what somebody told of themselves.
///
/// # Errors
/// `not_found`; `precondition_failed` when it has changed since it was seen.
pub async fn take_back_in(conn: &mut Conn, account: AccountId, seen: &IfMatch) -> Result<()> {
    seen.check(demographics(conn, account).await?.version)?;
    Ok(store::demographics::delete(conn, account).await?)
}

/// Are groups approved alike? By attribute, of those who agreed to be counted.
///
/// # Errors
/// When the database fails.
pub async fn adverse_impact(ctx: &Ctx, conn: &mut Conn) -> Result<BTreeMap<String, Vec<GroupImpact>>> {
    let least = u64::from(ctx.policy.scoring.impact_min_group);
    let mut attributes: BTreeMap<String, Vec<GroupCounts>> = BTreeMap::new();
    for (attribute, counts) in store::demographics::decided_by_group(conn).await? {
        attributes.entry(attribute).or_default().push(counts);
    }
    Ok(attributes.into_iter().map(|(attribute, groups)| (attribute, impact(&groups, least))).collect())
}
