//! What one request reads from: a channel's own window, or an asset's share of a stream, live or on demand.

use std::{ops::Deref, sync::Arc, time::Duration};

use access::Delivery;
use arc_swap::ArcSwap;
use bytes::Bytes;
use media::{Grid, Window, signal::AHEAD};
use package::hints::Hints;
use store::Reader;
use tokio::time::{Instant, timeout_at};

use crate::{
    asset::{Asset, Exhibit},
    error::Error,
    hall::Channel,
    respond::Keep,
    seal::Seal,
    shelf::Shelf,
    source::Source,
};

/// Seconds for which what was had under a locator may be kept.
const LOCATED: u64 = 600;

/// How long what has left the lists is still served: a player at the oldest edge asks by the list that it holds (RFC 8216,
/// 6.2.2; DASH, 5.3.9.5.3), late by its reloads and retries.
pub const LINGER: Duration = Duration::from_secs(15);

/// How long a request for what comes next is held, beyond the time that it takes.
const HELD: Duration = Duration::from_secs(2);

/// What became of waiting for a segment.
pub enum Coming {
    /// A window that has it, or never will.
    There(Arc<Window>),
    /// It is further ahead than anybody waits for.
    TooFar,
    /// It did not come in time.
    Late,
}

/// A channel that has begun.
pub struct Live {
    id: String,
    reader: Reader,
    shelf: Shelf,
    channel: Arc<ArcSwap<Channel>>,
}

impl Live {
    /// Read through `reader`; no other channel that began, and no asset, has this id.
    pub fn new(id: String, reader: Reader, channel: Arc<ArcSwap<Channel>>) -> Self {
        Self { id, reader, shelf: Shelf::default(), channel }
    }
}

/// A presentation as one request may see it: in the clear, or encrypted.
#[derive(Clone)]
pub(crate) struct Visit {
    presentation: Presentation,
    /// How everything is encrypted.
    pub(crate) seal: Option<Seal>,
}

impl Visit {
    pub(crate) fn new(presentation: Presentation, seal: Option<Seal>) -> Self {
        Self { presentation, seal }
    }
}

impl Deref for Visit {
    type Target = Presentation;

    fn deref(&self) -> &Presentation {
        &self.presentation
    }
}

/// A presentation.
#[derive(Clone)]
pub(crate) enum Presentation {
    /// The channel's own window, which reaches back so far: its programs may keep more.
    Channel(Arc<Live>, Duration),
    /// An asset.
    Asset(Arc<Exhibit>),
}

impl Presentation {
    /// Waits, within bounds, until what was recorded before this process is in the window: a playlist may grow at its end only.
    pub(crate) async fn whole(&self) {
        match self {
            Self::Channel(live, _) => live.reader.whole().await,
            Self::Asset(exhibit) => {
                if let Some(reader) = exhibit.asset().live() {
                    reader.whole().await;
                }
            }
        }
    }

    /// What is listed now.
    pub(crate) async fn window(&self) -> Result<Arc<Window>, Error> {
        self.reach_back(Duration::ZERO).await
    }

    /// What is served now: what has just left the lists, too.
    pub(crate) async fn served(&self) -> Result<Arc<Window>, Error> {
        self.reach_back(LINGER).await
    }

    async fn reach_back(&self, beyond: Duration) -> Result<Arc<Window>, Error> {
        match self {
            Self::Channel(live, reach) => Ok(self.signal(rewind(&live.reader.window(), *reach + beyond))),
            Self::Asset(exhibit) => {
                let asset = exhibit.asset();
                match asset.live() {
                    Some(reader) => Ok(self.signal(Arc::new(asset.clip(&reader.window(), beyond)))),
                    None => Ok(self.signal(exhibit.recorded(&asset).await?)),
                }
            }
        }
    }

    /// The window with its ad breaks.
    fn signal(&self, window: Arc<Window>) -> Arc<Window> {
        let breaks = match self {
            Self::Channel(live, _) => Arc::clone(&live.channel.load().breaks),
            Self::Asset(exhibit) => Arc::clone(&exhibit.asset().breaks),
        };
        match breaks.is_empty() {
            true => window,
            false => Arc::new(Window::clone(&window).with_breaks(&breaks, AHEAD)),
        }
    }

