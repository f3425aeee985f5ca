//! What the service says about itself: process tables, problems, policy, the index.

use actix_web::get;
use actix_web::web::Data;
use assay_kernel::process::MachineView;
use assay_kernel::{Code, Error, Page};
use assay_platform::Ctx;
use assay_platform::policy::Policy;
use assay_platform::web::{Outcome, Path, Reply, Routes};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::domains;

/// Registers the routes.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_index)
        .service(list_machines)
        .service(get_machine)
        .service(list_problems)
        .service(get_problem)
        .service(get_policy);
}

/// Where things are.
#[derive(Debug, Serialize, ToSchema)]
pub struct Index {
    /// What this is.
    #[schema(example = "Assay")]
    pub name: &'static str,
    /// The version of the service.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// The description of the API.
    pub openapi: &'static str,
    /// The same, to read and to try.
    pub documentation: &'static str,
    /// The state machines.
    pub process: &'static str,
    /// The error codes.
    pub problems: &'static str,
    /// The numbers by which the market is run.
    pub policy: &'static str,
    /// Where a sign-in begins.
    pub sign_in: &'static str,
}

/// Tells where things are.
#[utoipa::path(
    tag = "about",
    responses((status = 200, description = "Where to go on.", body = Index)),
    extensions(("x-access" = json!("public")))
)]
#[get("/")]
async fn get_index() -> Outcome {
    Ok(Reply::ok(&Index {
        name: "Assay",
        version: env!("CARGO_PKG_VERSION"),
        openapi: "/openapi.json",
        documentation: "/docs/",
        process: "/v1/process",
        problems: "/v1/problems",
        policy: "/v1/policy",
        sign_in: "/v1/auth/github/start",
    })?)
}

/// A state machine in a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct MachineSummary {
    /// The stable name, part of the path of its table.
    #[schema(example = "project")]
    pub name: &'static str,
    /// Changes whenever the table changes in meaning.
    #[schema(example = "2026-11-01")]
    pub version: &'static str,
    /// What it governs.
    pub meaning: &'static str,
    /// Its states, the initial one first.
    pub states: Vec<&'static str>,
    /// Its table.
    #[schema(example = "/v1/process/project")]
    pub url: String,
}

/// Lists the state machines.
#[utoipa::path(
    tag = "about",
    responses((status = 200, description = "All machines.", body = Page<MachineSummary>)),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/process")]
async fn list_machines() -> Outcome {
    let machines = domains::machines()
        .map(|machine| MachineSummary {
            name: machine.name,
            version: machine.version,
            meaning: machine.meaning,
            states: machine.states.iter().map(|state| state.name).collect(),
            url: format!("/v1/process/{}", machine.name),
        })
        .collect();
    Ok(Reply::page(&Page::whole(machines))?)
}

/// Shows a state machine.
///
/// The table by which the service itself decides: states, events, who may, what must hold, clocks and effects.
#[utoipa::path(
    tag = "about",
    params(("machine" = String, Path, description = "The machine's name.", example = "project")),
    responses((status = 200, description = "The table.", body = MachineView)),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/process/{machine}")]
async fn get_machine(name: Path<String>) -> Outcome {
    let machine = domains::machines()
        .find(|machine| machine.name == name.0)
        .ok_or_else(|| Error::not_found("state machine"))?;
    Ok(Reply::ok(&machine.view())?)
}

/// An error code explained.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemExplained {
    /// The stable code.
    #[schema(example = "state_conflict")]
    pub code: &'static str,
    /// The HTTP status that goes with it.
    #[schema(example = 409)]
    pub status: u16,
    /// The title of each occurrence.
    #[schema(example = "Not possible in this state")]
    pub title: &'static str,
    /// What it means and what to do about it.
    pub meaning: &'static str,
    /// The `type` of each occurrence: this page.
    #[serde(rename = "type")]
    #[schema(example = "/v1/problems/state_conflict")]
    pub kind: String,
}

impl From<Code> for ProblemExplained {
    fn from(code: Code) -> Self {
        Self {
            code: code.as_str(),
            status: code.status(),
            title: code.title(),
            meaning: code.meaning(),
            kind: format!("/v1/problems/{code}"),
        }
    }
}

/// Lists the error codes.
#[utoipa::path(
    tag = "about",
    responses((status = 200, description = "The whole table.", body = Page<ProblemExplained>)),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/problems")]
async fn list_problems() -> Outcome {
    let all: Vec<ProblemExplained> = Code::all().iter().copied().map(ProblemExplained::from).collect();
    Ok(Reply::page(&Page::whole(all))?)
}

/// Explains an error code.
///
/// The `type` of every problem answer is the URL of its explanation here.
#[utoipa::path(
    tag = "about",
    params(("code" = String, Path, description = "The code.", example = "state_conflict")),
    responses((status = 200, description = "What it means.", body = ProblemExplained)),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/problems/{code}")]
async fn get_problem(code: Path<String>) -> Outcome {
    let code = Code::parse(&code.0).ok_or_else(|| Error::not_found("error code"))?;
    Ok(Reply::ok(&ProblemExplained::from(code))?)
}

/// Shows the policy in force.
///
/// The numbers by which the market is run. Things keep the version under which they were made.
#[utoipa::path(
    tag = "about",
    responses((status = 200, description = "The numbers.", body = Policy)),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/policy")]
async fn get_policy(ctx: Data<Ctx>) -> Outcome {
    Ok(Reply::ok(&*ctx.policy)?)
}
