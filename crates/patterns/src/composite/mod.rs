//! Composites: one object that stands for many children, made in waves.
