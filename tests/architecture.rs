//! The walls between the packages, and the size of what stands behind them.

use std::{collections::BTreeSet, path::Path, process::Command};

/// Everything a package links, by name, as cargo resolves it.
fn links(package: &str) -> BTreeSet<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--package",
            package,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[track_caller]
fn links_none_of(package: &str, forbidden: &[&str]) {
    let links = links(package);
    assert!(links.len() > 1, "the tree of {package} is empty: the test shows nothing");
    for name in forbidden {
        assert!(!links.contains(*name), "{package} links {name}");
    }
}

#[test]
fn terms_links_no_runtime_no_sockets_and_no_sql() {
    links_none_of(
        "avow-terms",
        &[
            "tokio",
            "warp",
            "hyper",
            "rusqlite",
            "libsqlite3-sys",
            "shadowsocks",
            "socket2",
            "mio",
            "avow-proxy",
            "avow-accounting",
            "avow-audit",
        ],
    );
}

#[test]
fn the_store_links_no_sockets_and_does_not_know_the_proxy() {
    links_none_of(
        "avow-accounting",
        &["tokio", "mio", "socket2", "warp", "hyper", "shadowsocks", "avow-proxy", "avow-audit"],
    );
}

#[test]
fn the_audit_does_not_know_the_writer() {
    links_none_of(
        "avow-audit",
        &["tokio", "mio", "socket2", "warp", "hyper", "shadowsocks", "avow-proxy", "avow-accounting"],
    );
}

#[test]
fn the_proxy_links_no_sql_and_does_not_know_the_store() {
    links_none_of(
        "avow-proxy",
        &["rusqlite", "libsqlite3-sys", "warp", "hyper", "avow-accounting", "avow-audit", "tracing-subscriber"],
    );
}

#[test]
fn what_would_carry_addresses_into_a_log_is_not_linked() {
    links_none_of("avow", &["shadowsocks-service", "tracing-log", "env_logger", "hickory-resolver"]);
}

#[test]
fn every_package_takes_the_shared_lints_and_has_its_own_bans() {
    for folder in [".", "policy/terms", "accounting", "accounting/audit", "proxy"] {
        let manifest = crate::world::repository(&format!("{folder}/Cargo.toml"));
        assert!(manifest.contains("[lints]\nworkspace = true"), "{folder}/Cargo.toml");
        assert!(
            crate::world::repository(&format!("{folder}/clippy.toml")).contains("reason = "),
            "{folder}/clippy.toml"
        );
    }
}

#[test]
fn no_file_is_longer_than_four_hundred_lines_before_its_tests() {
    let mut looked_at = 0;
    for folder in ["policy", "accounting", "proxy"] {
        for file in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
            assert!(lines <= 400, "{} has {lines} lines: is it one idea?", file.display());
            looked_at += 1;
        }
    }
    assert!(looked_at > 50, "only {looked_at} files were looked at");
}

fn rust_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && (path.ends_with("tests") || path.ends_with("target")) {
            // What is tested, or built: neither is an idea.
        } else if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && path.file_name().is_some_and(|name| name != "tests.rs")
        {
            files.push(path);
        }
    }
    files
}
