//! Reading: what there is to read at one moment, and how an answer is made of it.

pub mod as_of;

pub mod access;
pub mod bounds;
pub mod dead;
pub mod reckon;
pub mod slice_cursor;
pub mod view;
pub mod visible;

pub mod explain;
pub mod run;
pub mod trace;

pub mod itinerary;
pub mod recorder;

pub mod question;

pub mod merge;

pub mod get;
pub mod scan;
pub mod source;

pub mod many;
pub mod written;
