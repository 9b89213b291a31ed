//! Which extent goes next, and which are spared for pins. Pure; nothing that is done for an expiry looks at every extent.
//!
//! Pins take extents as a whole, and never so many that less than the reserve is left for the live windows. Where they
//! would, those that are still recorded give up their oldest extent first: it is then like any other, and goes when it
//! is the oldest. What a finished pin needs is never given up.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use media::Grid;

use crate::{
    extent::Range,
    pin::{Pin, PinStatus, Reach},
};

/// Sealed extents, the streams in them, and the pins that hold them.
#[derive(Default)]
pub(crate) struct Retention {
    extents: BTreeMap<u32, Sealed>,
    streams: BTreeMap<u16, Stream>,
    pins: Vec<Held>,
    /// Extents without a pin, by generation.
    loose: BTreeSet<(u64, u32)>,
    /// Extents with a pin that does not move on by itself.
    lasting: usize,
    /// What the active extent holds.
    active: Option<Vec<Share>>,
}

struct Sealed {
    generation: u64,
    shares: Vec<Share>,
    /// Pins on it that are still recorded.
    open: u32,
    /// Pins on it that have their end.
    finished: u32,
    /// Pins on it that do not move on by themselves: finished ones, and recordings that keep all.
    lasting: u32,
}

/// A stream's segments in an extent.
#[derive(Clone, Copy)]
struct Share {
    stream: u16,
    first: u64,
    last: u64,
    bytes: u64,
    segments: u32,
}

struct Stream {
    channel: String,
    grid: Grid,
    /// The newest segment.
    edge: u64,
    /// Its extents, by the last segment they have of it.
    extents: BTreeSet<(u64, u32)>,
    /// Those of them that only pins still recorded hold.
    giving: BTreeSet<(u64, u32)>,
}

struct Held {
    pin: Pin,
    stream: Option<u16>,
    /// Extents are counted for it from this segment on.
    start: u64,
    /// Its quota made it let go of what comes before this segment.
    given: u64,
    /// Extents that it gave up for want of room; some may still be there.
    released: BTreeSet<u32>,
    bytes: u64,
    lost: u64,
    /// Losses are counted from this segment on.
    lost_from: u64,
}

impl Retention {
    pub(crate) fn new(pins: Vec<Pin>) -> Self {
        let mut retention = Self::default();
        retention.set(pins);
        retention
    }

    /// Forgets all extents: the ring is opened again.
    pub(crate) fn clear(&mut self) {
        let pins = std::mem::take(self).pins;
        self.set(pins.into_iter().map(|held| held.pin).collect());
    }

    /// Replaces all pins.
    pub(crate) fn set(&mut self, pins: Vec<Pin>) {
        let held = std::mem::take(&mut self.pins).into_iter();
        let mut before: BTreeMap<String, Held> = held.map(|held| (held.pin.id.clone(), held)).collect();
        for pin in pins {
            let held = match before.remove(&pin.id) {
                Some(same) if same.pin == pin => same,
                Some(mut changed) => {
                    self.release(&mut changed);
                    self.hold(changed.with(pin))
                }
                None => self.hold(Held::new(pin)),
            };
            self.pins.push(held);
        }
        let relieved = !before.is_empty();
        before.into_values().for_each(|mut gone| self.release(&mut gone));
        if relieved {
            self.take_back();
        }
    }

    /// There is room again: what was given up and is still there is held again.
    fn take_back(&mut self) {
        for mut held in std::mem::take(&mut self.pins) {
            if !held.pin.is_open() {
                self.pins.push(held);
                continue;
            }
            for id in std::mem::take(&mut held.released) {
                if self.share(id, held.stream).is_some_and(|share| held.covers(&share)) {
                    self.count(&mut held, id, true);
                }
            }
            self.keep_quota(&mut held);
            self.pins.push(held);
        }
    }

    /// An extent is full.
    pub(crate) fn seal(&mut self, id: u32, generation: u64, ranges: &[Range]) {
        let shares: Vec<Share> = ranges.iter().map(Share::of).collect();
        ranges.iter().for_each(|range| self.see(range));
        for share in &shares {
            if let Some(stream) = self.streams.get_mut(&share.stream) {
                stream.extents.insert((share.last, id));
            }
        }
        self.loose.insert((generation, id));
        self.extents.insert(id, Sealed { generation, shares, open: 0, finished: 0, lasting: 0 });
        let mut pins = std::mem::take(&mut self.pins);
        for held in &mut pins {
            if self.share(id, held.stream).is_some_and(|share| held.covers(&share)) {
                self.count(held, id, true);
                self.keep_quota(held);
            }
        }
        self.pins = pins;
    }

