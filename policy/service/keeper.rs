//! The thread that owns the desk, and with it the one connection that writes.
//!
//! SQLite calls block; they run here, one after the other, and never on a thread that carries traffic.

use std::{
    sync::mpsc,
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;

use crate::{desk::Desk, failure::Failure};

type Job = Box<dyn FnOnce(&mut Desk) + Send>;

/// A handle to the thread that owns the desk.
#[derive(Debug, Clone)]
pub struct Keeper {
    jobs: mpsc::Sender<Job>,
}

impl Keeper {
    /// Gives the desk to a thread of its own. The thread ends, and closes the store, when every handle is gone.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start(mut desk: Desk) -> Result<(Self, JoinHandle<()>), Failure> {
        let (jobs, work) = mpsc::channel::<Job>();
        let thread = thread::Builder::new()
            .name("keeper".into())
            .spawn(move || work.into_iter().for_each(|job| job(&mut desk)))
            .map_err(|error| Failure::could_not(format!("cannot start the thread of the store: {error}")))?;
        Ok((Self { jobs }, thread))
    }

    /// Does something at the desk and waits for it.
    ///
    /// # Errors
    /// If the desk is closed.
    pub async fn at_desk<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Desk) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, waiting) = oneshot::channel();
        let job: Job = Box::new(move |desk| {
            let _ = answer.send(job(desk));
        });
        let closed = || Failure::could_not("the store is closed");
        self.jobs.send(job).map_err(|_| closed())?;
        waiting.await.map_err(|_| closed())
    }
}
