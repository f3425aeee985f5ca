//! The timer of approvals.

use assay_kernel::ids::ApprovalId;
use assay_platform::jobs::Registry;
use assay_platform::timers::Fired;

use crate::service;

/// Registers the jobs of vetting.
pub fn jobs(registry: &mut Registry) {
    registry.on("timer:approval:expire", |ctx, fired: Fired| async move {
        service::expire_approval(&ctx, ApprovalId::from_uuid(fired.subject)).await
    });
}
