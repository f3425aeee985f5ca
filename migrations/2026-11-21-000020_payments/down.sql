DROP TABLE provider_differences, provider_transactions, provider_cursors, provider_object_leases, provider_events, payouts,
    provider_disputes, reversals, refunds, transfers, payees, payments, payment_methods, payment_customers,
    provider_commands;
