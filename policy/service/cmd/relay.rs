//! `avow relay`: the process that carries bytes. Started by `avow up` and by nobody else.

use crate::{exit::Exit, failure::Failure};

/// Runs the relay until its service lets go of it.
///
/// # Errors
/// If it was started by hand.
pub fn run() -> Result<Exit, Failure> {
    let inherited = avow_proxy::Inherited::from_parent().map_err(|_| {
        Failure::could_not("the relay is started by `avow up`, which hands it its sockets").help("run `avow up`")
    })?;
    avow_proxy::run(inherited).map_err(Failure::could_not)?;
    Ok(Exit::Done)
}
