//! Texts that are rendered once for all who ask for the same of the same window: thousands who wait for the next part get one
//! rendering.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use media::Window;
use package::filter::{Shown, View};

use crate::{error::Error, respond::Text};

/// Texts of one presentation that are kept at the most: its tracks in every protocol, through a few filters.
const MOST: usize = 64;

/// The texts of one presentation, each as it was rendered last.
#[derive(Default)]
pub(crate) struct Shelf(Mutex<HashMap<String, Arc<Mutex<Option<Kept>>>>>);

struct Kept {
    window: Window,
    shown: Shown,
    text: Arc<Text>,
}

impl Shelf {
    /// Lets go of every text, and of the windows that they are of.
    pub(crate) fn clear(&self) {
        held(&self.0).clear();
    }

    /// The text of this name for a view: `render`ed unless it was for the same view before. Who comes meanwhile waits for the
    /// same rendering.
    pub(crate) fn text(
        &self,
        name: String,
        view: &View,
        render: impl FnOnce() -> Result<String, package::Error>,
    ) -> Result<Arc<Text>, Error> {
        let place = {
            let mut places = held(&self.0);
            if places.len() >= MOST && !places.contains_key(&name) {
                places.clear();
            }
            Arc::clone(places.entry(name).or_default())
        };
        let mut kept = held(&place);
        if let Some(kept) =
            kept.as_ref().filter(|kept| kept.window.is(&view.window) && kept.shown == view.shown)
        {
            return Ok(Arc::clone(&kept.text));
        }
        let text = Arc::new(Text::new(render()?));
        *kept =
            Some(Kept { window: view.window.clone(), shown: view.shown.clone(), text: Arc::clone(&text) });
        Ok(text)
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use media::{FrameRate, Grid, History, LayoutId, Segment, Spans};

    use super::*;

    fn view(segments: u64) -> View {
        let grid = Grid::new(FrameRate::new(25, 1).unwrap(), 1600, 200);
        let mut history = History::default();
        for number in 0..segments {
            let (layout, spans) = (LayoutId(1), Spans::new(&grid, number, []));
            history.push(Segment { number, discontinuity: 0, filler: false, gap: false, layout, spans });
        }
        View { window: Window { history, ..Window::empty(grid) }, shown: Shown::all() }
    }

    #[test]
    fn one_rendering_serves_all_of_a_view() {
        let (shelf, first, next) = (Shelf::default(), view(2), view(3));
        let ask = |name: &str, view: &View, text: &str| {
            let text = shelf.text(name.to_owned(), view, || Ok(text.to_owned())).unwrap();
            String::from_utf8(text.plain().to_vec()).unwrap()
        };
        assert_eq!(ask("a", &first, "1"), "1");
        assert_eq!(ask("a", &first, "2"), "1", "rendered already");
        assert_eq!(ask("b", &first, "3"), "3", "another text");
        assert_eq!(ask("a", &next, "4"), "4", "another window");
        let failed = shelf.text("a".to_owned(), &first, || Err(package::Error::NoLayout));
        assert!(failed.is_err());
        assert_eq!(ask("a", &next, "5"), "4", "a failure is not kept");
        shelf.clear();
        assert_eq!(ask("a", &next, "7"), "7", "let go of");
        for nth in 0..2 * MOST {
            ask(&nth.to_string(), &first, "6");
        }
        assert!(held(&shelf.0).len() <= MOST);
    }
}
