//! What the objects mean to the store (what to spare) and to viewers (what there is).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use control::{Objects, Registry};
use cue::Journal;
use media::{Break, Grid, NANOS};
use package::hints::{Hints, SessionData};
use store::{Pin, Reader};

use crate::{engine::album, house::House};

/// What every asset needs of the store.
pub fn pins(registry: &Registry) -> Vec<Pin> {
    let pin = |pinned: control::Pinned| Pin {
        id: pinned.asset,
        channel: pinned.channel,
        grid: pinned.grid,
        from: pinned.first,
        to: pinned.last,
        window: pinned.window.map(Duration::from_secs),
        quota: pinned.quota,
    };
    registry.pins().into_iter().map(pin).collect()
}

/// The objects and what is known of their streams.
pub struct Show<'a> {
    pub house: &'a House,
    pub objects: &'a Objects,
    /// The stream that each running channel writes.
    pub streams: &'a BTreeMap<String, (Grid, Reader)>,
    /// Made once for all that show them.
    pub breaks: BTreeMap<String, Arc<[Break]>>,
    /// The last segment of each asset whose program is ending.
    pub closing: &'a BTreeMap<String, u64>,
}

/// The ad breaks of every channel that has or had some, by its name.
pub fn breaks(objects: &Objects) -> BTreeMap<String, Arc<[Break]>> {
    objects.breaks.iter().map(|(name, journal)| (name.clone(), journal.breaks().into())).collect()
}

impl Show<'_> {
    /// Every channel, by name; its line is told what its segments are to say.
    pub fn channels(&self) -> Vec<(String, origin::Channel)> {
        let channel = |(name, channel): (&String, &control::Channel)| {
            let journal = self.objects.breaks.get(name);
            self.house.signals.of(name).set(journal.unwrap_or(&Journal::default()));
            let delivery = Arc::new(channel.settings.delivery.clone());
            let hints = Arc::new(hints(&channel.settings));
            (name.clone(), origin::Channel { delivery, breaks: self.breaks(name), hints })
        };
        self.objects.channels.iter().map(channel).collect()
    }

    fn breaks(&self, channel: &str) -> Arc<[Break]> {
        self.breaks.get(channel).cloned().unwrap_or_default()
    }

    /// Every asset that holds something, by id.
    pub fn assets(&self) -> Vec<(String, origin::Asset)> {
        let objects = self.objects.assets.iter();
        objects.filter_map(|(id, asset)| Some((id.clone(), self.asset(id, asset)?))).collect()
    }

    fn asset(&self, id: &str, asset: &control::Asset) -> Option<origin::Asset> {
        let range = asset.range?;
        let stream = self.streams.get(&asset.channel).filter(|(grid, _)| *grid == range.grid);
        let program = asset.program.as_ref().and_then(|program| self.objects.programs.get(program));
        let window = program.filter(|_| asset.recording).and_then(|program| program.archive_window);
        Some(origin::Asset {
            id: id.to_owned(),
            name: asset.name.clone(),
            locator: asset.locator.clone(),
            live: stream.filter(|_| asset.recording).map(|(_, reader)| reader.clone()),
            recording: self.house.store.recording(&asset.channel, range.grid),
            grid: range.grid,
            begun: range.begun.unwrap_or(range.first),
            first: range.first,
            // While its channel gives nothing, what there is can be seen.
            last: range.last.or_else(|| self.closing.get(id).copied()).or_else(|| {
                let recording = self.house.store.recording(&asset.channel, range.grid);
                stream.is_none().then(|| recording.kept().map(|(_, last)| last)).flatten()
            }),
            window: window.map(|seconds| segments(&range.grid, seconds)),
            ended: !asset.recording && range.last.is_some(),
            from: range.from,
            to: range.to,
            filters: Arc::new(asset.filters.clone()),
            delivery: Arc::new(asset.delivery.clone()),
            breaks: self.breaks(&asset.channel),
            hints: Arc::new(
                self.objects.channels.get(&asset.channel).map(|of| hints(&of.settings)).unwrap_or_default(),
            ),
            thumbnails: album(self.house, id),
        })
    }
}

/// What a channel's settings have players told.
fn hints(channel: &settings::Channel) -> Hints {
    let data = |data: &settings::SessionData| SessionData {
        id: data.id.clone(),
        value: data.value.clone(),
        language: data.language.clone(),
    };
    Hints {
        session_data: channel.session_data.iter().map(data).collect(),
        steering: channel.steering.clone(),
    }
}

/// The segments that it takes to show so many seconds.
fn segments(grid: &Grid, seconds: u64) -> u64 {
    seconds.saturating_mul(NANOS).div_ceil(grid.segment_nanos().max(1))
}
