//! What an account gave and chose, its payments and complaints: kept where the policy in force declares it, and refused in
//! its words where it does not.

use std::fmt;

use avow_accounting::{
    ActivationCode, Attempt, Blocked, CaseStep, Choices, Decision, Diagnostics, Email, PasswordDigest, PaymentRecord,
    Step, UserName,
};
use avow_terms::{
    account::AccountId,
    payment::Payment,
    permit::{Events, Facts, Form, Permit, Record},
    private::Private,
};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{Desk, Done};
use crate::{clock, failure::Failure};

/// What is asked about the records of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Ask {
    /// Keep an e-mail address.
    Email {
        /// The address.
        value: Given,
    },
    /// Keep a user name.
    Username {
        /// The name.
        value: Given,
    },
    /// Keep a digest of a password.
    Password {
        /// The password.
        value: Given,
    },
    /// Whether this is the password.
    CheckPassword {
        /// The password.
        value: Given,
    },
    /// Make a code, remember its digest, and hand it out to be sent.
    GiveCode,
    /// Whether this is the code that was sent; it works once.
    UseCode {
        /// The code.
        value: Given,
    },
    /// Follow what the account chose; what is absent stays.
    Choose {
        /// Messages that are not about the account.
        messages: Option<bool>,
        /// Diagnostics. Switching them off erases them.
        diagnostics: Option<bool>,
    },
    /// Keep an attempt to connect of an account that agreed to it.
    Attempt {
        /// The type of connection.
        connection: String,
        /// The type of encryption.
        encryption: String,
        /// The type of device.
        device: String,
    },
    /// Keep the day and the transaction number of a payment.
    Payment {
        /// What the processor answered.
        answer: Given,
    },
    /// Add a step to the complaints, and block or unblock the account if that is the step.
    Case {
        /// `reported`, `warned`, `blocked`, `unblocked` or `closed`.
        decision: String,
    },
    /// What can be shown: sessions, payments, the steps of complaints, choices. Never a user name or a digest.
    Show,
}

/// A value that somebody gave. It has no Debug.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Given(pub String);

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(..)")
    }
}

impl Given {
    fn private(&self) -> Private<String> {
        Private::new(self.0.clone())
    }
}

/// What can be shown about an account, besides its keys and its plan.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// Whether there is an e-mail address. The address itself is for writing to it.
    pub email: bool,
    /// Whether it is blocked.
    pub blocked: bool,
    /// Whether it takes messages that are not about the account.
    pub messages: bool,
    /// Whether it agreed to diagnostics.
    pub diagnostics: bool,
    /// The day and the bytes of each session.
    pub sessions: Vec<(String, u64)>,
    /// The day and the transaction number of each payment.
    pub payments: Vec<(String, String)>,
    /// The day and the decision of each step of a complaint.
    pub steps: Vec<(String, String)>,
    /// How many attempts to connect are kept.
    pub attempts: usize,
    /// How many devices it has, where the policy keeps that.
    #[serde(default)]
    pub devices: Option<u32>,
}

/// Says that there are some.
impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Records(..)")
    }
}

impl Desk {
    /// Does what is asked about the records of an account.
    pub(super) fn record(&mut self, account: AccountId, ask: &Ask) -> Result<Done, Failure> {
        self.show_account(account)?;
        let now = clock::now();
        match ask {
            Ask::Email { value } => {
                let address = address(value)?;
                let permit = self.permit::<Email>(now, false)?;
                self.store.set_email(permit, account, &address).map_err(Failure::could_not)?;
            }
            Ask::Username { value } => {
                let permit = self.permit::<UserName>(now, false)?;
                self.store.set_username(permit, account, &value.private()).map_err(Failure::refused)?;
            }
            Ask::Password { value } => {
                let permit = self.permit::<PasswordDigest>(now, false)?;
                self.store.set_password(permit, account, &value.private()).map_err(Failure::refused)?;
            }
            Ask::CheckPassword { value } => {
                let right = self.store.check_password(account, &value.private()).map_err(Failure::refused)?;
                return Ok(Done::Checked { right });
            }
            Ask::GiveCode => {
                let permit = self.permit::<ActivationCode>(now, false)?;
                let code = self.store.draw_code().map_err(Failure::could_not)?;
                self.store.remember_code(permit, account, &code).map_err(Failure::could_not)?;
                return Ok(Done::Code { code: Given(code.into_inner()) });
            }
            Ask::UseCode { value } => {
                let right = self.store.use_code(account, &value.private(), now).map_err(Failure::could_not)?;
                return Ok(Done::Checked { right });
            }
            Ask::Choose { messages, diagnostics } => self.choose(account, *messages, *diagnostics, now)?,
            Ask::Attempt { connection, encryption, device } => {
                let word = |word: &String| word.parse().map_err(Failure::refused);
                let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
                let attempt =
                    Attempt { at, connection: word(connection)?, encryption: word(encryption)?, device: word(device)? };
                let consent = self.store.choices(account).map_err(Failure::could_not)?.diagnostics;
                let permit = self.permit::<Diagnostics>(now, consent)?;
                self.store.add_attempt(permit, account, &attempt).map_err(Failure::refused)?;
            }
            Ask::Payment { answer } => {
                let payment = Payment::read(&answer.0).map_err(Failure::refused)?;
                let permit = self.permit::<PaymentRecord>(now, false)?;
                self.store.add_payment(permit, account, &payment).map_err(Failure::could_not)?;
            }
            Ask::Case { decision } => self.step(account, decision, now)?,
            Ask::Show => {}
        }
        self.records(account)
    }

