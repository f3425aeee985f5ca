//! Use cases: authorise → lock the contract, then its milestones → model → store → money, events, timers, mail.

pub mod changes;
pub mod checks;
pub mod clocks;
mod decide;
pub mod disputes;
pub mod draw;
pub mod funding;
pub(crate) mod invariants;
pub mod lifecycle;
pub mod messages;
mod notify;
pub mod refunds;
pub mod review;
pub mod ties;
pub mod views;

use assay_kernel::ids::{AccountId, BidId, ContractId, MilestoneId, OrganisationId, ProjectId};
use assay_kernel::process::Who;
use assay_kernel::{Actor, Code, Currency, Error, Money, Permission, Result, Scope};
use assay_platform::Ctx;
use assay_platform::db::Conn;

use crate::model::{Agreed, ContractState, MilestoneState, Side, SoFar};
use crate::store;
use crate::store::contracts::ContractRow;
use crate::store::milestones::MilestoneRow;

/// What a caller is to a contract.
#[derive(Debug, Clone, Copy)]
pub struct Seat {
    /// On which side; none for finance staff, who read, and reviewers, who read what is disputed.
    pub side: Option<Side>,
    /// May they act for it?
    pub acts: bool,
}

impl Seat {
    /// Who they are in process tables.
    pub fn who(&self) -> Vec<Who> {
        self.side.filter(|_| self.acts).map(Side::who).into_iter().collect()
    }

    /// The side that they act for.
    ///
    /// # Errors
    /// `forbidden` for those who only read.
    pub fn acting(&self) -> Result<Side> {
        self.side.filter(|_| self.acts).ok_or_else(|| {
            Error::new(Code::Forbidden, "This is for the parties of the contract who may act.")
        })
    }
}

impl ContractRow {
    /// The contract's id.
    pub fn contract_id(&self) -> ContractId {
        ContractId::from_uuid(self.id)
    }

    /// The client.
    pub fn organisation(&self) -> OrganisationId {
        OrganisationId::from_uuid(self.organisation_id)
    }

    /// Who works.
    pub fn developer(&self) -> AccountId {
        AccountId::from_uuid(self.developer_id)
    }

    /// Who speaks for the client: whoever drew the contract up.
    pub fn speaker(&self) -> AccountId {
        AccountId::from_uuid(self.drawn_up_by_id)
    }

    /// The project.
    pub fn project(&self) -> ProjectId {
        ProjectId::from_uuid(self.project_id)
    }

    /// The accepted bid.
    pub fn bid(&self) -> BidId {
        BidId::from_uuid(self.bid_id)
    }

    /// Its state.
    pub fn state(&self) -> Result<ContractState> {
        self.state.parse()
    }
}

impl MilestoneRow {
    /// The milestone's id.
    pub fn milestone_id(&self) -> MilestoneId {
        MilestoneId::from_uuid(self.id)
    }

    /// Its state.
    pub fn state(&self) -> Result<MilestoneState> {
        self.state.parse()
    }

    /// Its currency.
    pub fn currency(&self) -> Result<Currency> {
        Ok(money_of(0, &self.currency)?.currency)
    }

    /// What was agreed on its money.
    pub fn agreed(&self, contract: &ContractRow) -> Agreed {
        contract.terms.agreed(self.amount)
    }

    /// What happened to its money.
    pub fn so_far(&self) -> SoFar {
        SoFar {
            released: self.released,
            held_back: self.held_back,
            freed: self.freed,
            developer_fee: self.developer_fee,
            client_fee: self.client_fee,
            refunded: self.refunded,
        }
    }

    /// What can be accepted in all: the amount, but for what the payer's bank has taken of it.
    pub fn there(&self) -> i64 {
        self.so_far().of(self.amount)
    }

    /// What of that is not accepted.
    pub fn undecided(&self) -> i64 {
        self.there().saturating_sub(self.so_far().accepted())
    }

    /// The weight of the deliverables that are accepted, basis points.
    pub fn accepted_weight(&self) -> u32 {
        let accepted = |id| self.standing.iter().any(|s| s.deliverable_id == id && s.accepted_at.is_some());
        self.document.deliverables.iter().filter(|d| accepted(d.id)).map(|d| d.weight_bps).sum()
    }
}

