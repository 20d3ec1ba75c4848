//! `avow preview`: a draft as the public will see it, with what each clause means to the software beside it.
//!
//! It is shown on this machine only and published nowhere: a draft binds nobody.

mod page;

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
};

use avow_terms::{problem::Problem, vocabulary::Vocabulary};
use serde_json::json;
use tokio::sync::watch;
use warp::{Filter, Reply, http::StatusCode, reply::Response};

use super::check::check;
use crate::{exit::Exit, failure::Failure, http, report, screen::Screen, texts};

/// Arguments of `avow preview`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The draft.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Where to write the page; without this, beside the draft: `privacy.preview.html`.
    #[arg(long, value_name = "FILE", conflicts_with = "listen")]
    pub out: Option<PathBuf>,

    /// Serve the page on this machine instead, made again at each visit.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

/// Runs `avow preview`. Problems of the draft are shown on the page and do not hold it back.
///
/// # Errors
/// If the draft cannot be read, the page cannot be written, or the address cannot be used.
pub fn run(args: &Args, screen: Screen) -> Result<Exit, Failure> {
    let vocabulary = texts::vocabulary()?;
    if let Some(address) = args.listen {
        return listen(address, args.file.clone(), vocabulary, screen);
    }
    let (html, problems) = preview(&args.file, &vocabulary)?;
    let path = args.out.clone().unwrap_or_else(|| args.file.with_extension("preview.html"));
    fs::write(&path, html).map_err(|error| Failure::file("write", &path, &error))?;
    screen.document(&json!({ "page": path.display().to_string(), "problems": report::problems_json(&problems) }));
    screen.say(path.display().to_string());
    if !problems.is_empty() {
        screen.say(format!("{}, shown on top of the page", report::counted(&problems)));
    }
    Ok(Exit::Done)
}

fn preview(file: &Path, vocabulary: &Arc<Vocabulary>) -> Result<(String, Vec<Problem>), Failure> {
    let checked = check(texts::file(file)?, vocabulary);
    let html = page::page(&checked, vocabulary).map_err(|_| Failure::could_not("the page could not be written"))?;
    Ok((html, checked.problems))
}

fn listen(address: SocketAddr, file: PathBuf, vocabulary: Arc<Vocabulary>, screen: Screen) -> Result<Exit, Failure> {
    if !address.ip().is_loopback() {
        return Err(Failure::could_not("a draft is shown on this machine only").help("use `--listen 127.0.0.1:8000`"));
    }
    let cannot = |error: std::io::Error| Failure::could_not(format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    // A draft that cannot be read is told at once, not at the first visit.
    preview(&file, &vocabulary)?;
    let answer = move || -> Response {
        match preview(&file, &vocabulary) {
            Ok((html, _)) => http::page_of(html),
            Err(failure) => {
                warp::reply::with_status(failure.render(false), StatusCode::INTERNAL_SERVER_ERROR).into_response()
            }
        }
    };
    let routes = warp::any().map(answer);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    screen.document(&json!({ "page": format!("http://{bound}/") }));
    screen.say(format!("http://{bound}/\nThe page is made again at each visit. Ctrl-C stops."));
    let (_keep, stop) = watch::channel(false);
    runtime.block_on(http::serve_routes(listener, routes, stop));
    Ok(Exit::Done)
}