    /// A pin over its quota lets go of its oldest extents.
    fn keep_quota(&mut self, held: &mut Held) {
        while held.pin.is_open() && held.pin.quota.is_some_and(|quota| held.bytes > quota) {
            let index = held.stream.and_then(|stream| self.streams.get(&stream));
            let oldest = index.and_then(|index| index.extents.range((held.start, 0)..).next());
            let Some(oldest) = oldest.and_then(|&(_, id)| self.share(id, held.stream)) else { return };
            held.given = oldest.last + 1;
            self.let_go(held, oldest.last + 1);
        }
    }

    /// What the active extent holds now; none: there is none.
    pub(crate) fn set_active(&mut self, ranges: Option<&[Range]>) {
        self.active = ranges.map(|ranges| ranges.iter().map(Share::of).collect());
        for range in ranges.unwrap_or_default() {
            self.see(range);
            self.advance(range.id, range.last);
        }
    }

    /// The extent that may go, where pins may hold `limit` extents. It is forgotten here.
    pub(crate) fn take(&mut self, limit: usize) -> Option<u32> {
        while self.pinned() > limit && self.give() {}
        let &(_, id) = self.loose.first()?;
        self.lose(id);
        self.forget(id);
        Some(id)
    }

    /// An extent is no longer there.
    pub(crate) fn forget(&mut self, id: u32) {
        let mut pins = std::mem::take(&mut self.pins);
        for held in &mut pins {
            if self.holds(held, id) {
                self.count(held, id, false);
            }
            held.released.remove(&id);
        }
        self.pins = pins;
        let Some(extent) = self.extents.remove(&id) else { return };
        self.lasting -= usize::from(extent.lasting > 0);
        self.loose.remove(&(extent.generation, id));
        for share in extent.shares {
            if let Some(stream) = self.streams.get_mut(&share.stream) {
                stream.extents.remove(&(share.last, id));
                stream.giving.remove(&(share.last, id));
            }
        }
    }

    /// Extents that pins hold.
    pub(crate) fn pinned(&self) -> usize {
        let held = self.active.as_ref().is_some_and(|shares| {
            self.pins.iter().any(|held| match shares.is_empty() {
                true => held.pin.is_open() && held.stream.is_some(),
                false => shares.iter().any(|share| held.stream == Some(share.stream) && held.covers(share)),
            })
        });
        self.extents.len() - self.loose.len() + usize::from(held)
    }

    /// Extents that no live window will get back by itself.
    pub(crate) fn lasting(&self) -> usize {
        self.lasting
    }

    /// Extents that pins with an end hold, the active one included. Looks at each.
    pub(crate) fn finished(&self) -> usize {
        let finished = |share: &Share| {
            let mut pins = self.pins.iter().filter(|held| !held.pin.is_open());
            pins.any(|held| held.stream == Some(share.stream) && held.covers(share))
        };
        let active = self.active.as_ref().is_some_and(|shares| shares.iter().any(finished));
        self.extents.values().filter(|extent| extent.finished > 0).count() + usize::from(active)
    }

    pub(crate) fn status(&self) -> Vec<PinStatus> {
        self.pins.iter().map(|held| self.pin_status(held)).collect()
    }

    /// How far back pins that are still recorded keep a stream listed.
    pub(crate) fn reach(&self, channel: &str, grid: Grid) -> Vec<Reach> {
        let open = self.pins.iter().map(|held| &held.pin).filter(|pin| pin.is_open());
        open.filter(|pin| pin.is_of(channel, grid)).map(Pin::reach).collect()
    }

    /// The id of a stream that is on the disk.
    pub(crate) fn id_of(&self, channel: &str, grid: Grid) -> Option<u16> {
        let mut streams = self.streams.iter();
        streams.find(|(_, stream)| stream.channel == channel && stream.grid == grid).map(|(&id, _)| id)
    }

