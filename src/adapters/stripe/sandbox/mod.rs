//! A server that answers as Stripe does.
