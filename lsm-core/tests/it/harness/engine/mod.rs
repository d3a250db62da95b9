//! The whole engine as the stories see it, through its public API.

pub mod acts;
pub mod reference;
pub mod sweeper;

pub mod subject;

pub mod player_conditions;
pub mod player_estimates;
pub mod player_reads;
pub mod rich;
pub mod script;
pub mod stage;

pub mod swept;

pub mod walker;

pub mod player;
