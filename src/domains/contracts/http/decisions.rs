//! What callers see of decisions on money.

use assay_kernel::ids::{AccountId, DisputeId, MoneyDecisionId};
use assay_kernel::{Money, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::DecisionKind;
use crate::store::milestones::DecisionRow;

/// A decision on a milestone's money.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionView {
    /// Its id.
    pub id: MoneyDecisionId,
    /// What kind.
    pub kind: DecisionKind,
    /// Did it close the milestone?
    pub terminal: bool,
    /// Who decided; none for clocks and checks.
    pub decided_by: Option<AccountId>,
    /// To the developer, before their fee.
    pub released: Money,
    /// Taken from that.
    pub developer_fee: Money,
    /// Earned of the client's fee.
    pub client_fee: Money,
    /// Held back.
    pub held_back: Money,
    /// Back to the client.
    pub refunded: Money,
    /// Of the client's fee, back to the client.
    pub refunded_fee: Money,
    /// After a release: taken back from the developer, for the client.
    pub taken_back: Money,
    /// After a release: given back by the platform of its fees.
    pub taken_back_fee: Money,
    /// Kept by the platform for an arbitration.
    pub arbitration_fee: Money,
    /// The dispute that ended so.
    pub dispute_id: Option<DisputeId>,
    /// When.
    pub decided_at: DateTime<Utc>,
}

impl DecisionView {
    /// The decision.
    pub fn new(row: DecisionRow, money: impl Fn(i64) -> Money) -> Result<Self> {
        Ok(Self {
            id: MoneyDecisionId::from_uuid(row.id),
            kind: row.kind.parse()?,
            terminal: row.terminal,
            decided_by: row.decided_by_id.map(AccountId::from_uuid),
            released: money(row.released),
            developer_fee: money(row.developer_fee),
            client_fee: money(row.client_fee),
            held_back: money(row.held_back),
            refunded: money(row.refunded),
            refunded_fee: money(row.refunded_fee),
            taken_back: money(row.taken_back),
            taken_back_fee: money(row.taken_back_fee),
            arbitration_fee: money(row.arbitration_fee),
            dispute_id: row.dispute_id.map(DisputeId::from_uuid),
            decided_at: row.decided_at,
        })
    }
}
