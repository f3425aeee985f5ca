//! Tables of the domain `identity`.
