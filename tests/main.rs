//! The tests of the whole: the real binary, real clients, real files. The table of contents:

mod architecture;
mod audit;
mod bad_input;
mod clients;
mod documents;
mod kill;
mod legal;
mod life;
mod silence;
mod target;
mod tunnel;
mod world;
