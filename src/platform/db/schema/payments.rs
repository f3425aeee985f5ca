//! Payments.

diesel::table! {
    provider_commands (id) {
        id -> Uuid,
        kind -> Text,
        subject -> Uuid,
        path -> Text,
        body -> Text,
        account -> Nullable<Text>,
        state -> Text,
        attempts -> Int4,
        first_sent_at -> Nullable<Timestamptz>,
        next_at -> Timestamptz,
        lease_until -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
        object -> Nullable<Text>,
        created_at -> Timestamptz,
        settled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    payment_customers (organisation_id) {
        organisation_id -> Uuid,
        customer -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    payment_methods (id) {
        id -> Uuid,
        organisation_id -> Uuid,
        added_by_id -> Uuid,
        kind -> Text,
        state -> Text,
        setup_intent -> Nullable<Text>,
        method -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    payments (id) {
        id -> Uuid,
        milestone -> Uuid,
        contract -> Uuid,
        organisation_id -> Uuid,
        method_id -> Uuid,
        amount -> Int8,
        fee -> Int8,
        currency -> Text,
        state -> Text,
        failure -> Nullable<Text>,
        payment_intent -> Nullable<Text>,
        charge -> Nullable<Text>,
        balance_transaction -> Nullable<Text>,
        fraud_warning -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        succeeded_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    payees (account_id) {
        account_id -> Uuid,
        country -> Text,
        state -> Text,
        stripe_account -> Nullable<Text>,
        requirements -> Array<Text>,
        disabled_reason -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        tax_hold -> Nullable<Text>,
    }
}

diesel::table! {
    transfers (id) {
        id -> Uuid,
        decision -> Uuid,
        milestone -> Uuid,
        contract -> Uuid,
        developer_id -> Uuid,
        payment_id -> Uuid,
        amount -> Int8,
        currency -> Text,
        state -> Text,
        hold -> Nullable<Text>,
        payable_from -> Timestamptz,
        command_id -> Nullable<Uuid>,
        failure -> Nullable<Text>,
        tries -> Int4,
        transfer -> Nullable<Text>,
        reversed -> Int8,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        paid_at -> Nullable<Timestamptz>,
        repaid -> Int8,
        charged_back -> Int8,
    }
}

diesel::table! {
    refunds (id) {
        id -> Uuid,
        decision -> Uuid,
        milestone -> Uuid,
        contract -> Uuid,
        organisation_id -> Uuid,
        payment_id -> Uuid,
        source -> Text,
        developer_id -> Nullable<Uuid>,
        amount -> Int8,
        fee -> Int8,
        currency -> Text,
        unpaid -> Int8,
        reversed -> Int8,
        owed -> Int8,
        state -> Text,
        command_id -> Nullable<Uuid>,
        failure -> Nullable<Text>,
        refund -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        charged_back -> Int8,
        out_of_band_reference -> Nullable<Text>,
    }
}

diesel::table! {
    reversals (id) {
        id -> Uuid,
        refund_id -> Uuid,
        transfer_id -> Uuid,
        amount -> Int8,
        state -> Text,
        command_id -> Uuid,
        reversal -> Nullable<Text>,
        failure -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    provider_disputes (id) {
        id -> Uuid,
        payment_id -> Uuid,
        dispute -> Text,
        status -> Text,
        reason -> Text,
        amount -> Int8,
        currency -> Text,
        fee -> Int8,
        frozen -> Int8,
        evidence_due_at -> Nullable<Timestamptz>,
        evidence_submitted_at -> Nullable<Timestamptz>,
        version -> Int8,
        opened_at -> Timestamptz,
        withdrawn_at -> Nullable<Timestamptz>,
        closed_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
        loss -> Int8,
    }
}

diesel::table! {
    payouts (id) {
        id -> Uuid,
        developer_id -> Nullable<Uuid>,
        amount -> Int8,
        currency -> Text,
        state -> Text,
        command_id -> Nullable<Uuid>,
        payout -> Nullable<Text>,
        failure -> Nullable<Text>,
        arrives_at -> Nullable<Timestamptz>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        requested_by_id -> Nullable<Uuid>,
        reason -> Nullable<Text>,
        own -> Nullable<Int8>,
    }
}

diesel::table! {
    provider_events (id) {
        id -> Text,
        kind -> Text,
        account -> Nullable<Text>,
        object_kind -> Nullable<Text>,
        object -> Nullable<Text>,
        body -> Text,
        state -> Text,
        source -> Text,
        attempts -> Int4,
        next_at -> Timestamptz,
        lease_until -> Nullable<Timestamptz>,
        said_at -> Timestamptz,
        received_at -> Timestamptz,
        done_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    provider_object_leases (object) {
        object -> Text,
        lease_until -> Timestamptz,
    }
}

diesel::table! {
    provider_cursors (name) {
        name -> Text,
        upto -> Timestamptz,
    }
}

diesel::table! {
    provider_transactions (id) {
        id -> Text,
        kind -> Text,
        source -> Nullable<Text>,
        amount -> Int8,
        fee -> Int8,
        net -> Int8,
        currency -> Text,
        made_at -> Timestamptz,
        seen_at -> Timestamptz,
        booked -> Nullable<Int8>,
    }
}

diesel::table! {
    provider_differences (id) {
        id -> Uuid,
        kind -> Text,
        subject -> Text,
        expected -> Nullable<Int8>,
        found -> Nullable<Int8>,
        currency -> Nullable<Text>,
        version -> Int8,
        found_at -> Timestamptz,
        resolved_at -> Nullable<Timestamptz>,
        resolved_by_id -> Nullable<Uuid>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    money_approvals (id) {
        id -> Uuid,
        act -> Text,
        subject -> Uuid,
        milestone -> Nullable<Uuid>,
        contract -> Nullable<Uuid>,
        amount -> Int8,
        currency -> Text,
        beneficiary_id -> Nullable<Uuid>,
        payload -> Jsonb,
        reason -> Text,
        state -> Text,
        proposed_by_id -> Uuid,
        decided_by_id -> Nullable<Uuid>,
        answer -> Nullable<Text>,
        expires_at -> Timestamptz,
        version -> Int8,
        created_at -> Timestamptz,
        decided_at -> Nullable<Timestamptz>,
    }
}
