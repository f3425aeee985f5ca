//! Roads through the whole product, as people walk them.

mod fixtures;
