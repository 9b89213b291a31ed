//! Everything that viewers can ask for by name: channels, assets, filters.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use access::Delivery;
use arc_swap::{ArcSwap, ArcSwapOption};
use media::Break;
use package::{
    filter::Filter,
    hints::Hints,
    route::{self, Filters},
};
use store::Reader;

use crate::{
    asset::{Asset, Exhibit},
    error::Error,
    presentation::{Live, Presentation},
};

/// Windows of ended assets that are kept read; a day's takes some 3 MB.
const WINDOWS: usize = 8;

/// What can be asked for. Looked up without waiting; changed as a whole.
pub(crate) struct Hall {
    /// How far back a channel's own window reaches.
    reach: Duration,
    channels: ArcSwap<HashMap<String, Line>>,
    assets: ArcSwap<Assets>,
    /// Channels that have begun so far.
    begun: AtomicU64,
    /// Who holds a window that was read, the latest user last.
    readers: Mutex<Vec<Arc<Exhibit>>>,
}

/// What viewers of a channel get beside its stream.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    /// Its delivery policies.
    pub delivery: Arc<Delivery>,
    /// All its ad breaks, oldest first.
    pub breaks: Arc<[Break]>,
    /// What players are told beside its media.
    pub hints: Arc<Hints>,
}

/// A channel, whether it has begun or not.
#[derive(Clone, Default)]
struct Line {
    live: Arc<ArcSwapOption<Live>>,
    channel: Arc<ArcSwap<Channel>>,
}

#[derive(Default)]
struct Assets {
    by_id: HashMap<String, Arc<Exhibit>>,
    /// Ids by locator.
    locators: HashMap<String, String>,
    /// Filters that apply to everything.
    filters: BTreeMap<String, Filter>,
}

impl Hall {
    /// Nothing yet; a channel's own window will reach back so far.
    pub(crate) fn new(reach: Duration) -> Self {
        Self {
            reach,
            channels: ArcSwap::default(),
            assets: ArcSwap::default(),
            begun: AtomicU64::new(0),
            readers: Mutex::default(),
        }
    }

    /// The channels there are, whether they have begun or not.
    pub(crate) fn set_channels(&self, channels: impl IntoIterator<Item = (String, Channel)>) {
        let known = self.channels.load();
        let line = |(name, channel): (String, Channel)| {
            let line = known.get(&name).cloned().unwrap_or_default();
            line.channel.store(Arc::new(channel));
            (name, line)
        };
        self.channels.store(Arc::new(channels.into_iter().map(line).collect()));
    }

    /// A channel has begun: it is read through `reader` from now on.
    pub(crate) fn begin(&self, channel: &str, reader: Reader) {
        if let Some(Line { live, channel: about }) = self.channels.load().get(channel) {
            let id = format!("{channel}/{}", self.begun.fetch_add(1, Ordering::Relaxed));
            live.store(Some(Arc::new(Live::new(id, reader, Arc::clone(about)))));
        }
    }

    /// The assets and filters there are from now on.
    pub(crate) fn set_assets(&self, assets: Vec<(String, Asset)>, filters: BTreeMap<String, Filter>) {
        let known = self.assets.load();
        let mut new = Assets { filters, ..Assets::default() };
        for (id, asset) in assets {
            if let Some(locator) = &asset.locator {
                new.locators.insert(locator.clone(), id.clone());
            }
            let exhibit = match known.by_id.get(&id) {
                Some(exhibit) => {
                    exhibit.becomes(asset);
                    Arc::clone(exhibit)
                }
                None => Arc::new(Exhibit::new(asset)),
            };
            new.by_id.insert(id, exhibit);
        }
        self.assets.store(Arc::new(new));
    }

    /// What a viewer's path names.
    pub(crate) fn find(&self, named: &route::Presentation) -> Result<Presentation, Error> {
        match named {
            route::Presentation::Live(name) => {
                let channels = self.channels.load();
                let line = channels.get(&**name).ok_or_else(|| Error::NoChannel(name.to_string()))?;
                let live = line.live.load_full().ok_or_else(|| Error::NotYet(name.to_string()))?;
                Ok(Presentation::Channel(live, self.reach))
            }
            route::Presentation::Vod(locator) => {
                let assets = self.assets.load();
                let id =
                    assets.locators.get(&**locator).ok_or_else(|| Error::NoLocator(locator.to_string()))?;
                self.asset(id)
            }
        }
    }

    /// An asset by its id, published or not.
    pub(crate) fn asset(&self, id: &str) -> Result<Presentation, Error> {
        let assets = self.assets.load();
        let exhibit = assets.by_id.get(id).ok_or_else(|| Error::NoLocator(id.to_owned()))?;
        self.used(exhibit);
        Ok(Presentation::Asset(Arc::clone(exhibit)))
    }

    /// The filters that a viewer names, an asset's own before the global one of the same name.
    pub(crate) fn filters(&self, presentation: &Presentation, named: &Filters) -> Result<Vec<Filter>, Error> {
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let (assets, asset) = (self.assets.load(), presentation.asset());
        let filter = |name: &package::route::Name| {
            let own = asset.as_ref().and_then(|asset| asset.filters.get(&**name));
            let filter = own.or_else(|| assets.filters.get(&**name));
            filter.cloned().ok_or_else(|| Error::NoFilter(name.to_string()))
        };
        named.iter().map(filter).collect()
    }

    /// Keeps the number of windows in RAM bounded: the one used longest ago is let go of.
    fn used(&self, exhibit: &Arc<Exhibit>) {
        if exhibit.asset().live().is_some() {
            return;
        }
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|other| !Arc::ptr_eq(other, exhibit));
        readers.push(Arc::clone(exhibit));
        // One that is being read just now is let go of next time.
        let mut over = readers.len().saturating_sub(WINDOWS);
        readers.retain(|other| {
            let goes = over > 0 && other.forget();
            over -= usize::from(goes);
            !goes
        });
    }
}
