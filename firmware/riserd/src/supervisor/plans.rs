//! What a channel's worker is told to encode: first, and when its input, its encoders or the operator want it otherwise.

use link::{InputReport, PictureFormat, ToWorker};
use tokio::task::block_in_place;

use super::{News, Running, Supervisor};
use crate::{
    error::Error,
    plan::{self, Plan},
    session::Session,
};

/// What a worker has counted a second ago.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    at: u64,
    given: u64,
    left_out: u64,
}

impl Supervisor {
    /// Tells a worker what to encode, which the first one's report decides.
    pub(super) async fn start(
        &mut self,
        format: Option<&PictureFormat>,
        session: &mut Session,
        running: &mut Option<Running>,
    ) -> Result<(), Error> {
        let families = plan::of_one_kind(&self.families);
        let outgrown = |running: &Running| {
            families.first().is_some_and(|first| !running.plan.start.families.contains(first))
        };
        let plan = match running {
            None => Some(self.plan(format)),
            // The encoders that it was made for do not work.
            Some(running) if outgrown(running) => Some(self.plan(format)),
            Some(_) => self.replan(format, running),
        };
        if let Some(plan) = plan {
            self.carry_out(plan, format.is_none(), running)?;
        }
        let Some(Running { plan, .. }) = running else { return Ok(()) };
        plan.start.clock = self.offset();
        plan.start.families = families;
        plan.start.tuning = self.planner.tuning(plan, &self.tuning.borrow_and_update());
        self.facts.tuned(plan, &plan.start.tuning);
        session.send(&ToWorker::Start(Box::new(plan.start.clone()))).await?;
        session.started = true;
        Ok(())
    }

    /// Passes on what was changed. A worker that has not begun gets it with its start.
    pub(super) async fn tune(&mut self, session: &mut Session, running: &Option<Running>) {
        let tuned = self.tuning.borrow_and_update().clone();
        if let Some(Running { plan, .. }) = running.as_ref().filter(|_| session.started) {
            let tuning = self.planner.tuning(plan, &tuned);
            self.facts.tuned(plan, &tuning);
            // One that has ended may have said why: its last words are still to be read.
            let _ = session.send(&ToWorker::Tune(tuning)).await;
        }
    }

    /// The plan for an input that was expected and has come; none where the plan holds.
    pub(super) fn replan(
        &mut self,
        format: Option<&PictureFormat>,
        running: &mut Option<Running>,
    ) -> Option<Plan> {
        let running = running.as_mut().filter(|running| running.expected && format.is_some())?;
        let plan = self.plan(format);
        running.expected = false;
        (!plan.encodes_like(&running.plan)).then_some(plan)
    }

    fn plan(&mut self, format: Option<&PictureFormat>) -> Plan {
        let whole = block_in_place(|| self.planner.plan(&self.families, format));
        self.shed.planned(whole.start.renditions.len());
        whole.without(&self.shed)
    }

    /// Looks each second whether the encoders keep up and the box is not too warm; another plan where renditions are given up or taken back.
    pub(super) fn shed(
        &mut self,
        report: &InputReport,
        counted: &mut Option<Counted>,
        running: &Option<Running>,
    ) -> Option<Plan> {
        let now = Counted { at: self.clock.now(), given: report.frames_out, left_out: report.skipped };
        let before = *counted.get_or_insert(now);
        if now.at.saturating_sub(before.at) < media::NANOS {
            return None;
        }
        *counted = Some(now);
        let left_out = self.shed.renditions();
        let heat = self.temperature.borrow().as_ref().map(|reading| reading.heat).unwrap_or_default();
        if !self.shed.second(now.at, now.given - before.given, now.left_out - before.left_out, heat) {
            return None;
        }
        self.facts.shed(&self.shed);
        tracing::warn!(channel = self.channel, shed = ?self.shed, ?heat, "the channel gives up another share");
        running.as_ref().filter(|_| self.shed.renditions() != left_out)?;
        Some(self.plan(report.format.as_ref()))
    }

    /// From now on the channel encodes by `plan`. Another grid is another stream, in which the old one is not seen.
    pub(super) fn carry_out(
        &self,
        plan: Plan,
        expected: bool,
        running: &mut Option<Running>,
    ) -> Result<(), Error> {
        let grid = plan.start.grid;
        self.facts.planned(&plan);
        let line = match running.take() {
            Some(Running { plan: old, line, .. }) if old.start.grid == grid => line,
            // The store may have to wait for a slow disk here.
            _ => {
                let (line, reader) = block_in_place(|| self.planner.line(grid))?;
                self.tell(News::Writes { channel: self.channel.clone(), grid, reader });
                line
            }
        };
        *running = Some(Running { plan, line, expected });
        Ok(())
    }
}
