//! How far something long has got.

/// How far something long has got. It names no account and no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done: `sealing anew`.
    pub doing: &'static str,
    /// How many of the parts are done.
    pub done: usize,
    /// How many there are.
    pub of: usize,
}

/// Whoever is told.
pub type Listener<'a> = &'a dyn Fn(Progress);

/// Tells of one part in a thousand, so that telling costs nothing.
pub(crate) struct Steps<'a> {
    listener: Listener<'a>,
    progress: Progress,
    every: usize,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(listener: Listener<'a>, doing: &'static str, of: usize) -> Self {
        let progress = Progress { doing, done: 0, of };
        listener(progress);
        Self { listener, progress, every: (of / 1000).max(1) }
    }

    /// One more part is done.
    pub(crate) fn step(&mut self) {
        self.progress.done += 1;
        if self.progress.done.is_multiple_of(self.every) || self.progress.done == self.progress.of {
            (self.listener)(self.progress);
        }
    }
}
