//! What the parties write to each other. Attachments are links.

use assay_kernel::ids::{ContractId, MessageId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Result};
use assay_platform::Ctx;
use assay_platform::db::{Conn, Json};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::{notify, read, review};
use crate::store;
use crate::store::messages::MessageRow;

/// A message.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// What it says.
    #[validate(length(min = 1, max = 10_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 1, max_length = 10000, example = "The sample month has two files per bank; is that right?")]
    pub text: Text,
    /// Where its attachments are: https URLs.
    #[serde(default)]
    #[validate(length(max = 10), custom(function = "review::https_links"))]
    #[schema(max_items = 10, example = json!(["https://files.example.com/march.zip"]))]
    pub links: Vec<String>,
}

/// Writes a message for one's side.
///
/// # Errors
/// `forbidden` for those who only read.
pub async fn write_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    input: &Write,
) -> Result<MessageRow> {
    let (contract, seat) = read(conn, actor, id).await?;
    let row = MessageRow {
        id: ctx.ids.uuid(),
        contract_id: contract.id,
        author_id: actor.account_id.uuid(),
        side: seat.acting()?.to_string(),
        text: input.text.to_string(),
        links: Json(input.links.clone()),
        created_at: ctx.clock.now(),
    };
    store::messages::insert(conn, &row).await?;
    let data = json!({ "message_id": MessageId::from_uuid(row.id), "side": row.side });
    notify::contract(ctx, conn, &contract, "contract.message_written", data).await?;
    Ok(row)
}

/// The messages of a contract, newest first, for who may see it.
pub async fn list(
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<MessageRow>> {
    let (contract, _) = read(conn, actor, id).await?;
    Ok(store::messages::of_contract(conn, contract.id, before, limit).await?)
}
