//! What a use case is given: the database, the clock, ids, randomness, keys, policy and configuration.

use std::sync::Arc;

use assay_kernel::{Clock, Entropy, IdSource};

use crate::config::Config;
use crate::crypto::Keyring;
use crate::db::Db;
use crate::policy::Policy;

/// The surroundings of a use case. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    /// The database.
    pub db: Db,
    /// The one clock.
    pub clock: Clock,
    /// Makes ids.
    pub ids: IdSource,
    /// Randomness for secrets.
    pub entropy: Entropy,
    /// Keys for sealing and signing.
    pub keys: Arc<Keyring>,
    /// The policy numbers in force.
    pub policy: Arc<Policy>,
    /// The effective configuration.
    pub config: Arc<Config>,
}

impl AsRef<Ctx> for Ctx {
    fn as_ref(&self) -> &Ctx {
        self
    }
}
