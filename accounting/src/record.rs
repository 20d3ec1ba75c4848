//! The kinds of record the store writes: what each carries, and what for. Each needs a permit of its own.

use avow_terms::permit::{Record, Service};

/// Declares a kind of record.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident, $words:literal, $codes:expr, $purpose:literal, $service:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Record for $name {
            const NAME: &'static str = $words;
            const CODES: &'static [&'static str] = $codes;
            const PURPOSE: &'static str = $purpose;
            const SERVICE: Service = Service::$service;
        }
    };
}

record!(
    /// An account with its access keys.
    AccountRecord, "account", &["account.number", "account.access_keys"], "service.auth", Registration
);
record!(
    /// What an account moved in a calendar month.
    MonthTotal, "month total", &["usage.month_total"], "service.limit", Accounting
);
record!(
    /// What an account moved in a session, and the day it began.
    SessionTotal, "session total", &["session.bytes", "session.date"], "service.display", Accounting
);
record!(
    /// What only the abuse desk can open about a session.
    SealedSession,
    "sealed session",
    &["session.client_ip", "session.time", "session.server"],
    "security",
    Accounting
);
record!(
    /// The e-mail address of an account.
    Email, "e-mail address", &["account.email"], "notices", Registration
);
record!(
    /// The user name of an account, and the digest it is found by.
    UserName, "user name", &["account.username", "account.username_digest"], "service.auth", Registration
);
record!(
    /// A one-way digest of a password.
    PasswordDigest, "password digest", &["account.password_digest"], "service.auth", Registration
);
record!(
    /// A digest of a code that was sent.
    ActivationCode, "activation code", &["account.code_digest"], "service.auth", Registration
);
record!(
    /// A plan.
    PlanRecord, "plan", &["account.plan"], "service.limit", Registration
);
record!(
    /// That an account is blocked.
    Blocked, "block", &["account.blocked"], "security", AbuseDesk
);
record!(
    /// A step of a complaint about an account.
    CaseStep, "step of a complaint", &["case.steps"], "security", AbuseDesk
);
record!(
    /// What an account agreed to or switched off.
    Choices, "choices", &["account.choices"], "service.auth", Portal
);
record!(
    /// How many devices of an account are connected.
    DeviceCount, "device count", &["account.device_count"], "service.limit", Accounting
);
record!(
    /// That notices of a version were accepted.
    NoticeEvidence, "notice evidence", &["notice.evidence"], "accountability", Mail
);
record!(
    /// A payment: its day and its transaction number.
    PaymentRecord, "payment", &["payment.date", "payment.transaction"], "billing", Billing
);
record!(
    /// An attempt to connect, of an account that agreed to tell of it.
    Diagnostics, "diagnostics", &["diagnostics.attempt"], "improve", Portal
);
