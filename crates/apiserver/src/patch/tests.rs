//! Tables of what the real server answers, and laws that hold for any input.

mod json_and_merge;
mod strategic;
