//! The on-demand profile of DASH: of an asset that has ended each stretch of a track is one file, an init segment, an index, and
//! the segments as they are stored. Players ask for ranges of it; what they ask for is read while it is sent.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{body::Body, http::HeaderMap, response::Response};
use bytes::Bytes;
use cmaf::index::{self, Indexed};
use futures_util::{Stream, stream};
use media::Window;
use package::dash::File;
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    asset::Asset,
    error::Error,
    presentation::Presentation,
    respond::{self, Keep},
};

/// Indexes that are kept; that of a day takes 1.5 MB.
const KEPT: usize = 32;
/// Indexes made at a time: each asks the disk for the lengths of all chunks.
const AT_A_TIME: usize = 2;
/// How long a request waits for its turn.
const TURN: Duration = Duration::from_secs(10);

/// The files' beginnings and where their segments lie.
pub(crate) struct Files {
    turns: Semaphore,
    known: Mutex<VecDeque<(Key, Arc<Plan>)>>,
}

/// Which file: the asset's id, the track, its first and its last segment.
type Key = (String, String, u64, u64);

struct Plan {
    /// Init segment and index.
    head: Bytes,
    /// Of each segment its number and the byte where it ends.
    ends: Vec<(u64, u64)>,
    etag: String,
}

impl Default for Files {
    fn default() -> Self {
        Self { turns: Semaphore::new(AT_A_TIME), known: Mutex::default() }
    }
}

impl Files {
    /// A file, or a range of it.
    pub(crate) async fn answer(
        &self,
        seen: &Presentation,
        file: &File<'_>,
        request: &HeaderMap,
    ) -> Result<Response, Error> {
        let asset = seen.asset().filter(|asset| asset.ended).ok_or(Error::NoMedia("file"))?;
        let window = seen.window().await?;
        let key = (asset.id.clone(), file.track.to_owned(), file.first, file.last);
        let plan = match self.find(&key) {
            Some(plan) => plan,
            None => {
                let _turn = timeout(TURN, self.turns.acquire()).await.map_err(|_| Error::Busy)?;
                let plan = Arc::new(Plan::new(&asset, &window, file).await?);
                self.keep(key, Arc::clone(&plan));
                plan
            }
        };
        let len = plan.ends.last().map_or(plan.head.len() as u64, |(_, end)| *end);
        let (track, body) = (file.track.to_owned(), Arc::clone(&plan));
        let body = |from, to| Body::from_stream(bytes_of(asset, window, track, body, from, to));
        Ok(respond::planned(len, "video/mp4", Keep::Ask, &plan.etag, request, body))
    }

    fn find(&self, key: &Key) -> Option<Arc<Plan>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(other, _)| other == key).map(|(_, plan)| Arc::clone(plan))
    }

    fn keep(&self, key: Key, plan: Arc<Plan>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(other, _)| *other != key);
        known.push_back((key, plan));
        if known.len() > KEPT {
            known.pop_front();
        }
    }
}

impl Plan {
    /// Of segments that are all there, of one layout.
    async fn new(asset: &Asset, window: &Window, file: &File<'_>) -> Result<Self, Error> {
        let File { track, first, last } = *file;
        let segments = window.history.slice(first, last);
        let count = usize::try_from(last.saturating_sub(first)).unwrap_or(usize::MAX).saturating_add(1);
        let opening = segments.first().filter(|_| segments.len() == count).ok_or(Error::NoMedia("file"))?;
        let one = |segment: &media::Segment| !segment.gap && segment.layout == opening.layout;
        if first > last || !segments.iter().all(one) {
            return Err(Error::NoMedia("file"));
        }
        let layout = window.layout_by_id(opening.layout).ok_or(Error::NoInit)?;
        let index = layout.index_of(track).ok_or_else(|| Error::NoTrack(track.to_owned()))?;
        let (timescale, init) =
            (layout.tracks[index].timescale, layout.init.get(index).ok_or(Error::NoInit)?);
        let (mut indexed, mut start) = (Vec::with_capacity(count), None);
        for segment in segments.iter() {
            let span = segment.span(index, &window.grid, timescale).ok_or(Error::NoMedia("file"))?;
            start.get_or_insert(span.start);
            let chunks = asset.recording.heads(window, track, segment.number, 0).await?;
            let len = chunks.iter().map(|(_, len)| *len).sum();
            indexed.push(Indexed { len, duration: span.duration });
        }
        let index = index::write(track, timescale, start.unwrap_or(0), &indexed)?;
        let head = Bytes::from([&init[..], &index[..]].concat());
        let mut end = head.len() as u64;
        let ends = segments.iter().zip(&indexed).map(|(segment, indexed)| {
            end += u64::from(indexed.len);
            (segment.number, end)
        });
        let ends = ends.collect();
        let etag = format!("\"{first}-{end:x}-{:08x}-f\"", crc32c::crc32c(&head));
        Ok(Self { head, ends, etag })
    }
}

/// The bytes from `from` to before `to`.
fn bytes_of(
    asset: Arc<Asset>,
    window: Arc<Window>,
    track: String,
    plan: Arc<Plan>,
    from: u64,
    to: u64,
) -> impl Stream<Item = Result<Bytes, Error>> {
    let head = respond::cut(vec![plan.head.clone()], from, to);
    let first = plan.ends.partition_point(|(_, end)| *end <= from);
    let rest = stream::try_unfold(first, move |nth| {
        let (asset, window, track, plan) =
            (Arc::clone(&asset), Arc::clone(&window), track.clone(), Arc::clone(&plan));
        async move {
            let begin = nth.checked_sub(1).map_or(plan.head.len() as u64, |before| plan.ends[before].1);
            let Some((number, _)) = plan.ends.get(nth).filter(|_| begin < to) else { return Ok(None) };
            let chunks = asset.recording.segment(&window, &track, *number).await?;
            let within = |byte: u64| byte.saturating_sub(begin);
            let bytes = respond::cut(chunks, within(from), within(to)).concat();
            Ok(Some((Bytes::from(bytes), nth + 1)))
        }
    });
    futures_util::StreamExt::chain(stream::iter(head.into_iter().map(Ok)), rest)
}
