//! Where the keys of a store lie, and what it covers to destroy one.
//!
//! This is the one rule for it: whoever writes the store and whoever audits it look at the disk each for themselves, and
//! compare what they see with this.

use std::fmt;

use serde::Serialize;

/// Where a directory of keys lies, seen from its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyPlace {
    /// In memory: a file system that no disk holds.
    Memory,
    /// On another device than the store.
    OtherDevice,
    /// On the device that the store is on.
    SameDevice,
}

/// What the kernel calls the file systems that are memory: tmpfs and ramfs.
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

impl KeyPlace {
    /// From the type of the file system of the keys (`statfs`), and the devices of the keys and of the store (`stat`).
    #[must_use]
    pub fn of(file_system: u64, keys: u64, store: u64) -> Self {
        if IN_MEMORY.contains(&(file_system & u64::from(u32::MAX))) {
            Self::Memory
        } else if keys == store {
            Self::SameDevice
        } else {
            Self::OtherDevice
        }
    }

    /// What it covers that a key is destroyed, and what it does not.
    #[must_use]
    pub fn covers(self) -> &'static str {
        match self {
            Self::Memory => {
                "what was sealed with a key that is destroyed can be read nowhere any more: not in a backup, not in a \
                 block that the disk of the store has freed; without a copy of the keys elsewhere, a power cut ends the \
                 store too"
            }
            Self::OtherDevice => {
                "what was sealed with a key that is destroyed can be read in no backup and in no freed block of the disk \
                 of the store; the freed blocks of the device of the keys may still hold the key"
            }
            Self::SameDevice => {
                "what was sealed with a key that is destroyed can be read in no backup without the keys; a freed block \
                 of the disk may hold the value and another one its key"
            }
        }
    }
}

/// What wrapping the keys with a credential covers.
pub const WRAPPED: &str = "whoever has the disk and not the credential opens nothing";

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "in memory",
            Self::OtherDevice => "on another device than the store",
            Self::SameDevice => "on the same device as the store",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_before_devices_and_devices_are_compared() {
        const EXT4: u64 = 0xef53;
        assert_eq!(KeyPlace::of(0x0102_1994, 1, 1), KeyPlace::Memory);
        assert_eq!(KeyPlace::of(0xffff_ffff_8584_58f6, 1, 2), KeyPlace::Memory);
        assert_eq!(KeyPlace::of(EXT4, 1, 2), KeyPlace::OtherDevice);
        assert_eq!(KeyPlace::of(EXT4, 1, 1), KeyPlace::SameDevice);
    }
}