/// A stored amount.
pub(crate) fn money_of(amount: i64, currency: &str) -> Result<Money> {
    let currency =
        Currency::parse(currency).ok_or_else(|| Error::internal("a stored currency is unknown"))?;
    Ok(Money::new(amount, currency))
}

/// What the actor is to the contract.
///
/// # Errors
/// `not_found` for strangers.
pub(crate) async fn seat(conn: &mut Conn, actor: &Actor, contract: &ContractRow) -> Result<Seat> {
    if contract.developer() == actor.account_id {
        return Ok(Seat { side: Some(Side::Developer), acts: actor.scopes.contains(&Scope::Bid) });
    }
    let member = assay_identity::membership(conn, actor.account_id, contract.organisation()).await?;
    match member {
        Some(member) => {
            let acts = member.role.can_hire() && actor.scopes.contains(&Scope::Hire);
            Ok(Seat { side: Some(Side::Client), acts })
        }
        None if actor.is(Permission::Finance) && actor.scopes.contains(&Scope::Account) => {
            Ok(Seat { side: None, acts: false })
        }
        // Who mediates and arbitrates reads what the sides disagree over, without a part in it.
        None if actor.is(Permission::Reviewer)
            && actor.scopes.contains(&Scope::Account)
            && store::disputes::any_of_contract(conn, contract.id).await?
            && !store::disputes::is_tied(conn, actor.account_id, contract.id).await? =>
        {
            Ok(Seat { side: None, acts: false })
        }
        None => Err(Error::not_found("contract")),
    }
}

/// A contract and what the actor is to it.
pub(crate) async fn read(conn: &mut Conn, actor: &Actor, id: ContractId) -> Result<(ContractRow, Seat)> {
    let row = store::contracts::find(conn, id).await?.ok_or_else(|| Error::not_found("contract"))?;
    let seat = seat(conn, actor, &row).await?;
    Ok((row, seat))
}

/// Locks a contract for an act of the actor.
pub(crate) async fn lock(conn: &mut Conn, actor: &Actor, id: ContractId) -> Result<(ContractRow, Seat)> {
    let row = store::contracts::lock(conn, id).await?.ok_or_else(|| Error::not_found("contract"))?;
    let seat = seat(conn, actor, &row).await?;
    Ok((row, seat))
}

/// Locks a milestone, its contract first.
pub(crate) async fn lock_pair(
    conn: &mut Conn,
    id: MilestoneId,
) -> Result<Option<(ContractRow, MilestoneRow)>> {
    let Some(contract) = store::milestones::contract_of(conn, id).await? else { return Ok(None) };
    let contract = store::contracts::lock(conn, ContractId::from_uuid(contract)).await?;
    let milestone = store::milestones::lock(conn, id).await?;
    Ok(contract.zip(milestone))
}

/// Locks a milestone for an act of the actor.
pub(crate) async fn lock_milestone(
    conn: &mut Conn,
    actor: &Actor,
    id: MilestoneId,
) -> Result<(ContractRow, MilestoneRow, Seat)> {
    let missing = || Error::not_found("milestone");
    let (contract, milestone) = lock_pair(conn, id).await?.ok_or_else(missing)?;
    let seat = seat(conn, actor, &contract).await.map_err(|error| match error.code() {
        Code::NotFound => missing(),
        _ => error,
    })?;
    Ok((contract, milestone, seat))
}

pub(crate) async fn save(ctx: &Ctx, conn: &mut Conn, row: &mut ContractRow) -> Result<()> {
    row.version = row.version.saturating_add(1);
    row.updated_at = ctx.clock.now();
    Ok(store::contracts::update(conn, row).await?)
}

pub(crate) async fn save_milestone(ctx: &Ctx, conn: &mut Conn, row: &mut MilestoneRow) -> Result<()> {
    row.version = row.version.saturating_add(1);
    row.updated_at = ctx.clock.now();
    Ok(store::milestones::update(conn, row).await?)
}
