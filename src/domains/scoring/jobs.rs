//! The jobs of this domain.

use assay_platform::jobs::Registry;

/// Registers the handlers.
pub fn jobs(_registry: &mut Registry) {}
