# Every recipe is one line that calls cargo or the binary; `just` alone lists them.

[private]
default:
    @just --list --unsorted

# Start the tunnel, the policy page and the books
[group('run')]
up *arguments:
    cargo run --quiet --locked -- up {{ arguments }}

# Who may connect: add, list, show, link, rotate, remove
[group('run')]
account *arguments:
    cargo run --quiet --locked -- account {{ arguments }}

# A first policy from a few answers
[group('legal')]
init *arguments:
    cargo run --quiet --locked -- init {{ arguments }}

# An existing policy in prose as a numbered draft
[group('legal')]
adopt old *arguments:
    cargo run --quiet --locked -- adopt {{ old }} {{ arguments }}

# What is wrong with a policy, where, and what to write instead
[group('legal')]
check file:
    cargo run --quiet --locked -- check {{ file }}

# What a draft changes, clause by clause
[group('legal')]
diff *texts:
    cargo run --quiet --locked -- diff {{ texts }}

# Put a version into the public history
[group('legal')]
publish file *arguments:
    cargo run --quiet --locked -- publish {{ file }} {{ arguments }}

# Check the store against the policy, promise by promise
[group('compliance')]
audit *arguments:
    @cargo run --quiet --locked -- audit {{ arguments }}

# Everything in the store in one file, sealed so that what is deleted later dies in it too
[group('run')]
backup file:
    cargo run --quiet --locked -- backup {{ file }}

# Make the store from a backup; what was deleted since stays deleted
[group('run')]
restore file *arguments:
    cargo run --quiet --locked -- restore {{ file }} {{ arguments }}

# Every test
[group('development')]
test *arguments:
    cargo test --workspace --locked {{ arguments }}

# Formatting, lints, licences and sources
[group('development')]
lint:
    cargo fmt --check && cargo clippy --workspace --all-targets --locked -- --deny warnings && cargo deny check bans licenses sources

# How long reading, checking, deciding, storing and wiping take, beside their limits: last results in docs/
[group('development')]
bench:
    cargo bench --locked --package avow-terms --package avow --package avow-audit --bench limits --bench check --bench store --no-fail-fast

# The relay beside its peers, and with 100,000 accounts, about five minutes: docs/bench-relay.md, docs/bench-accounts.md
[group('development')]
bench-relay *arguments:
    cargo bench --locked --package avow --bench relay -- {{ arguments }}

# What takes longer than CI may: last results in docs/
[group('development')]
long:
    cargo test --test main --locked -- --ignored --nocapture
    cargo test --package avow-audit --test residue --test backups --locked -- --ignored --nocapture

# Look for inputs that break the reader, the retention phrases or the compiler: reader, retention, compiler
[group('development')]
fuzz target *arguments:
    mkdir -p target/fuzz/{{ target }} && RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir policy/terms/fuzz --sanitizer none {{ target }} target/fuzz/{{ target }} policy/terms/fuzz/corpus/{{ target }} -- -dict=policy/terms/fuzz/words.dict -max_len=8192 -max_total_time=600 {{ arguments }}

# The same for what the relay reads before it knows who sends: head, datagram
[group('development')]
fuzz-relay target *arguments:
    mkdir -p target/fuzz/{{ target }} && RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir proxy/fuzz --sanitizer none {{ target }} target/fuzz/{{ target }} proxy/fuzz/corpus/{{ target }} -- -max_len=2048 -max_total_time=600 {{ arguments }}

# The same for the pages and the log that the audit reads without SQLite: pages
[group('development')]
fuzz-audit target *arguments:
    mkdir -p target/fuzz/{{ target }} && RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir accounting/audit/fuzz --sanitizer none {{ target }} target/fuzz/{{ target }} accounting/audit/fuzz/corpus/{{ target }} -- -max_len=32768 -max_total_time=600 {{ arguments }}
