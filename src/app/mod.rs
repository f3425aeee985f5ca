//! The composition root: it joins configuration, database, providers and domains to a running service. It holds no
//! rule of the market and no SQL.

pub mod api;
pub mod boot;
pub mod cli;
pub mod demo;
pub mod domains;
pub mod http;
mod ledger;
pub mod matching;
pub mod memory;
pub mod openapi;
pub mod providers;
pub mod score;
pub mod server;
pub mod services;
pub mod slots;
pub mod spec;
pub mod worker;
