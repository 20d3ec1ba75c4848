//! Where a directory of keys lies: in memory, on the device of the store, or on another.
//!
//! The kernel's list of mounts says what a device is; the device of a file says which of them it lies on.

use std::fs;

use avow_terms::key_place::KeyPlace;

use super::Ring;

/// What `statfs` would say of tmpfs, which is what the rule of places knows memory by.
const TMPFS: u64 = 0x0102_1994;

pub(super) fn of(ring: &Ring) -> KeyPlace {
    let (keys, store) = (ring.directory.device, ring.store.device);
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let in_memory = mounts.lines().any(|line| is_memory(line, keys));
    KeyPlace::of(if in_memory { TMPFS } else { 0 }, keys, store)
}

/// Whether a line of the list is of a file system in memory that has this device.
fn is_memory(line: &str, device: u64) -> bool {
    let (mount, system) = line.split_once(" - ").unwrap_or((line, ""));
    let kind = system.split(' ').next();
    let number = mount.split(' ').nth(2).and_then(|number| number.split_once(':'));
    let number = number.and_then(|(major, minor)| Some((major.parse::<u64>().ok()?, minor.parse::<u64>().ok()?)));
    matches!(kind, Some("tmpfs" | "ramfs")) && number == Some((major(device), minor(device)))
}

fn major(device: u64) -> u64 {
    (device >> 8 & 0xfff) | (device >> 32 & !0xfff)
}

fn minor(device: u64) -> u64 {
    (device & 0xff) | (device >> 12 & 0xffff_ff00)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_in_memory_is_known_by_its_device() {
        let line = "36 25 0:32 / /run rw,nosuid shared:2 - tmpfs tmpfs rw,size=1024k";
        assert!(is_memory(line, 32) && !is_memory(line, 33));
        assert!(!is_memory("36 25 0:32 / /data rw - ext4 /dev/vda rw", 32));
        assert!(!is_memory("nothing", 32));
        assert_eq!((major(0xfe01), minor(0xfe01)), (0xfe, 1));
    }
}
