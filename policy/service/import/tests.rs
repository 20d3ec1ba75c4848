//! Configurations as they are found, and what is read from them.

use super::*;

const WIDE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const WIDE_2: &str = "IAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const WIDE_3: &str = "QAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What is found in a text, one line for each thing; or everything that stands against it.
fn found_in(from: Origin, text: &str) -> String {
    match read(from, &Source::new("old", text)) {
        Ok(found) => {
            let mut lines = Vec::new();
            for user in &found.users {
                let port = user.port.map_or("-".into(), |port| port.to_string());
                let limit = user.limit.map_or("-".into(), |limit| limit.to_string());
                let weak = if is_weak(&user.key) { " weak" } else { "" };
                lines.push(format!("{}: {} {port} {limit}{weak}", user.at.line, user.key.method()));
            }
            lines.extend(found.identities.iter().map(|own| format!("{}: server {}", own.at.line, own.method)));
            lines.extend(found.left.iter().map(|(left, times)| format!("left: {times} {}", left.what())));
            lines.extend(found.settings.iter().map(|setting| format!("setting: {setting}")));
            lines.join("\n")
        }
        Err(Failure::Said(said)) => said.what,
        Err(_) => "another failure".into(),
    }
}

fn check(from: Origin, text: &str, read_as: &str) {
    assert_eq!(found_in(from, text), read_as, "{text}");
}

/// The one thing that stands against a text.
fn refused(from: Origin, text: &str, at: &str, what: &str) {
    let found = found_in(from, text);
    let (first, second) = found.split_once("\n  old:").unwrap_or(("taken over", &found));
    assert_eq!(first, "nothing of `old` is taken over", "{text}\n{second}");
    assert!(second.starts_with(&format!("{at}: ")) && second.contains(what), "{text}\n{second}");
}

#[test]
fn a_server_of_one_password_is_one_user() {
    check(
        Origin::Ssserver,
        r#"{
    // the first server we had
    "server": "0.0.0.0", "server_port": 8388,
    "password": "correct horse battery staple", "method": "chacha20-ietf-poly1305",
    "timeout": 300, "mode": "tcp_and_udp",
}"#,
        "1: chacha20-ietf-poly1305 8388 -\nleft: 1 addresses to listen on\nsetting: mode\nsetting: timeout",
    );
}

#[test]
fn users_of_2022_come_with_the_key_of_their_server() {
    check(
        Origin::Ssserver,
        &format!(
            r#"{{ "servers": [{{
  "address": "::", "port": 8388, "method": "2022-blake3-aes-256-gcm",
  "password": "{WIDE}",
  "users": [
    {{ "name": "ann", "password": "{WIDE_2}" }},
    {{ "name": "ben", "password": "{WIDE_3}" }}
  ]
}}, {{ "server": "::", "server_port": 8389, "method": "AES-128-GCM", "password": "hunter2" }},
{{ "disabled": true, "method": "rc4-md5", "password": "x" }}], "log": {{ "level": 3 }} }}"#
        ),
        "5: 2022-blake3-aes-256-gcm 8388 -
6: 2022-blake3-aes-256-gcm 8388 -
8: aes-128-gcm 8389 - weak
3: server 2022-blake3-aes-256-gcm
left: 2 names of users
left: 2 addresses to listen on
left: 1 servers that are turned off
setting: log",
    );
}

#[test]
fn a_port_for_each_user_is_a_user_for_each_port() {
    check(
        Origin::Ssserver,
        r#"{ "method": "aes-256-gcm", "port_password": {
  "9001": "correct horse battery staple",
  "9002": "wrong horse battery staple" } }"#,
        "2: aes-256-gcm 9001 -\n3: aes-256-gcm 9002 -",
    );
}

#[test]
fn outline_brings_its_limits() {
    check(
        Origin::Outline,
        r#"{"accessKeys":[
{"id":"0","metricsId":"1b2c","name":"Ann's phone","password":"K3yOfAnn0123456789","port":12345,"encryptionMethod":"chacha20-ietf-poly1305","dataLimit":{"bytes":50000000000}},
{"id":"1","metricsId":"1b2d","name":"","password":"K3yOfBen0123456789","port":12345}
],"nextId":2}"#,
        "2: chacha20-ietf-poly1305 12345 50000000000
3: chacha20-ietf-poly1305 12345 -
left: 1 names of users
left: 2 ids of users
left: 2 ids of users in reports
setting: nextId",
    );
}