    /// The first window that satisfies `until`, or the last one at the deadline. One that has ended is not waited for.
    pub(crate) async fn wait(
        &self,
        deadline: Instant,
        until: impl Fn(&Window) -> bool,
    ) -> Result<Arc<Window>, Error> {
        let exhibit = match self {
            Self::Channel(live, reach) => {
                let window = live.reader.wait(deadline, |window| until(&rewind(window, *reach))).await;
                return Ok(self.signal(rewind(&window, *reach)));
            }
            Self::Asset(exhibit) => exhibit,
        };
        let mut changes = exhibit.changes();
        loop {
            let asset = Arc::clone(&changes.borrow_and_update());
            let Some(reader) = asset.live() else {
                return Ok(self.signal(exhibit.recorded(&asset).await?));
            };
            let fits = |window: &Window| until(&asset.clip(window, Duration::ZERO));
            tokio::select! {
                window = reader.wait(deadline, fits) => {
                    return Ok(self.signal(Arc::new(asset.clip(&window, Duration::ZERO))));
                }
                // An asset that is gone is seen at the next request.
                _ = timeout_at(deadline, changes.changed()) => {}
            }
        }
    }

    /// A window that has segment `last` whole, or that has ended; waited for where it is not more than `most` segments ahead.
    pub(crate) async fn reaching(&self, last: u64, most: u64) -> Result<Coming, Error> {
        let window = self.served().await?;
        let newest = |window: &Window| window.history.last().map_or(0, |segment| segment.number);
        let is_there = |window: &Window| window.ended || newest(window) >= last;
        if is_there(&window) {
            return Ok(Coming::There(window));
        }
        let ahead = last - newest(&window);
        if ahead > most {
            return Ok(Coming::TooFar);
        }
        let takes = Duration::from_nanos((ahead + 1).saturating_mul(window.grid.segment_nanos()));
        self.wait(Instant::now() + takes + HELD, is_there).await?;
        let window = self.served().await?;
        Ok(if is_there(&window) { Coming::There(window) } else { Coming::Late })
    }

    /// A part in RAM; `track` is the index in the current layout of the stream.
    pub(crate) fn live_part(&self, track: usize, number: u64, part: u32) -> Option<Bytes> {
        match self {
            Self::Channel(live, _) => live.reader.live_part(track, number, part),
            Self::Asset(exhibit) => {
                let asset = exhibit.asset();
                if number < asset.first || asset.last.is_some_and(|last| number > last) {
                    return None;
                }
                asset.live()?.live_part(track, number, part)
            }
        }
    }

