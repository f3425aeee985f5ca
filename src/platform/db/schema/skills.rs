//! Tables of the domain `skills`.
