//! What the stories on the simulated disk are told with; no stories.

pub mod engine;
pub mod ground;
pub mod images;
