//! Errors as RFC 9457 problem documents.

use std::convert::Infallible;

use serde::Serialize;
use warp::{
    Reply,
    http::{StatusCode, header::CONTENT_TYPE},
    reject::{LengthRequired, MethodNotAllowed, PayloadTooLarge},
    reply::Response,
};

/// A problem document (RFC 9457).
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    /// What kind of problem: `about:blank`, so that the title is the status (RFC 9457, 4.2.1).
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
}

/// A problem document as an answer.
pub(super) fn answer(status: StatusCode, detail: impl Into<String>) -> Response {
    let fault = Fault {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail: detail.into(),
    };
    let json = warp::reply::json(&fault);
    let typed = warp::reply::with_header(json, CONTENT_TYPE, "application/problem+json");
    warp::reply::with_status(typed, status).into_response()
}

/// What was asked for in a way that no route takes.
pub(super) async fn from_rejection(rejection: warp::Rejection) -> Result<Response, Infallible> {
    Ok(if rejection.find::<MethodNotAllowed>().is_some() {
        answer(StatusCode::METHOD_NOT_ALLOWED, "this page does not answer to that method")
    } else if rejection.find::<PayloadTooLarge>().is_some() {
        answer(StatusCode::PAYLOAD_TOO_LARGE, "a question to /decide is at most 64 KiB")
    } else if rejection.find::<LengthRequired>().is_some() {
        answer(StatusCode::LENGTH_REQUIRED, "send the length of the question in Content-Length")
    } else {
        answer(StatusCode::NOT_FOUND, "there is nothing here; the policy is at /privacy")
    })
}
