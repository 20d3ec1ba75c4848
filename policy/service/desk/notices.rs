//! The evidence that the notices of a version were accepted, where the policy in force declares it: how many, and a digest
//! of a record that stays with whoever sent them.

use avow_accounting::{Evidence, NoticeEvidence};

use super::{Desk, Done, NoticeView};
use crate::{clock, failure::Failure};

impl Desk {
    /// Keeps the evidence of a version's notices, if it is given; says what is kept.
    pub(super) fn notices(&mut self, keep: Option<&NoticeView>) -> Result<Done, Failure> {
        if let Some(notice) = keep {
            let NoticeView { version, accepted, digest } = notice;
            if self.standing.load().revision(*version).is_none() {
                return Err(Failure::refused(format!("version {version} was never published"))
                    .help("`avow history` lists the versions; a notice tells of one of them"));
            }
            let digest = bytes(digest).ok_or_else(|| Failure::refused("this is no SHA-256"))?;
            let permit = self.permit::<NoticeEvidence>(clock::now(), false)?;
            let evidence = Evidence { version: *version, accepted: *accepted, digest };
            self.store.keep_evidence(permit, &evidence).map_err(Failure::could_not)?;
        }
        let kept = self.store.evidence().map_err(Failure::could_not)?;
        let view = |Evidence { version, accepted, digest }: &Evidence| NoticeView {
            version: *version,
            accepted: *accepted,
            digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        Ok(Done::Notices { notices: kept.iter().map(view).collect() })
    }
}

/// The 32 bytes that 64 hexadecimal digits are.
fn bytes(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}
