//! The families of buckets: what each keeps, how wide its buckets may be, and which event dates its rows.
//!
//! The rows of a bucket go together, when the first of them is due; so the width of a bucket is how much too early the
//! last of them may go. A family has a widest one, and takes a narrower one where the policy keeps its data for a short
//! time only.

use avow_terms::{
    inventory::Table,
    permit::{Events, Record, Service},
};
use jiff::Timestamp;

use crate::{
    inventory as tables,
    period::Width,
    record::{
        ActivationCode, Blocked, CaseStep, Choices, DeviceCount, Diagnostics, Email, MonthTotal, NoticeEvidence,
        PasswordDigest, PaymentRecord, PlanRecord, SealedSession, SessionTotal, UserName,
    },
};

/// A family of buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    Blocked,
    CaseStep,
    Choices,
    Code,
    DeviceCount,
    Diagnostics,
    Email,
    MonthTotal,
    Notice,
    Password,
    Payment,
    Plan,
    SealedSession,
    SessionTotal,
    UserName,
    UserNameDigest,
}

/// What a kind of record says about itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) codes: &'static [&'static str],
    pub(crate) purpose: &'static str,
    pub(crate) service: Service,
}

impl Kind {
    fn of<R: Record>() -> Self {
        Self { codes: R::CODES, purpose: R::PURPOSE, service: R::SERVICE }
    }
}

/// How the rows of a family are keyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// One sealed value for each account.
    Single,
    /// Several, numbered.
    Numbered,
    /// About an account, and not sealed.
    Open,
    /// About no account.
    Apart,
}

impl Family {
    pub(crate) const ALL: [Self; 16] = [
        Self::Blocked,
        Self::CaseStep,
        Self::Choices,
        Self::Code,
        Self::DeviceCount,
        Self::Diagnostics,
        Self::Email,
        Self::MonthTotal,
        Self::Notice,
        Self::Password,
        Self::Payment,
        Self::Plan,
        Self::SealedSession,
        Self::SessionTotal,
        Self::UserName,
        Self::UserNameDigest,
    ];

    /// Its tables.
    pub(crate) const fn table(self) -> &'static Table {
        match self {
            Self::Blocked => &tables::BLOCKED,
            Self::CaseStep => &tables::CASE_STEP,
            Self::Choices => &tables::CHOICES,
            Self::Code => &tables::CODE,
            Self::DeviceCount => &tables::DEVICE_COUNT,
            Self::Diagnostics => &tables::DIAGNOSTICS,
            Self::Email => &tables::EMAIL,
            Self::MonthTotal => &tables::MONTH_TOTAL,
            Self::Notice => &tables::NOTICE,
            Self::Password => &tables::PASSWORD,
            Self::Payment => &tables::PAYMENT,
            Self::Plan => &tables::PLAN,
            Self::SealedSession => &tables::SEALED_SESSION,
            Self::SessionTotal => &tables::SESSION_TOTAL,
            Self::UserName => &tables::USERNAME,
            Self::UserNameDigest => &tables::USERNAME_DIGEST,
        }
    }

    /// What stands before the period in the names of its tables: `email_`.
    pub(crate) fn prefix(self) -> &'static str {
        self.table().name.trim_end_matches("{}")
    }

    /// What it is called where no period matters.
    pub(crate) fn name(self) -> &'static str {
        self.prefix().trim_end_matches('_')
    }

    /// The column of its sealed values.
    pub(crate) fn value(self) -> &'static str {
        self.table().columns.last().map_or("", |column| column.name)
    }

    /// The data codes its deadline is computed from.
    pub(crate) fn codes(self) -> &'static [&'static str] {
        self.record().codes
    }

    /// The record that its rows are.
    pub(crate) fn record(self) -> Kind {
        match self {
            Self::Blocked => Kind::of::<Blocked>(),
            Self::CaseStep => Kind::of::<CaseStep>(),
            Self::Choices => Kind::of::<Choices>(),
            Self::Code => Kind::of::<ActivationCode>(),
            Self::DeviceCount => Kind::of::<DeviceCount>(),
            Self::Diagnostics => Kind::of::<Diagnostics>(),
            Self::Email => Kind::of::<Email>(),
            Self::MonthTotal => Kind::of::<MonthTotal>(),
            Self::Notice => Kind::of::<NoticeEvidence>(),
            Self::Password => Kind::of::<PasswordDigest>(),
            Self::Payment => Kind::of::<PaymentRecord>(),
            Self::Plan => Kind::of::<PlanRecord>(),
            Self::SealedSession => Kind::of::<SealedSession>(),
            Self::SessionTotal => Kind::of::<SessionTotal>(),
            Self::UserName | Self::UserNameDigest => Kind::of::<UserName>(),
        }
    }

    /// How its rows are keyed.
    pub(crate) fn rows(self) -> Rows {
        match self {
            Self::CaseStep | Self::Diagnostics | Self::Payment | Self::SealedSession | Self::SessionTotal => {
                Rows::Numbered
            }
            Self::MonthTotal | Self::UserNameDigest => Rows::Open,
            Self::Notice => Rows::Apart,
            _ => Rows::Single,
        }
    }

    /// The widest its buckets may be: an hour for what happens at an instant, a day for what is dated, a month for what is
    /// kept until the account is deleted.
    pub(crate) fn widest(self) -> Width {
        match self {
            Self::SealedSession => Width::Hour,
            Self::Blocked | Self::CaseStep | Self::Code => Width::Day,
            _ => Width::Month,
        }
    }

    /// Whether its buckets are always of a calendar month, because its rows are.
    pub(crate) fn is_of_months(self) -> bool {
        self == Self::MonthTotal
    }

    /// What has happened when a row of it is recorded.
    pub(crate) fn events(self, recorded: Timestamp) -> Events {
        match self {
            Self::SealedSession | Self::SessionTotal => Events { session_end: Some(recorded), ..Events::default() },
            Self::Payment => Events { payment: Some(recorded), ..Events::default() },
            _ => Events::default(),
        }
    }
}
