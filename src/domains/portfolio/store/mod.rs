//! SQL of portfolios: one statement a function.

pub mod challenges;
pub mod contributions;
pub mod imports;
pub mod items;
pub mod observed;
pub mod portfolios;
pub mod rights;
pub mod skills;
