//! Commands on filters.

use std::collections::BTreeMap;

use package::filter::Filter;

use super::{Granted, Registry, not_found, room};
use crate::{
    Refusal,
    names::{self, invalid},
};

impl Registry {
    pub(super) fn put_filter(
        &mut self,
        asset: Option<String>,
        name: String,
        filter: Filter,
    ) -> Result<Granted, Refusal> {
        names::token("name", &name)?;
        filter.check().map_err(|wrong| invalid(&wrong.field, wrong.problem))?;
        let allowed = self.limits.filters;
        let filters = self.filters(asset.as_deref())?;
        if !filters.contains_key(&name) {
            room(filters.len(), allowed, "filters")?;
        }
        filters.insert(name.clone(), filter);
        Ok(Granted::new(name, []))
    }

    pub(super) fn delete_filter(&mut self, asset: Option<String>, name: String) -> Result<Granted, Refusal> {
        let filters = self.filters(asset.as_deref())?;
        filters.remove(&name).ok_or_else(|| not_found("filter", &name))?;
        Ok(Granted::new(name, []))
    }

    /// An asset's own filters, or the global ones.
    fn filters(&mut self, asset: Option<&str>) -> Result<&mut BTreeMap<String, Filter>, Refusal> {
        match asset {
            Some(id) => Ok(&mut self.asset_mut(id)?.filters),
            None => Ok(&mut self.edit().filters),
        }
    }
}
