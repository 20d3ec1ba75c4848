//! Values that may be used and never written down.

/// A value that may be used and never written down.
///
/// It has no `Debug`, no `Display` and no `Serialize`, and so has nothing that contains it: a log line, an error or an
/// answer that would carry it does not compile.
///
/// ```compile_fail
/// let address = avow_terms::private::Private::new("192.0.2.7");
/// println!("{address:?}");
/// ```
///
/// ```
/// let address = avow_terms::private::Private::new("192.0.2.7");
/// assert_eq!(address.expose().len(), 9);
/// ```
#[derive(Clone)]
pub struct Private<T>(T);

impl<T> Private<T> {
    /// Takes a value in.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one use it is held for.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// The value, given away.
    pub fn into_inner(self) -> T {
        self.0
    }
}