    /// What tells it from every other one there is or was.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Channel(live, _) => live.id.clone(),
            Self::Asset(exhibit) => exhibit.asset().id.clone(),
        }
    }

    /// Its texts.
    pub(crate) fn shelf(&self) -> &Shelf {
        match self {
            Self::Channel(live, _) => &live.shelf,
            Self::Asset(exhibit) => exhibit.shelf(),
        }
    }

    /// Its delivery policies.
    pub(crate) fn delivery(&self) -> Arc<Delivery> {
        match self {
            Self::Channel(live, _) => Arc::clone(&live.channel.load().delivery),
            Self::Asset(exhibit) => Arc::clone(&exhibit.asset().delivery),
        }
    }

    /// What players are told beside its media.
    pub(crate) fn hints(&self) -> Arc<Hints> {
        match self {
            Self::Channel(live, _) => Arc::clone(&live.channel.load().hints),
            Self::Asset(exhibit) => Arc::clone(&exhibit.asset().hints),
        }
    }

    /// The stream behind it, while it is live.
    pub(crate) fn live(&self) -> Option<Reader> {
        match self {
            Self::Channel(live, _) => Some(live.reader.clone()),
            Self::Asset(exhibit) => exhibit.asset().live().cloned(),
        }
    }

    /// The chunks of a closed segment.
    pub(crate) async fn segment(
        &self,
        window: &Window,
        track: &str,
        number: u64,
    ) -> Result<Vec<Bytes>, Error> {
        self.source(window, number)?.segment(track, number).await
    }

    /// Where a closed segment comes from.
    pub(crate) fn source<'a>(&self, window: &'a Window, number: u64) -> Result<Source<'a>, Error> {
        let first = window.history.first().map_or(0, |segment| segment.number);
        if number < first {
            return Err(Error::Gone(number));
        }
        match self {
            Self::Channel(live, _) => Ok(Source::Live(live.reader.clone())),
            Self::Asset(exhibit) => {
                let asset = exhibit.asset();
                if asset.last.is_some_and(|last| number > last) {
                    return Err(Error::NoMedia("segment"));
                }
                Ok(match asset.live() {
                    Some(reader) => Source::Live(reader.clone()),
                    None => Source::Recorded(asset.recording.clone(), window),
                })
            }
        }
    }

    /// Nanoseconds that a viewer can go back; none for all there is.
    pub(crate) fn reach(&self) -> Option<u64> {
        match self {
            Self::Channel(_, reach) => u64::try_from(reach.as_nanos()).ok(),
            Self::Asset(exhibit) => {
                let asset = exhibit.asset();
                asset.window.map(|segments| segments.saturating_mul(asset.grid.segment_nanos()))
            }
        }
    }

    /// How long its media may be kept: a segment's number is its time, but a locator may be given to another asset.
    pub(crate) fn keep(&self) -> Keep {
        match self {
            Self::Channel(..) => Keep::Forever,
            Self::Asset(_) => Keep::Seconds(LOCATED),
        }
    }

    /// Whether it never changes any more: an asset that has ended. A channel may begin again under the same address.
    pub(crate) fn lasts(&self) -> bool {
        self.asset().is_some_and(|asset| asset.ended)
    }

    /// Presentation time zero of DASH: the epoch for a channel, which has no beginning of its own.
    pub(crate) fn zero(&self) -> Option<u64> {
        match self {
            Self::Channel(..) => None,
            Self::Asset(exhibit) => Some(exhibit.asset().zero()),
        }
    }

    /// The asset, where it is one.
    pub(crate) fn asset(&self) -> Option<Arc<Asset>> {
        match self {
            Self::Channel(..) => None,
            Self::Asset(exhibit) => Some(exhibit.asset()),
        }
    }
}

/// What a window shows of the last `reach`.
fn rewind(window: &Window, reach: Duration) -> Arc<Window> {
    let newest = window.history.last().map_or(0, |segment| segment.number);
    let first = (newest + 1).saturating_sub(segments(&window.grid, reach));
    Arc::new(window.clip(first, u64::MAX, false))
}

/// Segments that cover so much time.
pub(crate) fn segments(grid: &Grid, time: Duration) -> u64 {
    let count = time.as_nanos().div_ceil(u128::from(grid.segment_nanos().max(1)));
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use media::{FrameRate, History, Layout, LayoutId, Segment, Spans};

    use super::*;

    fn window(grid: Grid, numbers: std::ops::RangeInclusive<u64>) -> Window {
        let id = LayoutId(1);
        let mut history = History::default();
        for number in numbers {
            let spans = Spans::new(&grid, number, []);
            history.push(Segment { number, discontinuity: 0, filler: false, gap: false, layout: id, spans });
        }
        let layout = Arc::new(Layout { id, tracks: Vec::new(), init: Vec::new() });
        Window { layouts: Arc::new([layout]), history, ..Window::empty(grid) }
    }

    #[test]
    fn what_has_left_the_list_is_served_for_a_while() {
        let grid = Grid::new(FrameRate::new(30, 1).unwrap(), 1600, 200);
        let window = window(grid, 1..=100);
        let oldest = |reach: Duration| rewind(&window, reach).history.first().unwrap().number;
        let listed = Duration::from_secs(60);
        assert_eq!(oldest(listed), 63);
        assert_eq!(oldest(listed + LINGER), 54);
        assert_eq!(oldest(Duration::from_secs(1000)), 1);
    }
}
