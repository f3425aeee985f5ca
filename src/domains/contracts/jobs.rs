//! The clocks of this domain, as jobs.

use assay_platform::jobs::Registry;

use crate::service::clocks;
use crate::service::disputes::clocks as disputes;

/// Registers the handlers.
pub fn jobs(registry: &mut Registry) {
    registry.on("timer:contract:lapse", clocks::on_lapse);
    registry.on("timer:contract:notice_over", clocks::on_notice_over);
    registry.on("timer:contract:expire_proposal", clocks::on_expire_proposal);
    registry.on("timer:change_order:expire", clocks::on_change_order_expired);
    registry.on("timer:milestone:review_half", clocks::on_review_warning);
    registry.on("timer:milestone:review_last_day", clocks::on_review_warning);
    registry.on("timer:milestone:auto_accept", clocks::on_auto_accept);
    registry.on("timer:milestone:grant_refund", clocks::on_refund_silence);
    registry.on("timer:milestone:late", clocks::on_late);
    registry.on("timer:milestone:never_delivered_notice", clocks::on_never_delivered_notice);
    registry.on("timer:milestone:never_delivered", clocks::on_never_delivered);
    registry.on("timer:milestone:hold_notice", clocks::on_hold_notice);
    registry.on("timer:milestone:hold_deadline", clocks::on_hold_deadline);
    registry.on("timer:milestone:free_holdback", clocks::on_free_holdback);
    registry.on("timer:dispute:second_notice", disputes::on_second_notice);
    registry.on("timer:dispute:default", disputes::on_default);
    registry.on("timer:dispute:escalate", disputes::on_escalate);
    registry.on("timer:dispute:proposal_overdue", disputes::on_proposal_overdue);
    registry.on("timer:dispute:give_up_proposal", disputes::on_proposal_given_up);
    registry.on("timer:dispute:award_overdue", disputes::on_award_overdue);
    registry.on("timer:dispute:appeal_overdue", disputes::on_appeal_overdue);
    registry.on("timer:dispute:execute", disputes::on_execute);
    registry.on("timer:dispute:hold_ending", disputes::on_hold_ending);
    registry.on("timer:dispute:hold_deadline", disputes::on_hold_deadline);
}
