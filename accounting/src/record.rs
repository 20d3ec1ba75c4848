//! The kinds of record the store writes: what each carries, and what for. Each needs a permit of its own.

use avow_terms::permit::{Record, Service};

/// The beginning of an example of how a record is written.
macro_rules! example {
    ($kind:literal, $permit:literal, $given:literal, $call:literal) => {
        concat!(
            "```",
            $kind,
            "\n# use avow_accounting::*;\n# use avow_terms::{account::AccountId, batch::Batch, payment::Payment};\n",
            "# use avow_terms::{permit::Permit, plan::Plan, private::Private};\n",
            "fn write(store: &mut Store, permit: Permit<",
            $permit,
            ">, ",
            $given,
            ") {\n    let _ = store.",
            $call,
            ";\n}\n```"
        )
    };
}

/// Declares a kind of record, and shows in its documentation that a permit of another kind does not compile.
macro_rules! record {
    (
        $(#[$doc:meta])* $name:ident, $words:literal, $codes:expr, $purpose:literal, $service:ident,
        $permit:literal, $given:literal, $call:literal, $other:literal
    ) => {
        $(#[$doc])*
        ///
        /// Its own permit lets it be written:
        ///
        #[doc = example!("", $permit, $given, $call)]
        ///
        /// One of another kind does not compile:
        ///
        #[doc = example!("compile_fail,E0308", $other, $given, $call)]
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
    AccountRecord, "account", &["account.number", "account.access_keys"], "service.auth", Registration,
    "AccountRecord",
    "account: &NewAccount",
    "add_account(permit, account)",
    "MonthTotal"
);
record!(
    /// What an account moved in a calendar month.
    MonthTotal, "month total", &["usage.month_total"], "service.limit", Accounting,
    "MonthTotal",
    "batch: &Batch",
    "add_traffic(permit, batch)",
    "AccountRecord"
);
record!(
    /// What an account moved in a session, and the day it began.
    SessionTotal, "session total", &["session.bytes", "session.date"], "service.display", Accounting,
    "SessionTotal",
    "batch: &Batch",
    "add_counts(None, Some(permit), batch)",
    "MonthTotal"
);
record!(
    /// What only the abuse desk can open about a session.
    SealedSession,
    "sealed session",
    &["session.client_ip", "session.time", "session.server"],
    "security",
    Accounting,
    "SealedSession",
    "sessions: &[SealedBlob]",
    "add_sealed_sessions(permit, sessions)",
    "MonthTotal"
);
record!(
    /// The e-mail address of an account.
    Email, "e-mail address", &["account.email"], "notices", Registration,
    "Email",
    "account: AccountId, address: &Private<String>",
    "set_email(permit, account, address)",
    "MonthTotal"
);
record!(
    /// The user name of an account, and the digest it is found by.
    UserName, "user name", &["account.username", "account.username_digest"], "service.auth", Registration,
    "UserName",
    "account: AccountId, name: &Private<String>",
    "set_username(permit, account, name)",
    "PasswordDigest"
);
record!(
    /// A one-way digest of a password.
    PasswordDigest, "password digest", &["account.password_digest"], "service.auth", Registration,
    "PasswordDigest",
    "account: AccountId, password: &Private<String>",
    "set_password(permit, account, password)",
    "UserName"
);
record!(
    /// A digest of a code that was sent.
    ActivationCode, "activation code", &["account.code_digest"], "service.auth", Registration,
    "ActivationCode",
    "account: AccountId, code: &Private<String>",
    "remember_code(permit, account, code)",
    "MonthTotal"
);
record!(
    /// A plan.
    PlanRecord, "plan", &["account.plan"], "service.limit", Registration,
    "PlanRecord",
    "account: AccountId, plan: &Plan",
    "set_plan(permit, account, plan)",
    "MonthTotal"
);
record!(
    /// That an account is blocked.
    Blocked, "block", &["account.blocked"], "security", AbuseDesk,
    "Blocked",
    "account: AccountId",
    "block(permit, account)",
    "CaseStep"
);
record!(
    /// A step of a complaint about an account.
    CaseStep, "step of a complaint", &["case.steps"], "security", AbuseDesk,
    "CaseStep",
    "account: AccountId, step: Step",
    "add_case_step(permit, account, step)",
    "Blocked"
);
record!(
    /// What an account agreed to or switched off.
    Choices, "choices", &["account.choices"], "service.auth", Portal,
    "Choices",
    "account: AccountId, chosen: Chosen",
    "set_choices(permit, account, chosen)",
    "MonthTotal"
);
record!(
    /// How many devices of an account are connected.
    DeviceCount, "device count", &["account.device_count"], "service.limit", Accounting,
    "DeviceCount",
    "account: AccountId, devices: u32",
    "set_device_count(permit, account, devices)",
    "MonthTotal"
);
record!(
    /// That notices of a version were accepted.
    NoticeEvidence, "notice evidence", &["notice.evidence"], "accountability", Mail,
    "NoticeEvidence",
    "evidence: &Evidence",
    "keep_evidence(permit, evidence)",
    "MonthTotal"
);
record!(
    /// A payment: its day and its transaction number.
    PaymentRecord, "payment", &["payment.date", "payment.transaction"], "billing", Billing,
    "PaymentRecord",
    "account: AccountId, payment: &Payment",
    "add_payment(permit, account, payment)",
    "MonthTotal"
);
record!(
    /// An attempt to connect, of an account that agreed to tell of it.
    Diagnostics, "diagnostics", &["diagnostics.attempt"], "improve", Portal,
    "Diagnostics",
    "account: AccountId, attempt: &Attempt",
    "add_attempt(permit, account, attempt)",
    "MonthTotal"
);
