//! Tables of the domain `notifications`.
