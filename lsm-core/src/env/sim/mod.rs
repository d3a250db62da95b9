//! A world made of one seed.
