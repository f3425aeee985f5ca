//! What must be true of money, in plain words and sums: no ledger, no provider, no tables.

use assay_ledger::Held;
use uuid::Uuid;

use super::world::Fate;

/// Of what is released or given back: the client's fee, the developer's.
pub const CLIENT_BPS: i64 = 1_500;
pub const DEVELOPER_BPS: i64 = 500;

/// The fee on a sum, a half rounded up.
fn fee_of(sum: i64, bps: i64) -> i64 {
    (sum * bps + 5_000) / 10_000
}

/// What was decided.
#[derive(Clone, Debug)]
pub enum What {
    Release {
        held: Held,
        amount: i64,
        developer_fee: i64,
        client_fee: i64,
    },
    Refund {
        held: Held,
        amount: i64,
        fee: i64,
    },
    /// Released money back.
    TakeBack {
        amount: i64,
        fee: i64,
    },
}

/// A decision that was acknowledged.
#[derive(Clone, Debug)]
pub struct Decision {
    pub id: Uuid,
    pub what: What,
    /// The provider said no for good, or it came back: as if it had not been decided.
    pub undone: bool,
}

/// What the payer's bank has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bank {
    Silent,
    Disputes,
    Won,
    Lost,
}

/// A milestone's money.
#[derive(Clone, Debug)]
pub struct Milestone {
    pub id: Uuid,
    pub fate: Fate,
    pub method: usize,
    pub amount: i64,
    /// Payments that were asked for.
    pub asked: i64,
    /// It was told that the money is here.
    pub funded: bool,
    pub held_back: i64,
    pub decisions: Vec<Decision>,
    pub bank: Bank,
    /// The bank disputed at some time: what the provider refused then is refused for good.
    pub was_disputed: bool,
}

impl Milestone {
    pub fn new(id: Uuid, method: usize, fate: Fate, amount: i64) -> Self {
        Self {
            id,
            fate,
            method,
            amount,
            asked: 0,
            funded: false,
            held_back: 0,
            decisions: Vec::new(),
            bank: Bank::Silent,
            was_disputed: false,
        }
    }

    /// The client's fee on all of it.
    pub fn fee(&self) -> i64 {
        fee_of(self.amount, CLIENT_BPS)
    }

    fn standing(&self) -> impl Iterator<Item = &What> {
        self.decisions.iter().filter(|decision| !decision.undone).map(|decision| &decision.what)
    }

    /// What left one of the two holds.
    fn left(&self, of: Held) -> i64 {
        self.standing()
            .map(|what| match what {
                What::Release { held, amount, .. } | What::Refund { held, amount, .. } if *held == of => {
                    *amount
                }
                _ => 0,
            })
            .sum()
    }

    /// What is held, and free to be decided on.
    pub fn free(&self) -> i64 {
        if self.funded { self.amount - self.held_back - self.left(Held::Free) } else { 0 }
    }

    /// What is held back.
    pub fn frozen(&self) -> i64 {
        self.held_back - self.left(Held::Frozen)
    }

    pub fn held(&self, held: Held) -> i64 {
        if held == Held::Free { self.free() } else { self.frozen() }
    }

    /// The client's fee that is neither earned nor given back.
    pub fn deferred(&self) -> i64 {
        let taken: i64 = self
            .standing()
            .map(|what| match what {
                What::Release { client_fee, .. } => *client_fee,
                What::Refund { fee, .. } => *fee,
                What::TakeBack { .. } => 0,
            })
            .sum();
        if self.funded { self.fee() - taken } else { 0 }
    }

    /// The fees that go with a part: what is due on all that left the holds, this part included, less what was taken.
    pub fn client_fee_with(&self, part: i64) -> i64 {
        let left = self.left(Held::Free) + self.left(Held::Frozen);
        (fee_of(left + part, CLIENT_BPS) - (self.fee() - self.deferred())).clamp(0, self.deferred())
    }

    fn released(&self) -> (i64, i64, i64) {
        self.standing().fold((0, 0, 0), |(sum, developers, clients), what| match what {
            What::Release { amount, developer_fee, client_fee, .. } => {
                (sum + amount, developers + developer_fee, clients + client_fee)
            }
            _ => (sum, developers, clients),
        })
    }

    pub fn developer_fee_with(&self, part: i64) -> i64 {
        let (sum, developers, _) = self.released();
        (fee_of(sum + part, DEVELOPER_BPS) - developers).clamp(0, part)
    }

    /// What developers were to have of it, less what was taken back; and the client's fees earned, less those given back.
    pub fn earned(&self) -> (i64, i64) {
        let (sum, developers, clients) = self.released();
        let (back, fees) = self.taken_back();
        (sum - developers - back, clients - fees)
    }

    fn taken_back(&self) -> (i64, i64) {
        self.decisions.iter().fold((0, 0), |(sum, fees), decision| match decision.what {
            // Undone, the client has credit instead; the developer has given it back all the same.
            What::TakeBack { amount, fee } => (sum + amount, fees + fee),
            _ => (sum, fees),
        })
    }

    /// What goes back to the client in all.
    pub fn refunded(&self) -> i64 {
        self.standing()
            .map(|what| match what {
                What::Refund { amount, fee, .. } | What::TakeBack { amount, fee } => amount + fee,
                What::Release { .. } => 0,
            })
            .sum()
    }

    /// What the client has with us instead of a refund: nothing once the bank has given them all of it.
    pub fn credit(&self) -> i64 {
        if self.bank == Bank::Lost {
            return 0;
        }
        self.decisions
            .iter()
            .map(|decision| match decision.what {
                What::TakeBack { amount, fee } if decision.undone => amount + fee,
                _ => 0,
            })
            .sum()
    }

    /// The bank has never spoken: whatever the door says must be what the book says.
    pub fn is_plain(&self) -> bool {
        !self.was_disputed && self.fate != Fate::Disputed
    }
}