    /// First and last segment of a stream on the disk; of the first, a part may be gone.
    pub(crate) fn kept(&self, stream: u16) -> Option<(u64, u64)> {
        let index = self.streams.get(&stream)?;
        let oldest = index.extents.first().and_then(|&(_, id)| self.share(id, Some(stream)));
        let newest = index.extents.last().and_then(|&(_, id)| self.share(id, Some(stream)));
        let active = self.active_share(stream);
        Some((oldest.or(active)?.first, active.or(newest)?.last))
    }

    /// The streams that have segments on the disk.
    pub(crate) fn streams(&self) -> Vec<(String, Grid)> {
        let kept = self.streams.iter().filter(|&(&id, _)| self.kept(id).is_some());
        kept.map(|(_, stream)| (stream.channel.clone(), stream.grid)).collect()
    }

    /// Makes a stream known.
    fn see(&mut self, range: &Range) {
        if !self.streams.contains_key(&range.id) {
            self.pins
                .iter_mut()
                .filter(|held| held.pin.is_of(&range.channel, range.grid))
                .for_each(|held| held.stream = Some(range.id));
            let (channel, grid) = (range.channel.clone(), range.grid);
            let (extents, giving) = (BTreeSet::new(), BTreeSet::new());
            self.streams.insert(range.id, Stream { channel, grid, edge: 0, extents, giving });
        }
        if let Some(stream) = self.streams.get_mut(&range.id) {
            stream.edge = stream.edge.max(range.last);
        }
    }

    /// Moves the beginnings of pins that have a window.
    fn advance(&mut self, stream: u16, edge: u64) {
        let mut pins = std::mem::take(&mut self.pins);
        for held in pins.iter_mut().filter(|held| held.stream == Some(stream) && held.pin.is_open()) {
            let start = held.pin.reach().start(edge).max(held.start);
            self.let_go(held, start);
        }
        self.pins = pins;
    }

    /// Makes one extent loose that only pins still recorded hold: first of those over their quota, then of the
    /// one that holds most. False where there is none.
    fn give(&mut self) -> bool {
        let mut open: Vec<&Held> = self.pins.iter().filter(|held| held.pin.is_open()).collect();
        open.sort_by_key(|held| {
            Reverse((held.pin.quota.is_some_and(|quota| held.bytes > quota), held.bytes))
        });
        let oldest = |held: &&Held| {
            let stream = self.streams.get(&held.stream?)?;
            stream.giving.range((held.start, 0)..).next().map(|&(_, id)| id)
        };
        let Some(id) = open.iter().find_map(oldest) else { return false };
        let mut pins = std::mem::take(&mut self.pins);
        for held in pins.iter_mut().filter(|held| held.pin.is_open()) {
            if self.holds(held, id) {
                self.count(held, id, false);
                held.released.insert(id);
            }
        }
        self.pins = pins;
        true
    }

    /// Counts what pins lose with an extent.
    fn lose(&mut self, id: u32) {
        let Some(extent) = self.extents.get(&id) else { return };
        for held in &mut self.pins {
            let share = extent.shares.iter().find(|share| Some(share.stream) == held.stream);
            let (Some(share), Some(stream)) = (share, held.stream) else { continue };
            let edge = self.streams.get(&stream).map_or(0, |stream| stream.edge);
            let from = share.first.max(held.pin.reach().start(edge)).max(held.lost_from);
            let to = share.last.min(held.pin.to.unwrap_or(u64::MAX));
            if from <= to {
                held.lost += (to - from + 1).min(share.segments.into());
                held.lost_from = to + 1;
            }
        }
    }

    /// Counts a pin on every extent that it needs.
    fn hold(&mut self, mut held: Held) -> Held {
        held.stream = self.id_of(&held.pin.channel, held.pin.grid);
        let edge = held.stream.and_then(|stream| self.streams.get(&stream)).map_or(0, |stream| stream.edge);
        held.start = held.pin.reach().start(edge).max(held.given);
        for id in self.needed(&held, u64::MAX) {
            self.count(&mut held, id, true);
        }
        self.keep_quota(&mut held);
        held
    }

    fn release(&mut self, held: &mut Held) {
        self.let_go(held, u64::MAX);
    }

    /// Lets go of the extents that end before segment `start`.
    fn let_go(&mut self, held: &mut Held, start: u64) {
        for id in self.needed(held, start) {
            self.count(held, id, false);
        }
        held.start = start;
    }

