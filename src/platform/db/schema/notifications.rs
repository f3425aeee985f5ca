//! Tables of the domain `notifications`.

diesel::table! {
    mail_preferences (account_id) {
        account_id -> Uuid,
        switched_off -> Array<Text>,
        version -> Int8,
        updated_at -> Timestamptz,
    }
}
