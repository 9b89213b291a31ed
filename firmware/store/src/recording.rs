//! What is on the disk of a stream, whether it is written now or not.

use std::sync::Arc;

use bytes::Bytes;
use media::{Grid, History, Layout, LayoutId, Window};

use crate::{
    Error, Places,
    catalogue::seg,
    entry::Entry,
    listing::Listing,
    places,
    reader::on_thread,
    shared::Shared,
    source::{self, Located, locate},
    stream::Stream,
};

/// Sees what was recorded of a stream. Cheap to clone.
#[derive(Clone)]
pub struct Recording {
    shared: Arc<Shared>,
    channel: Arc<str>,
    grid: Grid,
}

impl Recording {
    pub(crate) fn new(shared: Arc<Shared>, channel: &str, grid: Grid) -> Self {
        Self { shared, channel: channel.into(), grid }
    }

    /// The segments `from..=to` that can be had now, as a window that has ended: no edge, and the layouts they
    /// name. What the disk has not got yet comes from RAM.
    ///
    /// # Errors
    /// Unavailable while the catalogue is not open.
    pub async fn window(&self, from: u64, to: u64) -> Result<Window, Error> {
        if let Some(window) = self.live_window(from, to) {
            return Ok(window);
        }
        let this = self.clone();
        on_thread(move || this.catalogue_window(from, to)).await
    }

    /// First and last segment that can be had now. Between them some may be missing.
    #[must_use]
    pub fn kept(&self) -> Option<(u64, u64)> {
        let on_disk = self.on_disk();
        let live = self.stream().and_then(|stream| {
            let picture = stream.picture();
            Some((picture.first_held()?, picture.window.history.last()?.number))
        });
        match (on_disk, live) {
            (Some((first, last)), Some((held, newest))) => Some((first.min(held), last.max(newest))),
            (on_disk, live) => on_disk.or(live),
        }
    }

    /// Whether the disk has acknowledged segment `number`, or it was there before this process.
    #[must_use]
    pub fn is_recorded(&self, number: u64) -> bool {
        self.stream().is_none_or(|stream| stream.look(|live| live.is_recorded(number)))
    }

    /// The chunks of a segment that `window` lists; `track` is the track's name.
    ///
    /// # Errors
    /// As [`Reader::segment`](crate::Reader::segment).
    pub async fn segment(&self, window: &Window, track: &str, number: u64) -> Result<Vec<Bytes>, Error> {
        match self.locate(window, track, number)? {
            Located::Ram(_, chunks) => Ok(chunks),
            Located::Disk(index) => {
                let (shared, stream) = (Arc::clone(&self.shared), self.id()?);
                on_thread(move || source::read(&shared, stream, number, source::chunk(index))).await
            }
        }
    }

    /// The chunks of a closed segment, where it is in RAM; none where it is not.
    ///
    /// # Errors
    /// As [`Reader::segment`](crate::Reader::segment).
    pub fn held(&self, window: &Window, track: &str, number: u64) -> Result<Option<Vec<Bytes>>, Error> {
        Ok(match self.locate(window, track, number)? {
            Located::Ram(_, chunks) => Some(chunks),
            Located::Disk(_) => None,
        })
    }

    /// Where a closed segment lies on the disk, whether it is in RAM, too, or not; none where the disk does not have it (yet).
    ///
    /// # Errors
    /// As [`Reader::segment`](crate::Reader::segment).
    pub async fn places(&self, window: &Window, track: &str, number: u64) -> Result<Option<Places>, Error> {
        let index = self.locate(window, track, number)?.index();
        places::find(&self.shared, self.id()?, number, index).await
    }

    /// Of each chunk of a segment its first `len` bytes, or all where it is shorter, and how many it has. Checksums
    /// cover whole chunks: these bytes are not checked.
    ///
    /// # Errors
    /// As [`Reader::segment`](crate::Reader::segment).
    pub async fn heads(
        &self,
        window: &Window,
        track: &str,
        number: u64,
        len: usize,
    ) -> Result<Vec<(Bytes, u32)>, Error> {
        match self.locate(window, track, number)? {
            Located::Ram(_, chunks) => {
                let head = |chunk: Bytes| {
                    (chunk.slice(..len.min(chunk.len())), u32::try_from(chunk.len()).unwrap_or(u32::MAX))
                };
                Ok(chunks.into_iter().map(head).collect())
            }
            Located::Disk(index) => {
                let (shared, stream) = (Arc::clone(&self.shared), self.id()?);
                on_thread(move || source::read(&shared, stream, number, source::head(index, len))).await
            }
        }
    }

