//! `avow`: read the command, run it, end with its code.

use avow::{cli::Cli, exit::Exit};
use clap::Parser;

fn main() -> Exit {
    avow::run(Cli::parse())
}
