//! The questions, and every answer on offer. The first answer of each is taken where nobody says otherwise.

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// What is kept, and how long.
    Keep,
    /// What it is kept for.
    Why,
    /// What is promised besides.
    Promise,
}

/// A question.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// What it is about.
    pub topic: Topic,
    /// Its name in `--keep`, `--why` or `--promise`.
    pub key: &'static str,
    /// The question.
    pub asks: &'static str,
    /// What must be kept for the question to make sense.
    pub needs: Option<&'static str>,
    /// The answers; the first is the one that promises most.
    pub choices: &'static [Choice],
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name.
    pub key: &'static str,
    /// What it means for a user.
    pub means: &'static str,
    /// The words it puts into the policy, where they are no more than that.
    pub words: &'static str,
}

const fn choice(key: &'static str, means: &'static str, words: &'static str) -> Choice {
    Choice { key, means, words }
}

const fn keep(key: &'static str, asks: &'static str, choices: &'static [Choice]) -> Question {
    Question { topic: Topic::Keep, key, asks, needs: None, choices }
}

const fn why(key: &'static str, asks: &'static str, choices: &'static [Choice]) -> Question {
    Question { topic: Topic::Why, key, asks, needs: Some(key), choices }
}

const fn promise(
    key: &'static str,
    asks: &'static str,
    needs: Option<&'static str>,
    choices: &'static [Choice],
) -> Question {
    Question { topic: Topic::Promise, key, asks, needs, choices }
}