    /// The extents that are counted for a pin and end before segment `end`.
    fn needed(&self, held: &Held, end: u64) -> Vec<u32> {
        let Some(stream) = held.stream else { return Vec::new() };
        let Some(index) = self.streams.get(&stream).filter(|_| held.start < end) else { return Vec::new() };
        let counted = index.extents.range((held.start, 0)..(end, 0)).map(|&(_, id)| id);
        let covers = |id: &u32| self.share(*id, Some(stream)).is_some_and(|share| held.covers(&share));
        counted.take_while(covers).filter(|id| !held.released.contains(id)).collect()
    }

    fn count(&mut self, held: &mut Held, id: u32, more: bool) {
        let bytes = self.share(id, held.stream).map_or(0, |share| share.bytes);
        let Some(extent) = self.extents.get_mut(&id) else { return };
        let pins = if held.pin.is_open() { &mut extent.open } else { &mut extent.finished };
        (*pins, held.bytes) = match more {
            true => (*pins + 1, held.bytes + bytes),
            false => (pins.saturating_sub(1), held.bytes.saturating_sub(bytes)),
        };
        let lasted = extent.lasting > 0;
        match more {
            _ if held.pin.moves_on() => {}
            true => extent.lasting += 1,
            false => extent.lasting = extent.lasting.saturating_sub(1),
        }
        self.lasting = self.lasting + usize::from(extent.lasting > 0) - usize::from(lasted);
        let (loose, giving) = (extent.open + extent.finished == 0, extent.open > 0 && extent.finished == 0);
        put(&mut self.loose, (extent.generation, id), loose);
        for share in &extent.shares {
            if let Some(stream) = self.streams.get_mut(&share.stream) {
                put(&mut stream.giving, (share.last, id), giving);
            }
        }
    }

    /// Whether an extent is counted for a pin.
    fn holds(&self, held: &Held, id: u32) -> bool {
        let covered = self.share(id, held.stream).is_some_and(|share| held.covers(&share));
        covered && !held.released.contains(&id)
    }

    fn share(&self, id: u32, stream: Option<u16>) -> Option<Share> {
        let shares = &self.extents.get(&id)?.shares;
        shares.iter().find(|share| Some(share.stream) == stream).copied()
    }

    fn active_share(&self, stream: u16) -> Option<Share> {
        self.active.as_ref()?.iter().find(|share| share.stream == stream).copied()
    }

    fn pin_status(&self, held: &Held) -> PinStatus {
        let active =
            held.stream.and_then(|stream| self.active_share(stream)).filter(|share| held.covers(share));
        let index = held.stream.and_then(|stream| self.streams.get(&stream));
        let edge = index.map_or(0, |stream| stream.edge);
        let from = held.pin.reach().start(edge).max(held.given);
        // What it gave up may still be there, but not for long.
        let mut kept = index.into_iter().flat_map(|index| index.extents.range((from, 0)..));
        let oldest = kept.find(|(_, id)| !held.released.contains(id));
        let oldest = oldest.and_then(|&(_, id)| self.share(id, held.stream)).or(active);
        let first = oldest.map(|share| share.first.max(from));
        PinStatus {
            id: held.pin.id.clone(),
            bytes: held.bytes + active.map_or(0, |share| share.bytes),
            first: first.filter(|&first| held.pin.to.is_none_or(|to| first <= to)),
            from: first.filter(|_| held.lost > 0).map_or(from, |first| from.max(first)),
            lost: held.lost,
        }
    }
}

impl Share {
    fn of(range: &Range) -> Self {
        Self {
            stream: range.id,
            first: range.first,
            last: range.last,
            bytes: range.bytes,
            segments: range.segments,
        }
    }
}

impl Held {
    fn new(pin: Pin) -> Self {
        Self {
            pin,
            stream: None,
            start: 0,
            given: 0,
            released: BTreeSet::new(),
            bytes: 0,
            lost: 0,
            lost_from: 0,
        }
    }

    /// The same one with another range: what it gave up is given up, unless it is of another stream.
    fn with(self, pin: Pin) -> Self {
        if pin.is_of(&self.pin.channel, self.pin.grid) { Self { pin, ..self } } else { Self::new(pin) }
    }

    fn covers(&self, share: &Share) -> bool {
        share.last >= self.start && self.pin.to.is_none_or(|to| share.first <= to)
    }
}

fn put<T: Ord>(set: &mut BTreeSet<T>, value: T, inside: bool) {
    if inside {
        set.insert(value);
    } else {
        set.remove(&value);
    }
}
