//! Tables of what the real server does, and laws that hold for any objects.

mod appliers;
mod fields;
mod laws;
mod scale;
mod support;
mod updaters;
mod versions;
