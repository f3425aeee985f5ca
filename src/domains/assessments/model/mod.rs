//! Types and arithmetic of assessments, pure.

pub(crate) mod engine;
