-- The role assay_ledger belongs to the cluster and stays.
DROP FUNCTION ledger_post, ledger_horizon;
DROP TABLE ledger_checks, ledger_snapshots, ledger_guards, ledger_entries, ledger_transactions, ledger_accounts, ledger_kinds;
DROP FUNCTION ledger_refuse, ledger_account_opened, ledger_transaction_posted;
