//! Routes of portfolios.

mod dto;
mod imports;
mod items;
mod portfolio;

use assay_platform::web::Routes;

/// Registers the operations of portfolios.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(create_portfolio_import)
        .service(list_portfolio_imports)
        .service(get_portfolio_import)
        .service(list_portfolio_items)
        .service(create_portfolio_item)
        .service(get_portfolio_item)
        .service(update_portfolio_item)
        .service(delete_portfolio_item)
        .service(challenge_portfolio_item)
        .service(verify_portfolio_item)
        .service(get_portfolio)
        .service(get_portfolio_formula)
        .service(get_portfolio_skills)
        .service(replace_portfolio_skills)
        .service(get_developer_portfolio);
}

use imports::{create_portfolio_import, get_portfolio_import, list_portfolio_imports};
use items::{
    challenge_portfolio_item, create_portfolio_item, delete_portfolio_item, get_portfolio_item,
    list_portfolio_items, update_portfolio_item, verify_portfolio_item,
};
use portfolio::{
    get_developer_portfolio, get_portfolio, get_portfolio_formula, get_portfolio_skills,
    replace_portfolio_skills,
};
