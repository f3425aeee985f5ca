//! SQL of portfolios: one statement a function.

pub mod items;
pub mod portfolios;
