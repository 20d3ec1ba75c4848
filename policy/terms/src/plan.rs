//! A plan: what an account may use, and until when. Every part may be absent: then it has no limit.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::amount::Bytes;

/// What an account may use, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// How much it may move in a calendar month.
    pub month_bytes: Option<Bytes>,
    /// When the subscription ends: from this instant on nobody is let in.
    pub ends: Option<Timestamp>,
    /// How many devices may be connected at once.
    pub devices: Option<u8>,
}

/// The bytes are no plan, or one of a later version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a plan")]
pub struct NotAPlan;

const MONTH_BYTES: u8 = 1;
const ENDS: u8 = 2;
const DEVICES: u8 = 3;

impl Plan {
    /// The plan as bytes: for each part that is there a mark, a length and the number, the largest byte first.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let ends = self.ends.map(|ends| ends.as_millisecond().to_be_bytes());
        let month = self.month_bytes.map(|Bytes(bytes)| bytes.to_be_bytes());
        let parts = [
            (MONTH_BYTES, month.map(Vec::from)),
            (ENDS, ends.map(Vec::from)),
            (DEVICES, self.devices.map(|devices| vec![devices])),
        ];
        let mut bytes = Vec::new();
        for (mark, part) in parts {
            if let Some(part) = part {
                bytes.extend([mark, u8::try_from(part.len()).unwrap_or(u8::MAX)]);
                bytes.extend(part);
            }
        }
        bytes
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// [`NotAPlan`] for anything that [`Plan::encode`] does not make: a part that is not known would be a limit that is
    /// not applied.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotAPlan> {
        let mut plan = Self::default();
        let (mut rest, mut last) = (bytes, 0);
        while let [mark, length, more @ ..] = rest {
            let (part, behind) = more.split_at_checked(usize::from(*length)).ok_or(NotAPlan)?;
            if *mark <= last {
                return Err(NotAPlan);
            }
            plan.take(*mark, part)?;
            (rest, last) = (behind, *mark);
        }
        if rest.is_empty() { Ok(plan) } else { Err(NotAPlan) }
    }

    fn take(&mut self, mark: u8, part: &[u8]) -> Result<(), NotAPlan> {
        let long = || part.try_into().map_err(|_| NotAPlan);
        match mark {
            MONTH_BYTES => self.month_bytes = Some(Bytes(u64::from_be_bytes(long()?))),
            ENDS => {
                let at = Timestamp::from_millisecond(i64::from_be_bytes(long()?)).map_err(|_| NotAPlan)?;
                self.ends = Some(at);
            }
            DEVICES => match part {
                [devices] => self.devices = Some(*devices),
                _ => return Err(NotAPlan),
            },
            _ => return Err(NotAPlan),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_plan_is_read_as_it_was_written(
            month in any::<Option<u64>>(),
            ends in prop::option::of(0..4_000_000_000_000_i64),
            devices in any::<Option<u8>>(),
        ) {
            let ends = ends.map(|ends| Timestamp::from_millisecond(ends).unwrap());
            let plan = Plan { month_bytes: month.map(Bytes), ends, devices };
            let bytes = plan.encode();
            prop_assert!(bytes.len() <= 23);
            prop_assert_eq!(Plan::decode(&bytes), Ok(plan));
        }

        #[test]
        fn whatever_is_no_plan_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..30)) {
            if let Ok(plan) = Plan::decode(&bytes) {
                prop_assert_eq!(plan.encode(), bytes);
            }
        }
    }
}
