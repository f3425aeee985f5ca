//! What the ranking learns from its own outcomes, nightly, and when that comes into force.

use std::collections::HashMap;

use assay_kernel::{Error, Result};
use assay_platform::db::{self, Conn};
use assay_platform::outbox::{self, Audience};
use serde_json::json;
use uuid::Uuid;

use super::live::{Source, contract};
use crate::model::facts;
use crate::model::learn::{Parameters, learn, log_loss};
use crate::model::market::{Contract, Invitation};
use crate::model::snapshot::{ALWAYS, Snapshot};
use crate::store;
use crate::store::history::{Answered, Ended};
use crate::store::parameters::ParametersRow;

/// Answers and outcomes looked at, the latest.
const MOST: i64 = 50_000;
/// Of five parts in time, four teach and the last one judges.
const PARTS: usize = 5;

/// Stored parameters with their version; the priors, version 0, where none are stored.
///
/// # Errors
/// When what is stored has another shape.
pub fn parameters_of(row: Option<ParametersRow>) -> Result<(Parameters, i32)> {
    let Some(row) = row else { return Ok((Parameters::default(), 0)) };
    let misshapen = |_| Error::internal("stored parameters have another shape");
    let count = |count: i32| usize::try_from(count).unwrap_or(0);
    let parameters = Parameters {
        acceptance: row.acceptance.try_into().map_err(misshapen)?,
        success: row.success.try_into().map_err(misshapen)?,
        record_variance: row.record_variance,
        learned_from: (count(row.answers), count(row.outcomes)),
    };
    Ok((parameters, row.version))
}

/// Learns when there are outcomes enough and more than the last time. What is learned comes into force only when it
/// tells the later part of the history better than what is in force.
///
/// # Errors
/// The database's.
pub async fn learn_nightly(source: &Source) -> Result<()> {
    let ctx = &source.ctx;
    let (ended, answered) = ctx
        .db
        .read(async |conn| {
            Ok((store::history::ended(conn, None).await?, store::history::answered(conn, MOST).await?))
        })
        .await?;
    let count = i64::try_from(ended.len()).unwrap_or(i64::MAX);
    if count < ctx.policy.matching.min_outcomes {
        tracing::info!(outcomes = count, "too few outcomes to learn from; the priors hold");
        return Ok(());
    }
    let mut people: Vec<Uuid> =
        ended.iter().map(|one| one.developer).chain(answered.iter().map(|one| one.developer)).collect();
    people.sort_unstable();
    people.dedup();
    ctx.db.tx(async |conn| learn_in(source, conn, &people, &ended, &answered).await).await
}

async fn learn_in(
    source: &Source,
    conn: &mut Conn,
    people: &[Uuid],
    ended: &[Ended],
    answered: &[Answered],
) -> Result<()> {
    let ctx = &source.ctx;
    db::advisory_lock(conn, LOCK_LEARN).await?;
    let newest = store::parameters::newest(conn).await?;
    let (current, current_version) = parameters_of(store::parameters::current(conn).await?)?;
    let counts =
        (i32::try_from(answered.len()).unwrap_or(i32::MAX), i32::try_from(ended.len()).unwrap_or(i32::MAX));
    if newest.as_ref().is_some_and(|row| (row.answers, row.outcomes) == counts) {
        return Ok(());
    }
    let mut snapshot = Snapshot::empty(&facts::entries(&source.taxonomy), ctx.policy.matching.must_level);
    let mut rows = HashMap::new();
    let mut rates = HashMap::new();
    for page in people.chunks(5_000) {
        for facts in source.facts(conn, page.to_vec()).await? {
            rates.insert(facts.id, facts.developer.rate);
            let row = snapshot.push(facts.id.as_u128(), &facts.developer, facts.scores, ALWAYS);
            rows.insert(facts.id.to_string(), row);
        }
    }
    let row_of = |id: &str| rows.get(id).copied();
    let contracts: Vec<Contract> = ended.iter().map(|one| contract(one.clone(), &source.taxonomy)).collect();
    let invitations: Vec<Invitation> =
        answered.iter().filter_map(|one| invitation(one, &rates, source)).collect();
    let cut = |len: usize| len - len / PARTS;
    let (earlier, later) = contracts.split_at(cut(contracts.len()));
    let (invited, invited_later) = invitations.split_at(cut(invitations.len()));

    let learned = learn(&mut snapshot, row_of, invited, earlier);
    let loss = log_loss(&snapshot, row_of, &learned, invited_later, later);
    for (row, record) in crate::model::learn::records(&snapshot, row_of, &current, earlier) {
        snapshot.set_record(row, &record);
    }
    let loss_before = log_loss(&snapshot, row_of, &current, invited_later, later);
    let promoted = loss < loss_before;
    let row = ParametersRow {
        version: newest.map_or(1, |row| row.version + 1),
        acceptance: learned.acceptance.to_vec(),
        success: learned.success.to_vec(),
        record_variance: learned.record_variance,
        answers: counts.0,
        outcomes: counts.1,
        loss,
        loss_before,
        promoted,
        learned_at: ctx.clock.now(),
    };
    if !store::parameters::insert(conn, &row).await? {
        return Ok(());
    }
    tracing::info!(version = row.version, loss, loss_before, promoted, "the ranking has learned");
    if promoted {
        let data = json!({ "version": row.version, "before": current_version, "loss": loss, "loss_before": loss_before });
        let audience = [Audience::Staff(assay_kernel::Permission::Admin)];
        outbox::publish(ctx, conn, "match_parameters.promoted", format!("v{}", row.version), data, &audience)
            .await?;
    }
    Ok(())
}

/// One process learns at a time.
const LOCK_LEARN: i64 = 0x4153_0031;

fn invitation(one: &Answered, rates: &HashMap<Uuid, f64>, source: &Source) -> Option<Invitation> {
    let first = one.skills.iter().find(|skill| skill.must);
    let family = first.and_then(|skill| source.taxonomy.get(&skill.skill)).map(|skill| skill.family.clone());
    Some(Invitation {
        developer_id: one.developer.to_string(),
        domain: family.unwrap_or_default(),
        rate: *rates.get(&one.developer)?,
        max_rate: one.rate_usd_minor as f64 / 100.0,
        accepted: one.accepted,
    })
}
