//! Commands on endpoints, which the settings declare.

use super::{Context, Granted, Registry, not_found};
use crate::{Endpoint, Refusal};

impl Registry {
    /// The endpoints that the settings have, from `now` on, in milliseconds since the epoch. Those that are new serve; those that
    /// were stopped stay so.
    pub fn declare_endpoints<'a>(&mut self, names: impl IntoIterator<Item = &'a str>, now: u64) {
        let endpoints = &mut self.edit().endpoints;
        let mut known = std::mem::take(endpoints);
        let fresh = || Endpoint { stopped: false, since: now };
        endpoints.extend(
            names.into_iter().map(|name| (name.to_owned(), known.remove(name).unwrap_or_else(fresh))),
        );
    }

    pub(super) fn steer_endpoint(
        &mut self,
        name: String,
        stopped: bool,
        context: &Context<'_>,
    ) -> Result<Granted, Refusal> {
        let endpoint = self.edit().endpoints.get_mut(&name).ok_or_else(|| not_found("endpoint", &name))?;
        // Asked twice, answered twice.
        if endpoint.stopped != stopped {
            *endpoint = Endpoint { stopped, since: context.now_ms };
        }
        Ok(Granted::new(name, []))
    }
}
