//! Commands on ad breaks and other events of a channel's time.

use channel::life;
use cue::{Problem, Wish};
use media::{Grid, NANOS};

use super::{Context, Effect, Granted, Registry};
use crate::{Message, Objects, Refusal, names::invalid};

const MILLI: u64 = NANOS / 1000;
/// Bytes of an event's message: it lies in each rendition.
const LARGEST: usize = 8 << 10;
/// Bytes of a scheme and of a value.
const LONGEST: usize = 256;
/// How far from now an event may lie, in milliseconds.
const NEAR: u64 = 60_000;

impl Registry {
    pub(super) fn announce_break(
        &mut self,
        channel: String,
        id: u32,
        at: Option<u64>,
        duration: Option<u64>,
        context: &Context<'_>,
    ) -> Result<Granted, Refusal> {
        let grid = self.live_grid(&channel, context)?;
        let nanos = |millis: u64| millis.saturating_mul(MILLI);
        let now = nanos(context.now_ms);
        let spare: Vec<_> = self.objects.assets.values().filter(|asset| asset.channel == channel).collect();
        let spare: Vec<_> = spare.iter().filter_map(|asset| asset.range).collect();
        let spares = |from, to| {
            spare.iter().any(|range| range.begin() < to && range.end().is_none_or(|end| from < end))
        };
        let most = self.limits.breaks;
        let mut journal = self.objects.breaks.get(&channel).cloned().unwrap_or_default();
        if !journal.make_room(most, now, spares) {
            return Err(Refusal::Conflict(format!(
                "{most} ad breaks of a channel are remembered, and there are as many: delete assets that have some first"
            )));
        }
        let wish = Wish { id, from: at.map(nanos), duration: duration.map(nanos) };
        journal.announce(&grid, wish, now).map_err(|problem| refusal(&problem))?;
        self.edit().breaks.insert(channel, journal);
        Ok(Granted::new(id.to_string(), []))
    }

    pub(super) fn end_break(
        &mut self,
        channel: String,
        id: u32,
        context: &Context<'_>,
    ) -> Result<Granted, Refusal> {
        let grid = self.live_grid(&channel, context)?;
        let now = context.now_ms.saturating_mul(MILLI);
        let mut journal = self.objects.breaks.get(&channel).cloned().unwrap_or_default();
        journal.end(&grid, id, now).map_err(|problem| refusal(&problem))?;
        self.edit().breaks.insert(channel, journal);
        Ok(Granted::new(id.to_string(), []))
    }

    pub(super) fn tell(
        &mut self,
        channel: String,
        message: Message,
        context: &Context<'_>,
    ) -> Result<Granted, Refusal> {
        self.live_grid(&channel, context)?;
        let Message { scheme, value, data, at, duration } = message;
        let printable =
            |text: &str| text.len() <= LONGEST && text.chars().all(|char| char.is_ascii_graphic());
        if scheme.is_empty() || !scheme.contains(':') || !printable(&scheme) {
            return Err(invalid("scheme", format!("must be a URI of at most {LONGEST} characters")));
        }
        if !printable(&value) {
            return Err(invalid("value", format!("must be at most {LONGEST} characters without spaces")));
        }
        if data.is_empty() || data.len() > LARGEST {
            return Err(invalid("data", format!("must have 1 to {LARGEST} bytes, found {}", data.len())));
        }
        let at = at.unwrap_or(context.now_ms);
        if at.abs_diff(context.now_ms) > NEAR {
            return Err(invalid("at", "must lie within a minute of now"));
        }
        let event = media::Event {
            scheme,
            value,
            // The low bits tell events apart that lie near each other.
            id: context.now_ms as u32,
            at: at.saturating_mul(MILLI),
            duration: duration.map(|duration| duration.saturating_mul(MILLI)),
            data: data.into(),
        };
        Ok(Granted::new(channel.clone(), [Effect::Tell { channel, event }]))
    }

    /// Those of channels that are gone with all their assets.
    pub(super) fn forget_breaks(&mut self) {
        let Objects { breaks, channels, assets, .. } = self.edit();
        let has_asset = |name: &str| assets.values().any(|asset| asset.channel == *name);
        breaks.retain(|name, _| channels.contains_key(name) || has_asset(name));
    }

    /// The grid of a channel that is running.
    fn live_grid(&self, name: &str, context: &Context<'_>) -> Result<Grid, Refusal> {
        let state = self.channel(name)?.state;
        let grid = (context.grid)(name).filter(|_| state == life::Channel::Running);
        grid.ok_or_else(|| Refusal::State {
            what: "channel",
            id: name.to_owned(),
            state: state.to_string(),
            problem: "only a running channel tells viewers of something".to_owned(),
        })
    }
}

fn refusal(problem: &Problem) -> Refusal {
    let text = problem.to_string();
    match problem {
        Problem::TooSoon(_) => invalid("at", text),
        Problem::Duration => invalid("duration", text),
        Problem::Unknown(id) => Refusal::NotFound { what: "ad break ahead or under way", id: id.to_string() },
        Problem::Overlaps(_) | Problem::Used(_) | Problem::TooLate(_) => Refusal::Conflict(text),
    }
}
