//! The keys with which the relay proves itself to clients. They are in every link, and not about anybody.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use avow_proxy::ServerKeys;
use avow_terms::private::Private;

use crate::failure::Failure;

/// Reads the keys, or makes them once.
///
/// # Errors
/// If they cannot be read or written.
pub fn load(directory: &Path) -> Result<ServerKeys, Failure> {
    let path = directory.join("relay.json");
    match fs::read(&path) {
        Ok(bytes) => ServerKeys::decode(&Private::new(bytes)).map_err(|_| {
            Failure::could_not(format!("`{}` does not hold the keys of a relay", path.display()))
                .help("restore the file from a backup; without it every link has to be handed out anew")
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(&path),
        Err(error) => Err(Failure::file("read the keys of the relay", &path, &error)),
    }
}

fn make(path: &Path) -> Result<ServerKeys, Failure> {
    let keys = ServerKeys::generate();
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(keys.encode().expose())?;
        file.sync_all()
    };
    write().map_err(|error| Failure::file("write the keys of the relay", path, &error))?;
    Ok(keys)
}
