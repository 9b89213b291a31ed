//! A part line on its way to the disk: record, fdatasync, and with the segment's last the catalogue.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    Error,
    catalogue::{Batch, Indexed, ext, init, seg},
    committer::Committer,
    entry::{Entry, Place},
    extent::RECORDS,
    held::Line,
    layouts::Described,
    record::{Chunk, Kind, Record},
    stream::Stream,
};

/// Part lines are durable after this time also where others wait: one part of the usual length. Five fdatasyncs of 300 KB
/// a second cost 0.5 ms each on a virtual disk (`tests/bench.rs`).
const PART: Duration = Duration::from_millis(200);

impl Committer<'_> {
    /// Records a part line, or gives up its segment.
    pub(crate) fn line(&mut self, stream: &Arc<Stream>, line: &Line) {
        if let Err(error) = self.try_line(stream, line) {
            self.shared.refuse(stream, line.number, &error);
            if matches!(error, Error::NotOpen | Error::NoExtent | Error::TooLarge { .. }) {
                // Nothing was written.
                self.pending
                    .retain(|(_, number), (other, _)| *number != line.number || !Arc::ptr_eq(other, stream));
                return;
            }
            self.give_up(&error);
        }
    }

    /// Makes the lines durable that were written since the last time, where it is time.
    pub(crate) fn sync_lines(&mut self, idle: bool) {
        let due = self.unsynced.is_some_and(|since| idle || since.elapsed() >= PART);
        if due && let Err(error) = self.sync() {
            self.give_up(&error);
        }
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.ring.sync()?;
        self.unsynced = None;
        self.shared.unsynced.store(0, Ordering::Release);
        Ok(())
    }

    /// After a failed write or sync nobody knows what the disk has since the last sync: whatever is not acknowledged
    /// is given up, and the extent, where it was that, is left.
    fn give_up(&mut self, error: &Error) {
        for ((_, number), (stream, _)) in std::mem::take(&mut self.pending) {
            self.shared.refuse(&stream, number, error);
        }
        self.unsynced = None;
        self.shared.unsynced.store(0, Ordering::Release);
        if let Some(id) = self.ring.abandon() {
            self.sealed(id);
        }
        if self.ring.active().is_none() {
            self.shared.retention().set_active(None);
        }
        self.rest(error);
    }

    fn try_line(&mut self, stream: &Arc<Stream>, line: &Line) -> Result<(), Error> {
        let Some(id) = self.shared.identify(stream)? else { return Err(Error::NotOpen) };
        let key = (id, line.number);
        if line.part > 0 && !self.pending.contains_key(&key) {
            // An earlier line of it was refused.
            return Ok(());
        }
        if self.catalogue.is_none() {
            if self.retry.is_some_and(|retry| Instant::now() < retry) {
                return Err(Error::NotOpen);
            }
            self.open_catalogue()?;
        }
        let (record, place) = self.append(id, stream, line)?;
        let (_, entry) =
            self.pending.entry(key).or_insert_with(|| (Arc::clone(stream), Entry::of(&record, place)));
        entry.merge(&Entry::of(&record, place));
        self.unsynced.get_or_insert_with(Instant::now);
        self.shared.unsynced.fetch_add(1, Ordering::AcqRel);
        if line.last
            && let Some((_, entry)) = self.pending.remove(&key)
        {
            self.commit(id, stream, line, &entry)?;
            self.pending.retain(|(stream, number), _| *stream != id || *number > line.number);
        }
        Ok(())
    }

    fn append(&mut self, id: u16, stream: &Stream, line: &Line) -> Result<(Record, Place), Error> {
        let mut payload = Vec::with_capacity(line.chunks.len());
        let chunks = line.chunks.iter().map(|(track, part)| {
            payload.push(part.data.clone());
            Chunk::new(*track, part.independent, part.start, part.duration, &part.data)
        });
        let record = Record {
            kind: Kind::Media,
            last: line.last,
            filler: line.filler,
            stream: id,
            generation: 0,
            number: line.number,
            part: line.part,
            discontinuity: line.discontinuity,
            layout: line.layout.id.0,
            chain: 0,
            chunks: chunks.collect(),
        };
        let layout = line.layout.id.0;
        let known = self.ring.active().is_some_and(|(_, held)| held.has_layout(id, layout));
        if !known || !self.ring.fits(record.len(), &stream.channel) {
            self.make_room(id, stream, line, record.len())?;
        }
        let place = self.ring.append(record.clone(), &payload, &stream.channel, stream.grid)?;
        self.rate.add(record.len(), Instant::now());
        Ok((record, place))
    }

    /// Sees to it that the active extent has room for `len` bytes more, and holds the line's layout.
    fn make_room(&mut self, id: u16, stream: &Stream, line: &Line, len: u64) -> Result<(), Error> {
        let described = describe(stream, line)?;
        let head = layout_record(id, line, &described);
        let (need, limit) = (head.len() + len, self.ring.size - RECORDS);
        if need > limit {
            return Err(Error::TooLarge { what: "part line", len: need, limit });
        }
        if !self.ring.fits(need, &stream.channel) {
            if let Some(id) = self.ring.seal()? {
                self.unsynced = None;
                self.sealed(id);
            }
            self.next_extent()?;
        }
        let known = self.ring.active().is_some_and(|(_, held)| held.has_layout(id, line.layout.id.0));
        if !known {
            self.ring.append(head, &[described], &stream.channel, stream.grid)?;
        }
        Ok(())
    }

    /// Payload, then catalogue, then acknowledgement.
    fn commit(&mut self, id: u16, stream: &Stream, line: &Line, entry: &Entry) -> Result<(), Error> {
        self.sync()?;
        let mut batch = Batch::default();
        batch.insert(seg(id, line.number), entry.encode())?;
        if let Some((extent, contents)) = self.ring.active() {
            let indexed = Indexed { generation: contents.generation, end: contents.end, free: false };
            batch.insert(ext(extent), indexed.encode())?;
            self.shared.retention().set_active(Some(&contents.streams));
        }
        let layout = line.layout.id.0;
        if !self.layouts.contains(&layout) {
            batch.insert(init(layout), describe(stream, line)?.to_vec())?;
        }
        self.catalogue.as_ref().ok_or(Error::NotOpen)?.commit(&batch)?;
        self.layouts.insert(layout);
        self.shared.board.works();
        stream.change(|live| live.acknowledge(line.number));
        Ok(())
    }

    /// Hands a full extent over to retention.
    fn sealed(&mut self, id: u32) {
        if let Some(extent) = self.ring.extents.get(id) {
            let contents = &extent.contents;
            let mut retention = self.shared.retention();
            retention.set_active(None);
            retention.seal(id, contents.generation, &contents.streams);
        }
    }
}

fn describe(stream: &Stream, line: &Line) -> Result<Bytes, Error> {
    let (channel, layout) = (stream.channel.clone(), (*line.layout).clone());
    Described { channel, grid: stream.grid, layout }.encode()
}

fn layout_record(id: u16, line: &Line, described: &Bytes) -> Record {
    Record {
        kind: Kind::Layout,
        last: false,
        filler: false,
        stream: id,
        generation: 0,
        number: line.number,
        part: 0,
        discontinuity: line.discontinuity,
        layout: line.layout.id.0,
        chain: 0,
        chunks: vec![Chunk::new(0, false, 0, 0, described)],
    }
}
