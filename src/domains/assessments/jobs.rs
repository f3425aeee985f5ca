//! The timers of this domain, as jobs.

use assay_platform::jobs::Registry;

use crate::service::Assessments;

/// Registers the handlers.
pub fn jobs(_registry: &mut Registry, _assessments: &Assessments) {}