    fn choose(
        &mut self,
        account: AccountId,
        messages: Option<bool>,
        diagnostics: Option<bool>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let mut chosen = self.store.choices(account).map_err(Failure::could_not)?;
        chosen.messages = messages.unwrap_or(chosen.messages);
        chosen.diagnostics = diagnostics.unwrap_or(chosen.diagnostics);
        let permit = self.permit::<Choices>(now, false)?;
        self.store.set_choices(permit, account, chosen).map_err(Failure::could_not)
    }

    fn step(&mut self, account: AccountId, word: &str, now: Timestamp) -> Result<(), Failure> {
        let words = Decision::ALL.map(Decision::word).join(", ");
        let decision = Decision::ALL.into_iter().find(|decision| decision.word() == word);
        let decision = decision
            .ok_or_else(|| Failure::refused(format!("`{word}` is no decision")).help(format!("one of {words}")))?;
        let day = now.to_zoned(TimeZone::UTC).date();
        let permit = self.permit::<CaseStep>(now, false)?;
        self.store.add_case_step(permit, account, Step { day, decision }).map_err(Failure::could_not)?;
        match decision {
            Decision::Blocked => self.block(account, true, now),
            Decision::Unblocked => self.block(account, false, now),
            Decision::Reported | Decision::Warned | Decision::Closed => Ok(()),
        }
    }

    /// Blocks an account where the policy in force lets that be known, or lets it in again; no step of a complaint is kept.
    pub(super) fn block_account(&mut self, account: AccountId, blocked: bool) -> Result<Done, Failure> {
        self.show_account(account)?;
        self.block(account, blocked, clock::now())?;
        self.show_account(account)
    }

    fn block(&mut self, account: AccountId, blocked: bool, now: Timestamp) -> Result<(), Failure> {
        if !blocked {
            return self.store.unblock(account).map(drop).map_err(Failure::could_not);
        }
        let permit = self.permit::<Blocked>(now, false)?;
        self.store.block(permit, account).map_err(Failure::could_not)
    }

    fn records(&self, account: AccountId) -> Result<Done, Failure> {
        let failed = Failure::could_not;
        let chosen = self.store.choices(account).map_err(failed)?;
        let sessions = self.store.sessions(account).map_err(Failure::could_not)?;
        let payments = self.store.payments(account).map_err(Failure::could_not)?;
        let steps = self.store.case_steps(account).map_err(Failure::could_not)?;
        Ok(Done::Records(Records {
            email: self.store.email(account).map_err(Failure::could_not)?.is_some(),
            blocked: self.store.is_blocked(account).map_err(Failure::could_not)?,
            messages: chosen.messages,
            diagnostics: chosen.diagnostics,
            sessions: sessions.iter().map(|one| (one.day.to_string(), one.bytes.0)).collect(),
            payments: payments.iter().map(|one| (one.day.to_string(), one.transaction.as_str().to_owned())).collect(),
            steps: steps.iter().map(|one| (one.day.to_string(), one.decision.word().to_owned())).collect(),
            attempts: self.store.attempts(account).map_err(Failure::could_not)?.len(),
            devices: self.store.device_count(account).map_err(Failure::could_not)?,
        }))
    }

    /// The permission of the rules in force for one record, recorded now.
    pub(super) fn permit<R: Record>(&self, now: Timestamp, consent: bool) -> Result<Permit<R>, Failure> {
        let events = Events { payment: Some(now), ..Events::default() };
        let facts = Facts { events, consent, ..self.facts(now, Form::Sealed) };
        self.rules(now)?.permit::<R>(&facts).map_err(Failure::refused)
    }
}

/// An e-mail address that can be written to: one `@` with something before it and a dot behind it, no white space.
fn address(Given(text): &Given) -> Result<Private<String>, Failure> {
    let text = text.trim();
    let parts =
        text.split_once('@').filter(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'));
    let good = parts.is_some() && text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    if good { Ok(Private::new(text.to_owned())) } else { Err(Failure::refused("this is no e-mail address")) }
}
