//! A stream as it is on the wire: chunks, each with its length, sealed one after the other (SIP004, SIP022).
//!
//! Opened and sealed where they lie, many with one read or write. The shadowsocks crate's stream reads twice and writes
//! once for every chunk and keeps the largest chunk's memory for good; its ciphers are what is used here.

use std::{collections::VecDeque, io::IoSlice, ops::Range};

use bytes::BufMut;
use shadowsocks::crypto::{CipherKind, v1::Cipher, v2::tcp::TcpCipher};

use crate::{
    method::Method,
    packet::now,
    room::{Room, Size},
    wire::PIECE,
};

pub(crate) const TAG: usize = 16;
/// A length of two bytes, sealed.
pub(crate) const LENGTH: usize = 2 + TAG;
/// The type of what a server sends.
const FROM_SERVER: u8 = 1;
/// The longest chunk of the older methods, and of 2022.
const LONGEST: usize = 0x3fff;
const LONGEST_2022: usize = 0xffff;
/// What a chunk to a client carries: with what is around it, it is one piece, so that it is taken and counted as a whole.
const CHUNK: usize = PIECE - LENGTH - TAG;
const _: () = assert!(CHUNK <= LONGEST, "every edition takes it");
/// How many chunks go into one piece at most.
const SLICES: usize = 16;

/// The cipher of one direction of a stream. Every call takes the next nonce.
pub(crate) enum StreamCipher {
    Old(Box<Cipher>),
    New(Box<TcpCipher>),
}

impl StreamCipher {
    pub(crate) fn new(method: Method, key: &[u8], salt: &[u8]) -> Self {
        let kind: CipherKind = method.cipher();
        if method.is_2022() {
            Self::New(Box::new(TcpCipher::new(kind, key, salt)))
        } else {
            Self::Old(Box::new(Cipher::new(kind, key, salt)))
        }
    }

    /// Opens in place, the tag at the end included; false when it was not sealed so. There must be a tag.
    pub(crate) fn open(&mut self, sealed: &mut [u8]) -> bool {
        match self {
            Self::Old(cipher) => cipher.decrypt_packet(sealed),
            Self::New(cipher) => cipher.decrypt_packet(sealed),
        }
    }

    /// Seals in place; the tag goes into the last bytes.
    fn seal(&mut self, plain: &mut [u8]) {
        match self {
            Self::Old(cipher) => cipher.encrypt_packet(plain),
            Self::New(cipher) => cipher.encrypt_packet(plain),
        }
    }
}

/// What was not sealed with the stream's key, or cannot be a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tampered;

/// Opens what a client sends.
pub(crate) struct Opener {
    cipher: StreamCipher,
    longest: usize,
    /// Of the chunk whose length is known and which is not whole yet.
    begun: Option<usize>,
}

impl Opener {
    pub(crate) fn new(method: Method, cipher: StreamCipher) -> Self {
        Self { cipher, longest: if method.is_2022() { LONGEST_2022 } else { LONGEST }, begun: None }
    }

    /// The same, in the middle of a chunk whose length is known.
    pub(crate) fn within(method: Method, cipher: StreamCipher, length: usize) -> Self {
        Self { begun: Some(length), ..Self::new(method, cipher) }
    }

    /// How many more sealed bytes it takes to get on.
    fn needs(&self) -> usize {
        self.begun.map_or(LENGTH, |length| length + TAG)
    }

    /// Opens the next chunk if it is whole; tells whether it was.
    pub(crate) fn open_one(&mut self, flow: &mut Inflow) -> Result<bool, Tampered> {
        if self.begun.is_none() {
            let Some(length) = flow.take(LENGTH) else { return Ok(false) };
            let sealed = flow.room.get_mut(length).ok_or(Tampered)?;
            self.begun = Some(self.length(sealed)?);
        }
        let Some(chunk) = flow.take(self.needs()) else { return Ok(false) };
        let (start, end) = (chunk.start, chunk.end - TAG);
        if !flow.room.get_mut(chunk).is_some_and(|sealed| self.cipher.open(sealed)) {
            return Err(Tampered);
        }
        self.begun = None;
        if start < end {
            flow.plain.push_back(start..end);
        }
        Ok(true)
    }

    /// Opens every chunk that is whole.
    pub(crate) fn open(&mut self, flow: &mut Inflow) -> Result<(), Tampered> {
        while self.open_one(flow)? {}
        Ok(())
    }