#[test]
fn both_forms_of_outline_ss_server_are_read() {
    check(
        Origin::Outline,
        "keys:\n  - id: user-0\n    port: 9000\n    cipher: chacha20-ietf-poly1305\n    secret: Secret0Secret0Secret0\n",
        "2: chacha20-ietf-poly1305 9000 - weak\nleft: 1 ids of users",
    );
    check(
        Origin::Outline,
        r#"services:
  - listeners:
      - type: tcp
        address: "[::]:9000"
      - type: udp
        address: "[::]:9000"
    keys:
      - id: user-0
        cipher: aes-128-gcm
        secret: 0SecretSecretAndMore
      - id: user-1
        cipher: aes-128-gcm
        secret: another1SecretAndMore
"#,
        "8: aes-128-gcm 9000 -\n11: aes-128-gcm 9000 -\nleft: 2 ids of users\nleft: 2 addresses to listen on",
    );
}

#[test]
fn what_cannot_be_served_is_refused_where_it_stands_and_no_secret_is_told() {
    let old = |method: &str| format!("{{\"server_port\": 1,\n\"method\": \"{method}\", \"password\": \"hunter2\"}}");
    let s = Origin::Ssserver;
    refused(s, &old("rc4-md5"), "2:11", "`rc4-md5` is a stream cipher");
    refused(s, &old("aes-256-cfb"), "2:11", "`aes-256-cfb` is a stream cipher");
    refused(s, &old("none"), "2:11", "`none` hides nothing");
    refused(s, &old("2022-blake3-chacha20-poly1305"), "2:11", "has no users");
    refused(s, &old("xchacha20-ietf-poly1305"), "2:11", "is not spoken here");
    refused(s, &old("hunter3"), "2:11", "a method that nobody knows");
    refused(s, &old("2022-blake3-aes-256-gcm"), "1:1", "its clients name no user");
    refused(s, "{\"server_port\": 1, \"password\": \"x\"}", "1:1", "no method is named");
    refused(s, "{\"server_port\": 1, \"method\": \"aes-128-gcm\"}", "1:1", "there is no secret");
    refused(s, "{\"server_port\": 1, \"method\": \"aes-128-gcm\", \"password\": \"\"}", "1:57", "takes a password");
    refused(s, "{\"server_port\": 1, \"method\": \"aes-128-gcm\", \"password\": \"${KEY}\"}", "1:57", "environment");
    refused(
        s,
        "{\"server_port\": 1, \"method\": \"aes-128-gcm\", \"password\": \"x\", \"plugin\": \"obfs\"}",
        "1:72",
        "a plugin",
    );
    refused(s, "{\"servers\": []}", "1:1", "there is no user in it");
    refused(s, "{\"servers\": 5}", "1:13", "a list is expected here");
    let top = format!(
        "{{\"server_port\":1,\"method\":\"2022-blake3-aes-256-gcm\",\"password\":\"{WIDE}\",\n\"users\":[{{\"password\":\"{WIDE_2}\"}}]}}"
    );
    refused(s, &top, "2:9", "ssserver does not read `users` here");
    let short = format!(
        "{{\"servers\":[{{\"method\":\"2022-blake3-aes-256-gcm\",\"password\":\"{WIDE}\",\"users\":[{{\"password\":\n\"c2hvcnQ=\"}}]}}]}}"
    );
    refused(s, &short, "2:1", "it takes base64 of 32 bytes");
    refused(
        Origin::Outline,
        "services:\n- listeners:\n  - type: websocket-stream\n  keys: []\n",
        "3:11",
        "another protocol",
    );
    refused(Origin::Outline, "{accessKeys:[{password:'x',dataLimit:{bytes:-1}}]}", "1:45", "a whole number");

    for text in [old("rc4-md5"), old("hunter3"), top, short] {
        let told = found_in(s, &text);
        assert!(!told.contains("hunter") && !told.contains(WIDE) && !told.contains("c2hvcnQ"), "{told}");
    }
}

#[test]
fn everything_that_stands_against_a_file_is_said_at_once() {
    let text = "keys:\n- {cipher: rc4-md5, secret: x}\n- {cipher: none, secret: x}\n- {secret: abc}\n- {secret: abc}\n";
    let told = found_in(Origin::Outline, text);
    for place in ["old:2:12", "old:3:12", "old:5:3: this user has the same key as the one in line 4"] {
        assert!(told.contains(place), "{place} is missing: {told}");
    }
}

#[test]
fn two_keys_of_the_server_for_one_method_are_refused() {
    let server = |own: &str, user: &str| {
        format!(
            "{{\"method\":\"2022-blake3-aes-256-gcm\",\"password\":\"{own}\",\"users\":[{{\"password\":\"{user}\"}}]}}"
        )
    };
    let text = format!("{{\"servers\":[{},\n{}]}}", server(WIDE, WIDE_2), server(WIDE_3, WIDE));
    refused(Origin::Ssserver, &text, "2:48", "another key of the server for `2022-blake3-aes-256-gcm` than in line 1");
}
