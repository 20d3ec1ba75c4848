//! What holds for every file that the page parser is given. The target and the replay of its corpus call the same code,
//! so that an input once found is looked at in the same way ever after.
//!
//! An input is a mark, a length, a file of that length and its log. If the mark is odd the sums of the log are made right,
//! or the fuzzer would never get past them.

use avow_audit::{Region, Unowned, unowned};

/// A file and its log, out of an input.
pub(crate) fn files(data: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (&[mark, high, low], rest) = data.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
    let (file, log) = rest.split_at(length);
    let mut log = log.to_vec();
    if mark & 1 == 1 {
        mend(&mut log);
    }
    Some((file.to_vec(), log))
}

/// Whatever the pages say, the parser ends and answers, twice the same; each place it names is in the file, and holds a
/// byte that is not zero.
pub(crate) fn pages(data: &[u8]) {
    let Some((file, log)) = files(data) else { return };
    let found = unowned(file.clone(), &log);
    assert_eq!(found, unowned(file.clone(), &log), "a second look sees the same");
    let Some(found) = found else { return };
    for one in &found {
        placed(one, &file, &log);
    }
    // With no log the file is looked at as it is: what was named first in a page and is made zero is not named again.
    if log.is_empty() && !found.iter().any(|one| one.region == Region::Damaged) {
        found.iter().filter(|one| one.region != Region::Record).for_each(|one| wiped(one, &file));
    }
}

/// Whether a place is one of the file or the log.
fn placed(one: &Unowned, file: &[u8], log: &[u8]) {
    let longest = file.len().max(log.len()).max(1 << 16);
    assert!(one.offset <= longest, "{one:?} leaves its page");
    assert!(one.count <= (file.len() + log.len()) as u64 * 2, "{one:?} counts more than there is");
    assert!(one.page > 0 || one.region == Region::Damaged, "pages are counted from 1: {one:?}");
}

fn wiped(one: &Unowned, file: &[u8]) {
    let size = match u16::from_be_bytes([file[16], file[17]]) {
        1 => 1 << 16,
        size => usize::from(size),
    };
    let at = (one.page as usize - 1) * size + one.offset;
    let mut file = file.to_vec();
    assert_ne!(file[at], 0, "{one:?} names a byte that is zero");
    file[at] = 0;
    let left = unowned(file, &[]).unwrap_or_default();
    let same = left.iter().find(|left| (left.region, left.page) == (one.region, one.page));
    let left = same.map_or(0, |left| left.count);
    assert_eq!(left + 1, one.count, "{one:?} is still counted after it was wiped");
}

/// Makes the sums and the salts of a log right, as SQLite writes them.
fn mend(log: &mut [u8]) {
    const MAGIC: u32 = 0x377f_0682;
    let Some((header, frames)) = log.split_at_mut_checked(32) else { return };
    let big = header[3] & 1 == 1;
    header[..4].copy_from_slice(&(MAGIC | u32::from(big)).to_be_bytes());
    let size = u32::from_be_bytes([header[8], header[9], header[10], header[11]]) as usize;
    let size = if size.is_power_of_two() && (512..=1 << 16).contains(&size) { size } else { 512 };
    header[8..12].copy_from_slice(&(size as u32).to_be_bytes());
    let mut sum = summed((0, 0), &header[..24], big);
    header[24..28].copy_from_slice(&sum.0.to_be_bytes());
    header[28..32].copy_from_slice(&sum.1.to_be_bytes());
    let salts: [u8; 8] =
        [header[16], header[17], header[18], header[19], header[20], header[21], header[22], header[23]];
    for frame in frames.chunks_exact_mut(24 + size) {
        frame[8..16].copy_from_slice(&salts);
        sum = summed(summed(sum, &frame[..8], big), &frame[24..], big);
        frame[16..20].copy_from_slice(&sum.0.to_be_bytes());
        frame[20..24].copy_from_slice(&sum.1.to_be_bytes());
    }
}

fn summed((mut one, mut other): (u32, u32), bytes: &[u8], big: bool) -> (u32, u32) {
    let word = |bytes: &[u8]| {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    for pair in bytes.chunks_exact(8) {
        one = one.wrapping_add(word(&pair[..4])).wrapping_add(other);
        other = other.wrapping_add(word(&pair[4..])).wrapping_add(one);
    }
    (one, other)
}
