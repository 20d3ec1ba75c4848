//! The keys with which the relay proves itself to clients. They are in every link, and not about anybody.

use std::{fs, io, path::Path};

use avow_proxy::ServerKeys;
use avow_terms::private::Private;

use crate::{data_dir::write_whole, failure::Failure};

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

/// Puts other keys in their place.
///
/// # Errors
/// If they cannot be written; then the old ones stand.
pub fn replace(directory: &Path, keys: &ServerKeys) -> Result<(), Failure> {
    write(&directory.join("relay.json"), keys)
}

fn make(path: &Path) -> Result<ServerKeys, Failure> {
    let keys = ServerKeys::generate();
    write(path, &keys)?;
    Ok(keys)
}

fn write(path: &Path, keys: &ServerKeys) -> Result<(), Failure> {
    write_whole(path, keys.encode().expose())
        .map_err(|error| Failure::file("write the keys of the relay", path, &error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_there_whole_or_not_at_all_and_for_their_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let (keys, half) = (directory.path().join("relay.json"), directory.path().join("relay.new"));
        fs::create_dir(&half).unwrap();
        assert!(load(directory.path()).is_err() && !keys.exists(), "keys that cannot be written whole have no name");
        fs::remove_dir(&half).unwrap();
        fs::write(&half, "half of the ke").unwrap();
        let made = load(directory.path()).unwrap();
        assert_eq!(load(directory.path()).unwrap().encode().expose(), made.encode().expose());
        assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
