//! The portfolio in sum, the formula, skills, and other people's portfolios.

use actix_web::web::Data;
use actix_web::{get, put};
use assay_kernel::ids::{AccountId, PortfolioItemId};
use assay_kernel::{Limit, Result};
use assay_platform::web::{
    Auth, Body, Cursor, Developer, IfMatch, Outcome, Path, Query, Reader, Reply, etag,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::dto::{
    DeveloperPortfolio, FormulaView, ItemView, PersonSkills, PortfolioView, ReplaceSkills, by_weight,
};
use crate::model::formula::DEFINITIONS;
use crate::service::Portfolio;
use crate::service::skills::Skills;

/// Shows the caller's portfolio in sum.
///
/// With the signals: each with its value, the numbers it was computed from, and the version of the formula.
#[utoipa::path(
    tag = "portfolio",
    responses((status = 200, description = "The portfolio.", body = PortfolioView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/portfolio")]
pub async fn get_portfolio(portfolio: Data<Portfolio>, caller: Auth<Reader>) -> Outcome {
    let (kept, items) = portfolio.get_portfolio(&caller).await?;
    Ok(Reply::ok(&PortfolioView::new(kept, items))?)
}

/// Shows the formula by which evidence becomes signals.
#[utoipa::path(
    tag = "portfolio",
    responses((status = 200, description = "The formula.", body = FormulaView)),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/portfolio/formula")]
pub async fn get_portfolio_formula() -> Outcome {
    Ok(Reply::ok(&FormulaView::present(DEFINITIONS))?.header("cache-control", "public, max-age=3600"))
}

fn skills(skills: Skills) -> Result<Reply> {
    let (removed, kept): (Vec<_>, Vec<_>) = skills.rows.into_iter().partition(|(row, _)| row.removed);
    let view = PersonSkills {
        data: by_weight(kept),
        removed: removed.into_iter().map(|(row, _)| row.skill).collect(),
        version: skills.version,
    };
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// Shows the caller's skills.
///
/// Derived ones with their share and evidence, claimed ones, and those that the caller has taken out.
#[utoipa::path(
    tag = "portfolio",
    responses((status = 200, description = "The skills.", body = PersonSkills)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/portfolio/skills")]
pub async fn get_portfolio_skills(portfolio: Data<Portfolio>, caller: Auth<Reader>) -> Outcome {
    Ok(skills(portfolio.get_skills(&caller).await?)?)
}

/// Replaces the caller's skills.
///
/// What was not derived is claimed; what was derived and is missing is taken out, and imports do not bring it back.
#[utoipa::path(
    tag = "portfolio",
    request_body = ReplaceSkills,
    responses((status = 200, description = "The skills.", body = PersonSkills)),
    extensions(("x-access" = json!("developer")))
)]
#[put("/v1/portfolio/skills")]
pub async fn replace_portfolio_skills(
    portfolio: Data<Portfolio>,
    caller: Auth<Developer>,
    seen: IfMatch,
    body: Body<ReplaceSkills>,
) -> Outcome {
    Ok(skills(portfolio.put_skills(&caller, &body.skills, |version| seen.check(version)).await?)?)
}

/// Which items of a developer to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDeveloperItems {
    /// How many items a page holds.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Shows a developer's portfolio.
///
/// Reviewers see everything, with signs of gaming; others see what the developer has made public. Who has made nothing
/// public is not found.
#[utoipa::path(
    tag = "portfolio",
    params(ListDeveloperItems),
    responses((status = 200, description = "The portfolio.", body = DeveloperPortfolio)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/developers/{id}/portfolio")]
pub async fn get_developer_portfolio(
    portfolio: Data<Portfolio>,
    caller: Auth<Reader>,
    id: Path<AccountId>,
    query: Query<ListDeveloperItems>,
) -> Outcome {
    let query = query.0;
    let cursor = Cursor::new(&portfolio.ctx().keys, "developer_portfolio", &(caller.account_id, id.0));
    let before: Option<PortfolioItemId> =
        query.cursor.as_deref().map(|text| cursor.decode(text)).transpose()?;
    let seen = portfolio.get_developer(&caller, id.0, before, query.limit.fetch()).await?;
    let page = cursor.page(seen.items, query.limit, |shown| shown.item.id)?.map(ItemView::of_other);
    let imported_at = seen.kept.as_ref().and_then(|kept| kept.imported_at);
    let flags = seen.kept.as_ref().filter(|_| seen.shows_flags).map(|kept| kept.flags.clone());
    let next = page.next_cursor.clone();
    Ok(Reply::ok(&DeveloperPortfolio {
        account_id: id.0,
        imported_at,
        signals: seen.kept.and_then(|kept| kept.signals).map(Into::into),
        flags,
        skills: by_weight(seen.skills),
        data: page.data,
        next_cursor: page.next_cursor,
    })?
    .next(next))
}
