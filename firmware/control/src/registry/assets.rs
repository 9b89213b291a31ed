//! Commands on whole assets.

use access::Delivery;

use super::{Context, Effect, Granted, Registry, not_found};
use crate::{Asset, Recorded, Refusal, names};

impl Registry {
    pub(super) fn publish(
        &mut self,
        id: String,
        locator: Option<String>,
        context: &mut Context<'_>,
    ) -> Result<Granted, Refusal> {
        if let Some(locator) = &locator {
            names::token("locator", locator)?;
        }
        let asset = self.asset(&id)?;
        match (&asset.locator, &locator) {
            // Asked twice, answered twice.
            (Some(_), None) => return Ok(Granted::new(id, [])),
            (Some(has), Some(wanted)) if has == wanted => return Ok(Granted::new(id, [])),
            (Some(has), Some(_)) => {
                return Err(state(&id, &format!("published as `{has}`"), "unpublish it first"));
            }
            (None, _) => {}
        }
        let locator = locator.unwrap_or_else(|| (context.new_id)());
        if self.objects.assets.values().any(|asset| asset.locator.as_ref() == Some(&locator)) {
            return Err(Refusal::Conflict(format!("locator `{locator}` belongs to another asset")));
        }
        self.asset_mut(&id)?.locator = Some(locator);
        Ok(Granted::new(id, []))
    }

    pub(super) fn unpublish(&mut self, id: String) -> Result<Granted, Refusal> {
        let locator = &mut self.asset_mut(&id)?.locator;
        if locator.take().is_none() {
            return Err(state(&id, "not published", "only a published asset can be unpublished"));
        }
        Ok(Granted::new(id, []))
    }

    pub(super) fn deliver(
        &mut self,
        id: String,
        delivery: Delivery,
        context: &Context<'_>,
    ) -> Result<Granted, Refusal> {
        check_delivery("policies", &delivery, context)?;
        self.asset_mut(&id)?.delivery = delivery;
        Ok(Granted::new(id, []))
    }

    pub(super) fn delete_asset(&mut self, id: String) -> Result<Granted, Refusal> {
        let asset = self.asset(&id)?;
        if asset.recording {
            return Err(state(&id, "recording", "its program must be stopped first"));
        }
        if let Some((program, _)) = self.objects.programs.iter().find(|(_, program)| program.asset == id) {
            return Err(Refusal::Conflict(format!(
                "program `{program}` refers to asset `{id}`: delete the program first"
            )));
        }
        Ok(Granted::new(id.clone(), [self.drop_asset(id)]))
    }

    /// Takes an asset away; what was clipped from it stays.
    pub(super) fn drop_asset(&mut self, id: String) -> Effect {
        let assets = &mut self.edit().assets;
        assets.remove(&id);
        let clips = assets.values_mut().filter(|asset| asset.parent.as_ref() == Some(&id));
        clips.for_each(|clip| clip.parent = None);
        self.forget_breaks();
        Effect::DropAsset(id)
    }

    pub(super) fn make_thumbnails(&mut self, id: String) -> Result<Granted, Refusal> {
        if self.asset(&id)?.recording {
            return Err(state(&id, "recording", "thumbnails are made of what is complete"));
        }
        self.content(&id)?;
        Ok(Granted::new(id.clone(), [Effect::MakeThumbnails(id)]))
    }

    /// What an asset holds, of which there must be something.
    pub(super) fn content(&self, id: &str) -> Result<Recorded, Refusal> {
        let empty = || state(id, "empty", "nothing has been recorded into it yet");
        self.asset(id)?.range.ok_or_else(empty)
    }

    pub(super) fn asset(&self, id: &str) -> Result<&Asset, Refusal> {
        self.objects.assets.get(id).ok_or_else(|| not_found("asset", id))
    }

    pub(super) fn asset_mut(&mut self, id: &str) -> Result<&mut Asset, Refusal> {
        self.edit().assets.get_mut(id).ok_or_else(|| not_found("asset", id))
    }
}

/// That delivery policies in field `field` make sense.
pub(super) fn check_delivery(field: &str, delivery: &Delivery, context: &Context<'_>) -> Result<(), Refusal> {
    let wrong = |(own, problem): (String, String)| names::invalid(&format!("{field}{own}"), problem);
    delivery.check(context.has_key).map_err(wrong)
}

fn state(id: &str, state: &str, problem: &str) -> Refusal {
    Refusal::State { what: "asset", id: id.to_owned(), state: state.to_owned(), problem: problem.to_owned() }
}
