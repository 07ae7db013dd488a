//! The work queue of a controller: each key at most once at a time, with priority, delay and per-key backoff.