    fn length(&mut self, sealed: &mut [u8]) -> Result<usize, Tampered> {
        if !self.cipher.open(sealed) {
            return Err(Tampered);
        }
        let length = sealed.first_chunk().map_or(0, |bytes| usize::from(u16::from_be_bytes(*bytes)));
        if length <= self.longest { Ok(length) } else { Err(Tampered) }
    }

    /// Whether the stream may end here.
    pub(crate) fn may_end(&self, flow: &Inflow) -> bool {
        self.begun.is_none() && flow.is_empty()
    }
}

/// What came from a client: plain bytes that the target has not taken yet, and after them sealed ones.
pub(crate) struct Inflow {
    room: Room,
    plain: VecDeque<Range<usize>>,
    sealed: Range<usize>,
}

impl Inflow {
    /// What was read already, with room for more.
    pub(crate) fn new(sealed: &[u8], at_least: usize, wish: Size) -> Self {
        let mut room = Room::take(at_least.max(sealed.len()), wish);
        if let Some(place) = room.get_mut(..sealed.len()) {
            place.copy_from_slice(sealed);
        }
        Self { room, plain: VecDeque::new(), sealed: 0..sealed.len() }
    }

    /// Makes room for what the opener needs, and as much as is wished. Only when there is nothing plain in it.
    pub(crate) fn make_room(&mut self, opener: &Opener, wish: Size) {
        debug_assert!(self.plain.is_empty(), "what the target has not taken would be lost");
        let (held, needs) = (self.sealed.len(), opener.needs());
        let fits = held.max(needs) <= self.room.len();
        if !fits || (wish != self.room.size() && held.max(needs) <= wish.bytes()) {
            *self = Self::new(self.room.get(self.sealed.clone()).unwrap_or_default(), needs, wish);
        } else if self.sealed.start > 0 {
            self.room.copy_within(self.sealed.clone(), 0);
            self.sealed = 0..held;
        }
    }

    /// Where to read to.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        self.room.get_mut(self.sealed.end..).unwrap_or_default()
    }

    /// So much was read.
    pub(crate) fn read(&mut self, length: usize) {
        self.sealed.end += length;
    }

    /// Whether nothing is left in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.plain.is_empty()
    }

    /// The plain bytes that come first.
    pub(crate) fn first(&self) -> &[u8] {
        self.plain.front().and_then(|range| self.room.get(range.clone())).unwrap_or_default()
    }

    /// The next piece for the target; `None` when there is nothing plain.
    pub(crate) fn piece(&self) -> Option<Piece<'_>> {
        let mut piece = Piece { slices: [IoSlice::new(&[]); SLICES], used: 0 };
        let mut left = PIECE;
        for range in &self.plain {
            let taken = range.len().min(left);
            let bytes = self.room.get(range.start..range.start + taken)?;
            let Some(slot) = piece.slices.get_mut(piece.used).filter(|_| taken > 0) else { break };
            *slot = IoSlice::new(bytes);
            piece.used += 1;
            left -= taken;
        }
        (piece.used > 0).then_some(piece)
    }

    /// The target took so much.
    pub(crate) fn taken(&mut self, mut length: usize) {
        while let Some(range) = self.plain.front_mut() {
            let taken = range.len().min(length);
            range.start += taken;
            length -= taken;
            if range.start < range.end {
                return;
            }
            self.plain.pop_front();
        }
    }

    fn take(&mut self, length: usize) -> Option<Range<usize>> {
        let start = self.sealed.start;
        (self.sealed.len() >= length).then(|| self.sealed.start += length)?;
        Some(start..start + length)
    }
}

/// Plain bytes, of one chunk or of several.
pub(crate) struct Piece<'a> {
    slices: [IoSlice<'a>; SLICES],
    used: usize,
}

impl<'a> Piece<'a> {
    pub(crate) fn slices(&self) -> &[IoSlice<'a>] {
        self.slices.get(..self.used).unwrap_or_default()
    }
}

/// Seals what goes to a client.
pub(crate) struct Sealer {
    cipher: StreamCipher,
    /// What stands before the first length, until that is sent.
    opening: Option<Box<Opening>>,
}

/// What a server says first: its salt and, in the edition of 2022, whom it answers.
struct Opening {
    salt: Vec<u8>,
    /// The client's salt; of 2022 only.
    answered: Option<Vec<u8>>,
}

