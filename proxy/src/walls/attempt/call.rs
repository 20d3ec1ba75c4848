//! System calls that no library wraps safely, since nobody who means well makes them.

use rustix::io::Errno;

/// An argument of a call.
pub(super) enum Argument<'a> {
    /// A number.
    Number(i64),
    /// Bytes that the kernel reads, or writes: it is told their length by another argument.
    Bytes(&'a mut [u8]),
}

/// Makes a call.
pub(super) fn call<const N: usize>(number: libc::c_long, arguments: [Argument<'_>; N]) -> Result<i64, Errno> {
    let mut words = [0_i64; 6];
    for (word, argument) in words.iter_mut().zip(arguments) {
        *word = match argument {
            Argument::Number(number) => number,
            Argument::Bytes(bytes) => bytes.as_mut_ptr().addr().cast_signed() as i64,
        };
    }
    let [a, b, c, d, e, f] = words;
    #[expect(unsafe_code, reason = "it is the point of the attempt")]
    // SAFETY: every pointer is to bytes that are borrowed for writing until the call has returned, and the callers in
    // `tried` tell the kernel lengths within them. None of the calls there changes memory that Rust knows of.
    let answer = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if answer >= 0 {
        return Ok(answer);
    }
    Err(std::io::Error::last_os_error().raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))
}
