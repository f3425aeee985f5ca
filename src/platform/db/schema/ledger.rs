//! The ledger.

diesel::table! {
    ledger_kinds (kind) {
        kind -> Text,
        side -> Int2,
        guarded -> Bool,
    }
}

diesel::table! {
    ledger_accounts (id) {
        id -> Int8,
        kind -> Text,
        owner -> Uuid,
        currency -> Text,
        side -> Int2,
        guarded -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    ledger_transactions (id) {
        id -> Int8,
        kind -> Text,
        key -> Text,
        currency -> Text,
        accounts -> Array<Int8>,
        amounts -> Array<Int8>,
        contract -> Nullable<Uuid>,
        milestone -> Nullable<Uuid>,
        reverses -> Nullable<Int8>,
        effective_at -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    ledger_entries (account, transaction) {
        account -> Int8,
        transaction -> Int8,
        amount -> Int8,
    }
}

diesel::table! {
    ledger_guards (account) {
        account -> Int8,
        side -> Int2,
        balance -> Int8,
    }
}

diesel::table! {
    ledger_snapshots (account, upto) {
        account -> Int8,
        upto -> Int8,
        balance -> Int8,
        taken_at -> Timestamptz,
    }
}

diesel::table! {
    ledger_checks (id) {
        id -> Uuid,
        checked_at -> Timestamptz,
        findings -> Jsonb,
    }
}
