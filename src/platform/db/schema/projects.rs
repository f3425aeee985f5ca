//! Tables of the domain `projects`.
