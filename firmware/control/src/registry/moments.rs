//! Commands on moments and stretches of assets: clips and marks.
//!
//! Instants come in milliseconds and mean the nearest frame, so that what was answered can be asked for.

use std::{collections::BTreeMap, ops::Range};

use super::{Context, Granted, Registry, fresh, not_found, room};
use crate::{
    Asset, Mark, Program, Recorded, Refusal,
    names::{self, invalid},
};

/// What can be had of an asset, in frames since the epoch.
struct Bounds {
    range: Recorded,
    /// Where it began to be recorded, or was clipped.
    begin: u64,
    /// Where what is still kept of its stream begins; none where nothing is.
    kept: Option<u64>,
    /// Where it ends; none while it is recorded.
    end: Option<u64>,
    /// Milliseconds since the epoch.
    now: u64,
}

impl Registry {
    pub(super) fn clip(
        &mut self,
        id: &str,
        name: String,
        Range { start: from, end: to }: Range<u64>,
        context: &mut Context<'_>,
    ) -> Result<Granted, Refusal> {
        names::title("name", &name)?;
        ordered(("from", from), ("to", to))?;
        let bounds = self.bounds(id, context)?;
        let (begin, end) = (bounds.frame("from", from)?, bounds.frame("to", to)?);
        if begin >= end {
            return Err(invalid("to", "must be at least one frame after `from`"));
        }
        let range = bounds.clip(begin, end);
        let clip = Asset {
            name,
            channel: self.asset(id)?.channel.clone(),
            program: None,
            parent: Some(id.to_owned()),
            range: Some(range),
            recording: false,
            locator: None,
            marks: BTreeMap::new(),
            filters: BTreeMap::new(),
            delivery: self.asset(id)?.delivery.clone(),
            created: context.now_ms,
        };
        Ok(Granted::new(self.add_asset(clip, context)?, []))
    }

    pub(super) fn mark(
        &mut self,
        id: &str,
        name: String,
        at: Option<u64>,
        until: Option<u64>,
        context: &mut Context<'_>,
    ) -> Result<Granted, Refusal> {
        names::title("name", &name)?;
        let at = at.unwrap_or(context.now_ms);
        if let Some(until) = until {
            ordered(("at", at), ("until", until))?;
        }
        let bounds = self.bounds(id, context)?;
        bounds.frame("at", at)?;
        if let Some(until) = until {
            bounds.frame("until", until)?;
        }
        let allowed = self.limits.marks;
        let marks = &mut self.asset_mut(id)?.marks;
        room(marks.len(), allowed, "marks of an asset")?;
        let mark = fresh(marks, context)?;
        marks.insert(mark.clone(), Mark { name, at, until });
        Ok(Granted::new(mark, []))
    }

    pub(super) fn unmark(&mut self, id: &str, mark: String) -> Result<Granted, Refusal> {
        let removed = self.asset_mut(id)?.marks.remove(&mark);
        removed.ok_or_else(|| not_found("mark", &mark))?;
        Ok(Granted::new(mark, []))
    }

    fn bounds(&self, id: &str, context: &Context<'_>) -> Result<Bounds, Refusal> {
        let range = self.content(id)?;
        let asset = self.asset(id)?;
        let window = self.recorder_of(asset).and_then(|program| program.archive_window);
        let kept = (context.kept)(&asset.channel, &range.grid);
        let kept = kept.map(|(oldest, edge)| range.first_shown(edge, window).max(oldest));
        let frame = |nanos| range.grid.rate.frame_at(nanos);
        Ok(Bounds {
            range,
            begin: frame(range.begin()),
            kept: kept.map(|first| range.line(first)),
            end: range.end().map(frame),
            now: context.now_ms,
        })
    }

    /// The program that records into an asset now.
    pub(super) fn recorder_of(&self, asset: &Asset) -> Option<&Program> {
        let recording = asset.program.as_ref().filter(|_| asset.recording);
        recording.and_then(|program| self.objects.programs.get(program))
    }
}

impl Bounds {
    /// The frame nearest to an instant that can be had.
    fn frame(&self, field: &str, ms: u64) -> Result<u64, Refusal> {
        if ms > self.now {
            return Err(invalid(field, "lies in the future"));
        }
        let frame = self.range.grid.rate.frame_at(ms.saturating_mul(1_000_000));
        if frame < self.begin {
            return Err(invalid(field, format!("the asset begins at {}", self.ms(self.begin))));
        }
        let kept = self.kept.filter(|kept| self.end.is_none_or(|end| *kept < end));
        if kept.is_none_or(|kept| frame < kept) {
            let problem = match kept {
                Some(kept) => format!("what is still kept begins at {}", self.ms(kept)),
                None => "nothing of the asset is kept any more".to_owned(),
            };
            return Err(Refusal::Expired { field: field.to_owned(), problem });
        }
        match self.end {
            Some(end) if frame > end => Err(invalid(field, format!("the asset ends at {}", self.ms(end)))),
            _ => Ok(frame),
        }
    }

    fn clip(&self, begin: u64, end: u64) -> Recorded {
        let Recorded { grid, .. } = self.range;
        let segment = |frame| frame / u64::from(grid.frames_per_segment());
        Recorded {
            begun: None,
            grid,
            first: segment(begin),
            last: Some(segment(end.saturating_sub(1))),
            from: Some(grid.rate.nanos_of(begin)),
            to: Some(grid.rate.nanos_of(end)),
        }
    }

    /// Milliseconds since the epoch nearest to a frame.
    fn ms(&self, frame: u64) -> u64 {
        self.range.grid.rate.nanos_of(frame).saturating_add(500_000) / 1_000_000
    }
}

fn ordered(from: (&str, u64), to: (&str, u64)) -> Result<(), Refusal> {
    if from.1 < to.1 { Ok(()) } else { Err(invalid(to.0, format!("must be after `{}`", from.0))) }
}
