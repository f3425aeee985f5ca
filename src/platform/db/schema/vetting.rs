//! Tables of the domain `vetting`.