impl Sealer {
    pub(crate) fn new(method: Method, key: &[u8], salt: Vec<u8>, answered: &[u8]) -> Self {
        let cipher = StreamCipher::new(method, key, &salt);
        let answered = method.is_2022().then(|| answered.to_vec());
        Self { cipher, opening: Some(Box::new(Opening { salt, answered })) }
    }

    /// How a room is to be filled.
    pub(crate) fn plan(&self) -> Plan {
        Plan { lead: self.lead(), read: 0, sealed: 0 }
    }

    /// How much stands before the next payload.
    fn lead(&self) -> usize {
        self.opening.as_ref().map_or(LENGTH, |opening| {
            opening.salt.len() + LENGTH + opening.answered.as_ref().map_or(0, |salt| 1 + 8 + salt.len())
        })
    }

    /// Seals the next chunk of what was read as planned, at the beginning of this part of the room; how long it is then.
    /// `None` when there is no other.
    pub(crate) fn seal(&mut self, plan: &mut Plan, room: &mut [u8]) -> Option<usize> {
        let (lead, length) = (self.lead(), CHUNK.min(plan.read - plan.sealed));
        if length == 0 {
            return None;
        }
        let frame = room.get_mut(..lead + length + TAG)?;
        let (head, body) = frame.split_at_mut_checked(lead)?;
        self.seal_head(head, u16::try_from(length).ok()?)?;
        self.cipher.seal(body);
        plan.sealed += length;
        Some(frame.len())
    }

    fn seal_head(&mut self, head: &mut [u8], length: u16) -> Option<()> {
        let opening = self.opening.take();
        let (salt, sealed) = head.split_at_mut_checked(opening.as_ref().map_or(0, |opening| opening.salt.len()))?;
        let mut place = &mut *sealed;
        if let Some(opening) = opening {
            salt.copy_from_slice(&opening.salt);
            if let Some(answered) = opening.answered {
                place.put_u8(FROM_SERVER);
                place.put_u64(now());
                place.put_slice(&answered);
            }
        }
        place.put_u16(length);
        self.cipher.seal(sealed);
        Some(())
    }
}

/// Where payload lies in a room that is to be sealed: what stands before the first payload is longer the first time.
pub(crate) struct Plan {
    lead: usize,
    /// How much was read.
    pub(crate) read: usize,
    /// How much of that is sealed.
    sealed: usize,
}

