//! The routes, on one screen, and the loop that serves them.
//!
//! The address of a visitor ends in the accept loop below: no filter, handler or log can see it (policy: `visitor.ip`).

mod decide;
mod fault;
mod health;
mod metrics;
mod policy_page;
mod site;

pub use health::{Health, MOST_SESSIONS};
pub use metrics::{Metrics, Sums};
pub(crate) use policy_page::{page_of, render};
pub use site::Site;

use std::{convert::Infallible, sync::Arc, time::Duration};

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::watch, time};
use warp::{Filter, reply::Response};

/// How long a visitor may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long open requests may go on after the service was told to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// The largest question that `/decide` reads.
const LARGEST_QUESTION: u64 = 64 << 10;

/// Every route.
pub fn routes(
    site: Arc<Site>,
) -> impl Filter<Extract = (Response,), Error = Infallible> + Clone + Send + Sync + 'static {
    let site = warp::any().map(move || site.clone());
    let get = || warp::get().or(warp::head()).unify();

    // The path comes before the method, so that a path nobody knows is not found, whatever the method.
    let home = warp::path::end().and(get()).map(policy_page::home);
    let in_force =
        warp::path!("privacy").and(get()).and(site.clone()).map(|site: Arc<Site>| policy_page::in_force(&site));
    let version = warp::path!("privacy" / String)
        .and(get())
        .and(site.clone())
        .map(|version: String, site: Arc<Site>| policy_page::version(&site, &version));
    let decide = warp::path!("decide")
        .and(warp::post())
        .and(warp::body::content_length_limit(LARGEST_QUESTION))
        .and(warp::body::bytes())
        .and(site.clone())
        .map(|body: bytes::Bytes, site: Arc<Site>| decide::decide(&site, &body));
    let health = warp::path!("healthz").and(get()).and(site.clone()).map(|site: Arc<Site>| health::answer(&site));
    let metrics = warp::path!("metrics").and(get()).and(site).map(|site: Arc<Site>| metrics::answer(&site));

    home.or(in_force)
        .unify()
        .or(version)
        .unify()
        .or(decide)
        .unify()
        .or(health)
        .unify()
        .or(metrics)
        .unify()
        .recover(fault::from_rejection)
        .unify()
}

/// Serves the routes until `stop` says so; requests that are open then may finish within two seconds.
pub async fn serve(listener: std::net::TcpListener, site: Arc<Site>, stop: watch::Receiver<bool>) {
    serve_routes(listener, routes(site), stop).await;
}

/// Serves any routes in the same way.
pub(crate) async fn serve_routes<R>(listener: std::net::TcpListener, routes: R, mut stop: watch::Receiver<bool>)
where
    R: Filter<Extract = (Response,), Error = Infallible> + Clone + Send + Sync + 'static,
{
    let listener = match listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener)) {
        Ok(listener) => listener,
        // Only a runtime that is ending refuses.
        Err(_) => return,
    };
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let open = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors: wait for some to come back rather than spin.
            time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let service = TowerToHyperService::new(warp::service(routes.clone()));
        let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
        tokio::spawn(open.watch(connection));
    }
    let _ = time::timeout(STOP_TIMEOUT, open.shutdown()).await;
}
