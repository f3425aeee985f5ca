//! SQL of portfolios: one statement a function.

pub mod challenges;
pub mod contributions;
pub mod imports;
pub mod items;
pub mod observed;
pub mod personal_data;
pub mod portfolios;
pub mod skills;