/// Every question, in the order in which they are asked.
pub static QUESTIONS: [Question; 16] = [
    keep(
        "month-total",
        "Do you keep how much data each account moved this month?",
        &[
            choice(
                "month",
                "until the month ends (UTC); a plan can have a limit",
                "Until the end of the calendar month (UTC)",
            ),
            choice("no", "nobody knows, and a plan can have no limit", ""),
            choice("1-year", "for a year: users can see last winter's months", "1 year after it was recorded"),
        ],
    ),
    keep(
        "sessions",
        "Do you keep the day of each session and how much it moved, without any address?",
        &[
            choice("no", "nothing tells when somebody was connected", ""),
            choice("30-days", "for 30 days", "30 days after the session ends"),
            choice("90-days", "for 90 days", "90 days after the session ends"),
            choice("account", "as long as the account exists", "Until the account is deleted"),
        ],
    ),
    keep(
        "session-addresses",
        "Do you keep the address, the times and the server of each session?",
        &[
            choice("no", "nobody can trace an address back to an account", ""),
            choice("24-hours", "for a day: complaints must come quickly", "24 hours after the session ends"),
            choice("7-days", "for a week", "7 days after the session ends"),
            choice("30-days", "for 30 days", "30 days after the session ends"),
            choice("90-days", "for 90 days: an authority can ask for three months", "90 days after the session ends"),
        ],
    ),
    keep(
        "email",
        "Do you keep an e-mail address for each account?",
        &[
            choice("no", "accounts have a number only; you cannot write to anybody", ""),
            choice("account", "as long as the account exists", "Until the account is deleted"),
            choice("30-days", "until 30 days after the account is closed", "30 days after the account is closed"),
        ],
    ),
    keep(
        "user-name",
        "Do accounts have a user name and a password?",
        &[
            choice("no", "devices prove themselves by their keys alone", ""),
            choice("account", "as long as the account exists", "Until the account is deleted"),
        ],
    ),
    keep(
        "payments",
        "Do you keep the date and the transaction number of payments?",
        &[
            choice("no", "nothing here ties an account to a payment", ""),
            choice("account", "as long as the account exists", "Until the account is deleted"),
            choice(
                "7-years",
                "as long as the law wants it, at most 7 years",
                "As long as the Accounting Act requires, at most 7 years after the financial year ends",
            ),
        ],
    ),
    keep(
        "diagnostics",
        "Do you keep failed attempts to connect, of users who agree to that?",
        &[
            choice("no", "faults are found without data about anybody", ""),
            choice("30-days", "for 30 days, and only if the user agreed", "30 days after it was recorded"),
            choice(
                "account",
                "as long as the account exists, and only if the user agreed",
                "Until the account is deleted",
            ),
        ],
    ),
    why(
        "month-total",
        "What are the month totals for?",
        &[
            choice("limit", "to apply the limit of a plan", "To apply the limit of your plan (`service.limit`)"),
            choice("display", "to show them to the user", "To show it to you (`service.display`)"),
            choice(
                "both",
                "to apply the limit of a plan and to show them to the user",
                "To apply the limit of your plan (`service.limit`) and to show it to you (`service.display`)",
            ),
        ],
    ),
    why(
        "sessions",
        "What are the sessions for?",
        &[
            choice("display", "to show them to the user", "To show them to you (`service.display`)"),
            choice(
                "security",
                "to counter attacks",
                "To counter attacks and breaches of the terms of service (`security`)",
            ),
        ],
    ),
    why(
        "email",
        "What is the e-mail address for?",
        &[
            choice(
                "notices",
                "to write about the service and its policies",
                "To write to you about the service (`notices`)",
            ),
            choice(
                "both",
                "that, and to send a code to sign in with",
                "To send the code you sign in with (`service.auth`) and to write to you about the service (`notices`)",
            ),
        ],
    ),
    why(
        "diagnostics",
        "What are the attempts to connect for?",
        &[
            choice("improve", "to make the service better", "To make the service better (`improve`)"),
            choice("security", "to counter attacks", "To counter attacks (`security`)"),
        ],
    ),
    promise(
        "never",
        "What do you promise never to keep, whatever a later table may say?",
        None,
        &[
            choice(
                "all",
                "everything above that you do not keep: who users are, what they do, where they connect from",
                "",
            ),
            choice("traffic", "where users go and what they send and receive", ""),
            choice("none", "nothing beyond \"what is not in the table is not stored\"", ""),
        ],
    ),
    promise(
        "abroad",
        "Do your servers outside your home country store nothing?",
        None,
        &[
            choice("nothing", "whoever seizes a server abroad finds nothing", ""),
            choice("no-promise", "what you keep may be stored anywhere", ""),
        ],
    ),
    promise(
        "disclosure",
        "Who else may receive personal data?",
        None,
        &[
            choice("orders", "whom the table names, and an authority with a binding order", ""),
            choice("nobody", "whom the table names, and nobody else", ""),
            choice("no-promise", "you promise nothing about it, and name whom you know of", ""),
        ],
    ),
    promise(
        "notice",
        "How long before a new version do you write to every user?",
        Some("email"),
        &[
            choice("30-days", "30 days: time to leave", "30 days"),
            choice("14-days", "14 days", "14 days"),
            choice("7-days", "7 days", "7 days"),
            choice("1-day", "1 day", "1 day"),
            choice("no-promise", "you publish it and write to nobody", ""),
        ],
    ),
    promise(
        "guarantee",
        "What may a later version widen?",
        None,
        &[
            choice("published", "nothing, ever: what any version promised stays promised", ""),
            choice("account", "what holds for accounts that are opened later or that accept it", ""),
            choice("data", "what holds for data that is recorded later", ""),
        ],
    ),
];

/// The question of a name.
pub(super) fn find(topic: Topic, key: &str) -> Option<&'static Question> {
    QUESTIONS.iter().find(|question| question.topic == topic && question.key == key)
}

impl Question {
    /// The answer of a name.
    #[must_use]
    pub fn choice(&self, key: &str) -> Option<&'static Choice> {
        self.choices.iter().find(|choice| choice.key == key)
    }

    /// The answer that is taken where nobody says otherwise.
    pub(super) fn first(&self) -> &'static Choice {
        const NONE: Choice = choice("no", "", "");
        self.choices.first().unwrap_or(&NONE)
    }
}

impl Topic {
    /// Every topic, in the order in which they are asked.
    pub const ALL: [Self; 3] = [Self::Keep, Self::Why, Self::Promise];

    /// Its flag.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::Keep => "--keep",
            Self::Why => "--why",
            Self::Promise => "--promise",
        }
    }

    pub(super) fn to_ask(self) -> &'static str {
        match self {
            Self::Keep => "to keep",
            Self::Why => "to give a reason for",
            Self::Promise => "to promise",
        }
    }
}
