//! One thing in two forms: what is encrypted can be decrypted, and what is only a digest cannot.

use super::Text;
use crate::reading::problems::Problems;

/// Reports data that one clause keeps encrypted and another only as a digest.
pub(super) fn check(text: &Text<'_>, problems: &mut Problems<'_>) {
    for (sealing, sealed) in text.measures("encrypt-at-rest") {
        for (hashing, hashed) in text.measures("hash-only") {
            let both = hashed.iter().find_map(|one| Some((one, sealed.iter().find(|other| text.meet(one, other))?)));
            let Some((digest, secret)) = both else { continue };
            let message =
                format!("{hashing} keeps `{digest}` only as a digest, and {sealing} keeps `{secret}` encrypted");
            let help = format!(
                "what can be decrypted is no digest: leave one of the two, or let {sealing} name the digest instead"
            );
            let (here, there) = (text.place(hashing, digest.as_str()), text.place(sealing, secret.as_str()));
            let remark = format!("{sealing} says that it can be decrypted");
            problems.clash(here, "digest-and-encrypted", message, (there, &remark), help);
        }
    }
}
