//! Answers whether channels would fit, from the board, the shares of those that run and what inputs gave last time.

use std::{
    path::Path,
    sync::{Arc, PoisonError},
};

use channel::{
    budget::Budget,
    rehearsal::{self, Wish},
};
use control::Rehearse;

use crate::{house::House, plan, planner::Memory};

/// Where channels are rehearsed. It does not keep the house open.
pub fn stage(house: &House) -> Rehearse {
    let (settings, board, shares) =
        (Arc::clone(&house.settings), Arc::clone(&house.board), Arc::clone(&house.shares));
    Arc::new(move |channels| {
        let families = plan::of_one_kind(&plan::families(&board));
        let kind = plan::kind(families.first().map_or("", String::as_str));
        let named: Vec<_> = channels.iter().map(|channel| channel.name.as_str()).collect();
        let taken = shares.lock().unwrap_or_else(PoisonError::into_inner).taken(kind, &named);
        let budget = Budget { taken, ..plan::budget_of(&board, kind) };
        let wishes: Vec<_> = channels.iter().map(|channel| wish(channel, &settings.state_dir)).collect();
        rehearsal::rehearse(&wishes, &budget)
    })
}

/// What a channel would encode. What the settings leave open is as the input gave it last time.
fn wish(channel: &settings::Channel, state_dir: &Path) -> Wish {
    let last = Memory::of(state_dir, &channel.name).recall();
    let source = plan::source(channel, last.as_ref());
    let wished = plan::source(channel, None);
    let size = if channel.input.size().is_some() { wished } else { source };
    let source = channel::ladder::Source { rate: source.rate, ..size };
    let told = channel.input.size().is_some() && channel.frame_rate.is_some();
    let ours = matches!(channel.input.source(), settings::Source::Test);
    let assumed = (!told && !ours && last.is_none()).then(|| {
        let (width, height, rate) = (source.width, source.height, source.rate);
        format!("its input was never seen: {width}x{height} at {rate}/s is assumed")
    });
    Wish { source, wanted: plan::wanted(channel), assumed }
}
