//! `api-spec/README.md`: conventions written by hand, tables generated from the code.

use std::fmt::Write as _;

use assay_kernel::Code;
use assay_kernel::ids::PREFIXES;
use serde_json::Value;

use super::openapi;

const CONVENTIONS: &str = include_str!("../../api-spec/conventions.md");

/// The whole file.
pub fn readme() -> String {
    let mut out = String::from(CONVENTIONS);
    out.push_str("\n## Error codes\n\n");
    out.push_str("The whole table; `GET /v1/problems/{code}` answers with the same.\n\n");
    out.push_str("| status | code | title | meaning |\n|---|---|---|---|\n");
    for code in Code::all() {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "| {} | `{code}` | {} | {} |", code.status(), code.title(), code.meaning());
    }
    out.push_str("\n## Id prefixes\n\n| prefix | names |\n|---|---|\n");
    for (prefix, name) in PREFIXES {
        let _ = writeln!(out, "| `{prefix}_` | {name} |");
    }
    out.push_str("\n## Operations and who may call them\n\n");
    out.push_str("| operation | method and path | access |\n|---|---|---|\n");
    for (path, method, operation) in operations(openapi::whole()) {
        let text = |key: &str| operation[key].as_str().unwrap_or("–").to_owned();
        let method = method.to_uppercase();
        let _ = writeln!(out, "| `{}` | `{method} {path}` | {} |", text("operationId"), text("x-access"));
    }
    out
}

/// Every operation of a description: path, method, operation.
pub fn operations(openapi: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    openapi["paths"].as_object().into_iter().flatten().flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods
            .filter(|(method, _)| matches!(method.as_str(), "get" | "post" | "put" | "patch" | "delete"))
            .map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}
