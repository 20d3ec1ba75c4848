//! What the relay tells about itself: how often each thing of a closed list happened.
//!
//! No event carries a value: there is no field that an address, an account or a name could stand in.

use serde::{Deserialize, Serialize};

/// Something that happened in the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A connection was accepted.
    Accepted,
    /// A connection showed the key of an account.
    Identified,
    /// A connection showed no key, or one that was shown before, and was met with silence.
    Silenced,
    /// A connection that had shown no key was closed early, since others came.
    Crowded,
    /// A connection could not be accepted: the system is out of something.
    NotAccepted,
    /// The target of a connection could not be reached.
    Unreachable,
    /// The target of a connection or a datagram is one that may not be reached; nothing was sent to it.
    Refused,
    /// A stream was ended because nothing moved in it.
    Idle,
    /// A stream was ended because its key was withdrawn.
    Withdrawn,
    /// A stream or an association was ended because its account used up what it may.
    UsedUp,
    /// A stream was refused, since its account has too many.
    StreamRefused,
    /// A datagram showed no key, or was seen before, and was dropped.
    DatagramSilenced,
    /// A datagram of an account was dropped: no room, or no way to its target.
    DatagramDropped,
    /// An association of datagrams was opened.
    AssociationOpened,
    /// An association was refused, since there are too many.
    AssociationRefused,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 15] = [
        Self::Accepted,
        Self::Identified,
        Self::Silenced,
        Self::Crowded,
        Self::NotAccepted,
        Self::Unreachable,
        Self::Refused,
        Self::Idle,
        Self::Withdrawn,
        Self::UsedUp,
        Self::StreamRefused,
        Self::DatagramSilenced,
        Self::DatagramDropped,
        Self::AssociationOpened,
        Self::AssociationRefused,
    ];

    /// Its name, for a metric: `datagram_dropped`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Identified => "identified",
            Self::Silenced => "silenced",
            Self::Crowded => "crowded",
            Self::NotAccepted => "not_accepted",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Idle => "idle",
            Self::Withdrawn => "withdrawn",
            Self::UsedUp => "used_up",
            Self::StreamRefused => "stream_refused",
            Self::DatagramSilenced => "datagram_silenced",
            Self::DatagramDropped => "datagram_dropped",
            Self::AssociationOpened => "association_opened",
            Self::AssociationRefused => "association_refused",
        }
    }
}

/// How often each event happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Events([u64; Event::ALL.len()]);

impl Events {
    /// How often this event happened.
    #[must_use]
    pub fn of(&self, event: Event) -> u64 {
        self.0.get(event as usize).copied().unwrap_or(0)
    }

    /// Every event with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Event, u64)> + '_ {
        Event::ALL.into_iter().zip(self.0)
    }

    /// These and the others together: what happened in one life of the relay and in the next.
    #[must_use]
    pub(crate) fn and(mut self, others: Self) -> Self {
        for (count, more) in self.0.iter_mut().zip(others.0) {
            *count = count.saturating_add(more);
        }
        self
    }
}

/// The counts as the relay keeps them.
#[derive(Default)]
pub(crate) struct Tally([std::sync::atomic::AtomicU64; Event::ALL.len()]);

impl Tally {
    /// It happened once more.
    pub(crate) fn count(&self, event: Event) {
        if let Some(count) = self.0.get(event as usize) {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }

    /// How often each happened until now.
    pub(crate) fn events(&self) -> Events {
        Events(std::array::from_fn(|at| {
            self.0.get(at).map_or(0, |count| count.load(std::sync::atomic::Ordering::Relaxed))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_its_place_and_its_name() {
        let tally = Tally::default();
        for (at, event) in Event::ALL.into_iter().enumerate() {
            assert_eq!(event as usize, at);
            assert_eq!(serde_json::to_value(event).unwrap(), event.name());
            tally.count(event);
        }
        assert!(tally.events().and(tally.events()).iter().all(|(_, count)| count == 2));
    }
}
