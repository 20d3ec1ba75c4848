//! `avow backup`: everything in the store, in one file whose rows die with the keys they are sealed under.

use std::path::{self, PathBuf};

use crate::{
    cli::Data,
    control,
    desk::{Done, Request},
    exit::Exit,
    failure::Failure,
    meter::Meter,
    report,
    screen::Screen,
};

/// Arguments of `avow backup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to write; one that is there is left as it is. A running service writes it, and must be allowed to.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Runs `avow backup`.
///
/// # Errors
/// If it cannot be written; then there is no such file.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let file = path::absolute(&args.file).map_err(|error| Failure::file("write", &args.file, &error))?;
    let name = file.to_str().ok_or_else(|| {
        Failure::could_not(format!("`{}` is no UTF-8 text", file.display())).help("name another file")
    })?;
    let done = control::ask_telling(data, Request::BackUp { file: name.into() }, &Meter::new(screen))?;
    screen.document(&done);
    if let Done::BackedUp { file, accounts, rows, buckets, bytes, keys, .. } = &done {
        screen.say(format!(
            "{}, {} and {} are in `{file}`, {} bytes\n\n\
             Each row is sealed under the keys it dies with, the totals of months too: an account that is forgotten from now\n\
             on, and a bucket that is due, open in it no more. In the clear are the texts of the policy and which buckets\n\
             there are. The keys are not in it: `avow restore` needs those in `{keys}`. Whoever copies them\n\
             can undo what it does to destroy one. New keys (`avow keys rotate`) end every backup made before.",
            report::count(*accounts, "account"),
            report::count(*rows, "row"),
            report::count(*buckets, "bucket"),
            report::thousands(*bytes),
        ));
    }
    Ok(Exit::Done)
}