    fn locate(&self, window: &Window, track: &str, number: u64) -> Result<Located, Error> {
        let stream = self.stream();
        let picture = stream.as_ref().map(|stream| stream.picture());
        locate(window, picture.as_ref().and_then(|picture| picture.held(number)), track, number)
    }

    /// The stream, where it has been opened.
    fn stream(&self) -> Option<Arc<Stream>> {
        let streams = self.shared.streams();
        let same = |stream: &&Arc<Stream>| *stream.channel == *self.channel && stream.grid == self.grid;
        streams.iter().find(same).map(Arc::clone)
    }

    fn id(&self) -> Result<u16, Error> {
        self.shared.retention().id_of(&self.channel, self.grid).ok_or(Error::NotOpen)
    }

    fn on_disk(&self) -> Option<(u64, u64)> {
        let (id, (first, last)) = {
            let retention = self.shared.retention();
            let id = retention.id_of(&self.channel, self.grid)?;
            (id, retention.kept(id)?)
        };
        let value =
            self.shared.catalogue().and_then(|catalogue| catalogue.get(&seg(id, first)).ok().flatten());
        let entry = value.and_then(|value| Entry::decode(&value).ok());
        let torn =
            entry.is_some_and(|entry| entry.torn || entry.places.first().is_some_and(|place| place.part > 0));
        Some(if torn && first < last { (first + 1, last) } else { (first, last) })
    }

    /// From the live window, where that reaches far enough.
    fn live_window(&self, from: u64, to: u64) -> Option<Window> {
        let stream = self.stream()?;
        let picture = stream.picture();
        let oldest = picture.window.history.first()?.number;
        let reaches =
            picture.whole && (oldest <= from || self.on_disk().is_some_and(|(first, _)| oldest <= first));
        reaches.then(|| {
            let history = picture.window.history.slice(from, to);
            let layouts = named(&history, &picture.window.layouts);
            self.ended(history, layouts)
        })
    }

    fn catalogue_window(&self, from: u64, to: u64) -> Result<Window, Error> {
        let catalogue = self.shared.catalogue().ok_or(Error::NotOpen)?;
        let Some(id) = self.shared.retention().id_of(&self.channel, self.grid) else {
            return Ok(self.ended(History::default(), Arc::new([])));
        };
        // Looked at first: what leaves the RAM meanwhile is in the catalogue by then.
        let stream = self.stream();
        let live = stream.as_ref().map(|stream| Arc::clone(&stream.picture().window));
        let mut listing = Listing::new(id, self.grid, from, to.saturating_add(1));
        while !listing.step(&*catalogue, &self.shared.leases)? {}
        let (mut history, used) = listing.finish();
        let mut layouts: Vec<Arc<Layout>> = used.into_iter().map(|(layout, _)| layout).collect();
        if let Some(live) = live {
            let newer = history.last().map_or(from, |last| last.number + 1);
            live.history.slice(newer, to).iter().for_each(|segment| history.push(segment.clone()));
            let missing =
                live.layouts.iter().filter(|layout| layouts.iter().all(|known| known.id != layout.id));
            let missing: Vec<_> = missing.map(Arc::clone).collect();
            layouts.extend(missing);
        }
        let layouts = named(&history, &layouts);
        Ok(self.ended(history, layouts))
    }

    fn ended(&self, history: History, layouts: Arc<[Arc<Layout>]>) -> Window {
        Window { layouts, history, ended: true, ..Window::empty(self.grid) }
    }
}

/// The layouts that a history names, that of its last segment last.
fn named(history: &History, layouts: &[Arc<Layout>]) -> Arc<[Arc<Layout>]> {
    if let ([only], false) = (layouts, history.is_empty()) {
        return Arc::new([Arc::clone(only)]);
    }
    let mut named: Vec<LayoutId> = Vec::new();
    for segment in history.iter() {
        if named.last() != Some(&segment.layout) {
            named.retain(|id| *id != segment.layout);
            named.push(segment.layout);
        }
    }
    named.iter().filter_map(|id| layouts.iter().find(|layout| layout.id == *id).map(Arc::clone)).collect()
}
