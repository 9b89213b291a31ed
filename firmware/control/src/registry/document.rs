//! The registry as it is kept on disk: one JSON document with a version.

use std::{collections::BTreeSet, sync::Arc};

use channel::life;
use serde::{Deserialize, Serialize};

use super::{Limits, Registry};
use crate::{Asset, Error, Objects, Recorded};

/// The version that is written, and the only one that is read.
const VERSION: u64 = 1;

/// The largest number of frames in a part and of parts in a segment, and the last segment number, that leave room
/// for arithmetic.
const FRAMES: u32 = 10_000;
const LAST: u64 = 10_000_000_000;

#[derive(Serialize)]
struct Written<'a> {
    version: u64,
    objects: &'a Objects,
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

#[derive(Deserialize)]
struct Document {
    objects: Objects,
}

impl Registry {
    /// Reads what [`save`](Self::save) gave. Fields that this release does not know are left out; what is over the
    /// limits stays.
    ///
    /// # Errors
    /// Where it is no such document, has another version, or contradicts itself.
    pub fn load(json: &[u8], limits: Limits) -> Result<Self, Error> {
        let Version { version } = serde_json::from_slice(json).map_err(Error::Read)?;
        if version != VERSION {
            return Err(Error::Version { found: version, known: VERSION });
        }
        let Document { objects } = serde_json::from_slice(json).map_err(Error::Read)?;
        check(&objects).map_err(Error::Check)?;
        Ok(Self { objects: Arc::new(objects), limits })
    }

    /// All objects as one JSON document.
    ///
    /// # Panics
    /// Never: plain values and maps by text can always be written.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let written = Written { version: VERSION, objects: &self.objects };
        serde_json::to_vec(&written).expect("plain values and maps by text can always be written as JSON")
    }
}

/// Whatever the rules rely on.
fn check(objects: &Objects) -> Result<(), String> {
    for (name, channel) in &objects.channels {
        let settings = serde_json::to_string(&channel.settings).map_err(|error| error.to_string())?;
        settings::Channel::from_json(&settings).map_err(|error| format!("channel `{name}`: {error}"))?;
        holds(channel.settings.name == *name, || format!("channel `{name}` has another name"))?;
    }
    for (id, program) in &objects.programs {
        let wrong = |what: &str| format!("program `{id}`: {what}");
        holds(objects.channels.contains_key(&program.channel), || wrong("its channel is not there"))?;
        let asset = objects.assets.get(&program.asset).ok_or_else(|| wrong("its asset is not there"))?;
        holds(asset.program.as_ref() == Some(id), || wrong("its asset belongs to another program"))?;
        let records = matches!(program.state, life::Program::Running | life::Program::Stopping);
        holds(asset.recording == records, || wrong("its asset is in another state"))?;
    }
    let mut locators = BTreeSet::new();
    for (id, asset) in &objects.assets {
        let wrong = |what: &str| format!("asset `{id}`: {what}");
        check_asset(objects, id, asset).map_err(wrong)?;
        let own = asset.locator.as_ref().is_none_or(|locator| locators.insert(locator));
        holds(own, || wrong("its locator belongs to another asset, too"))?;
    }
    let own = objects.assets.values().flat_map(|asset| &asset.filters);
    for (name, filter) in objects.filters.iter().chain(own) {
        filter
            .check()
            .map_err(|problem| format!("filter `{name}`: `{}`: {}", problem.field, problem.problem))?;
    }
    Ok(())
}

fn check_asset(objects: &Objects, id: &str, asset: &Asset) -> Result<(), &'static str> {
    let program = match &asset.program {
        Some(program) => Some(objects.programs.get(program).ok_or("its program is not there")?),
        None => None,
    };
    if asset.parent.as_ref().is_some_and(|parent| !objects.assets.contains_key(parent)) {
        return Err("what it was clipped from is not there");
    }
    if asset.recording && program.is_none_or(|program| program.asset != id) {
        return Err("no program records into it");
    }
    match &asset.range {
        Some(range) if range.last.is_none() != asset.recording => Err("its end and its state do not agree"),
        Some(range) if !sound(range) => Err("its range is impossible"),
        None if asset.recording => Err("its range is not there"),
        _ => Ok(()),
    }
}

fn sound(range: &Recorded) -> bool {
    let grid = range.grid;
    (1..=FRAMES).contains(&grid.frames_per_part)
        && (1..=FRAMES).contains(&grid.parts_per_segment)
        && range.first <= range.last.unwrap_or(range.first)
        && range.last.unwrap_or(range.first) <= LAST
        && range.from.zip(range.to).is_none_or(|(from, to)| from < to)
}

fn holds(rule: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if rule { Ok(()) } else { Err(otherwise()) }
}