impl Plan {
    /// The places for payload.
    pub(crate) fn places<'a>(&self, room: &'a mut [u8]) -> impl Iterator<Item = &'a mut [u8]> + use<'a> {
        let (mut rest, mut lead) = (room, self.lead);
        std::iter::from_fn(move || {
            let (_, after) = std::mem::take(&mut rest).split_at_mut_checked(lead)?;
            let (place, after) = after.split_at_mut_checked(CHUNK)?;
            rest = after.get_mut(TAG..)?;
            lead = LENGTH;
            Some(place)
        })
    }

    /// Whether all that was read is sealed.
    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed == self.read
    }

    /// How much payload the client can open of the first so many sealed bytes: only whole chunks.
    pub(crate) fn payload(&self, sealed: usize) -> usize {
        let sealed = sealed.saturating_sub(self.lead - LENGTH);
        let whole = (sealed / PIECE * CHUNK).min(self.read);
        let last = self.read - whole;
        if last < CHUNK && sealed % PIECE >= LENGTH + last + TAG { self.read } else { whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cipher(method: Method) -> StreamCipher {
        StreamCipher::new(method, &vec![7; method.cipher().key_len()], &vec![9; method.cipher().salt_len()])
    }

    fn sealer(method: Method) -> Sealer {
        let salt = vec![9; method.cipher().salt_len()];
        Sealer::new(method, &vec![7; method.cipher().key_len()], salt.clone(), &salt)
    }

    /// Seals so many bytes as they would be read; what the client gets, and how it was planned.
    fn seal(sealer: &mut Sealer, wish: Size, payload: &[u8]) -> (Vec<u8>, Plan) {
        let mut room = Room::take(0, wish);
        let (mut plan, mut left) = (sealer.plan(), payload);
        for place in plan.places(&mut room) {
            let (now, later) = left.split_at(left.len().min(place.len()));
            place[..now.len()].copy_from_slice(now);
            left = later;
        }
        assert!(left.is_empty(), "it does not fit");
        plan.read = payload.len();
        let mut total = 0;
        while let Some(length) = sealer.seal(&mut plan, &mut room[total..]) {
            total += length;
        }
        (room[..total].to_vec(), plan)
    }

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 31 % 251) as u8).collect()
    }

    #[test]
    fn what_is_sealed_is_opened_again_however_it_arrives() {
        for method in Method::ALL {
            let mut sealer = sealer(method);
            let (_, _) = seal(&mut sealer, Size::Small, &bytes(1));
            let most = 32 * PIECE - 32 * (LENGTH + TAG);
            let mut wire = Vec::new();
            let mut sent = Vec::new();
            for (wish, length) in [(Size::Small, 1), (Size::Small, 16_000), (Size::Large, 20_000), (Size::Large, most)]
            {
                wire.extend(seal(&mut sealer, wish, &bytes(length)).0);
                sent.extend(bytes(length));
            }
            let mut cipher = cipher(method);
            // What was sealed first is not looked at: its two nonces are taken.
            cipher.seal(&mut [0; TAG]);
            cipher.seal(&mut [0; TAG]);
            let (mut opener, mut flow, mut got) =
                (Opener::new(method, cipher), Inflow::new(&[], 0, Size::Small), Vec::new());
            let mut wire = &wire[..];
            while !wire.is_empty() {
                flow.make_room(&opener, Size::Small);
                let arrived = flow.space().len().min(5_000).min(wire.len());
                flow.space()[..arrived].copy_from_slice(&wire[..arrived]);
                wire = &wire[arrived..];
                flow.read(arrived);
                opener.open(&mut flow).unwrap();
                while let Some(piece) = flow.piece() {
                    let piece: Vec<u8> = piece.slices().iter().flat_map(|slice| slice.to_vec()).collect();
                    assert!(piece.len() <= PIECE);
                    let taken = piece.len().div_ceil(2);
                    got.extend_from_slice(&piece[..taken]);
                    flow.taken(taken);
                }
            }
            assert!(got == sent && opener.may_end(&flow), "{method}");
        }
    }

    #[test]
    fn payload_is_counted_when_its_whole_chunk_is_taken_and_never_before() {
        for method in Method::ALL {
            let mut sealer = sealer(method);
            for length in [1, LONGEST, 100_000, 400_000] {
                let (sealed, plan) = seal(&mut sealer, Size::Large, &bytes(length));
                assert_eq!((plan.payload(0), plan.payload(sealed.len())), (0, length), "{method}");
                let extra = plan.lead - LENGTH;
                for at in 1..=sealed.len() {
                    let step = plan.payload(at) - plan.payload(at - 1);
                    let ends = at == sealed.len() || (at > extra && (at - extra).is_multiple_of(PIECE));
                    assert!(step <= CHUNK && (step > 0) == ends, "{method}: {step} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn a_changed_byte_is_noticed_wherever_it_is() {
        for method in [Method::Blake3Aes256Gcm, Method::Chacha20IetfPoly1305] {
            for at in [0, 1, 17, 18, 500, 1_033] {
                let mut cipher = cipher(method);
                let mut sealed = [vec![0; LENGTH], bytes(1_000), vec![0; TAG]].concat();
                sealed[..2].copy_from_slice(&1_000_u16.to_be_bytes());
                cipher.seal(&mut sealed[..LENGTH]);
                cipher.seal(&mut sealed[LENGTH..]);
                sealed[at] ^= 1;
                let mut opener = Opener::new(method, self::cipher(method));
                assert_eq!(opener.open(&mut Inflow::new(&sealed, 0, Size::Small)), Err(Tampered), "{method} at {at}");
            }
        }
    }

    #[test]
    fn an_older_client_may_not_send_a_longer_chunk_than_its_edition_allows() {
        let mut cipher = cipher(Method::Aes256Gcm);
        let mut sealed = [&0x4000_u16.to_be_bytes()[..], &[0; TAG]].concat();
        cipher.seal(&mut sealed);
        let mut opener = Opener::new(Method::Aes256Gcm, self::cipher(Method::Aes256Gcm));
        assert_eq!(opener.open(&mut Inflow::new(&sealed, 0, Size::Small)), Err(Tampered));
    }
}
