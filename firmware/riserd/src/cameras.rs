//! Which camera is which, on all channels, over restarts: [`channel::cameras`] with its file in the state folder.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use channel::cameras::{Cameras as Rule, Known};
use link::InputChoice;
use media::Camera;
use store::{Disk, file};

/// The cameras that were seen. Clones share them.
#[derive(Clone)]
pub struct Cameras {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    known: Mutex<Rule>,
    /// Held while the file is written, so that what was learnt last is what stays.
    file: Mutex<()>,
}

impl Cameras {
    /// Those that were kept in `state_dir`; none where they cannot be read: they get their names anew.
    pub fn open(state_dir: &Path) -> Self {
        let path = state_dir.join("cameras.json");
        let read = file::read(&Disk, &path).map_err(|error| error.to_string());
        let known = read.and_then(|bytes| match bytes {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
            None => Ok(Rule::default()),
        });
        let known = known.unwrap_or_else(|error| {
            tracing::warn!(path = %path.display(), error, "the names of cameras cannot be read");
            Rule::default()
        });
        let shared = Shared { path, known: Mutex::new(known), file: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// These are all that are plugged in now; whether there is anything new to keep.
    pub fn see(&self, seen: &[Camera]) -> bool {
        let mut known = self.known();
        let is_new = known.see(seen);
        if is_new {
            for Known { name, camera: Camera { port, serial, .. }, .. } in
                seen.iter().filter_map(|camera| known.get(camera))
            {
                tracing::info!(name, port, serial, "a camera is plugged in");
            }
        }
        is_new
    }

    /// What is known of a camera.
    pub fn get(&self, camera: &Camera) -> Option<Known> {
        self.known().get(camera).cloned()
    }

    /// The input, with what is known of a camera that is chosen by its name.
    pub fn resolve(&self, input: &InputChoice) -> InputChoice {
        let mut input = input.clone();
        if let InputChoice::Auto { camera, .. } | InputChoice::Camera { camera, .. } = &mut input {
            *camera = self.known().resolve(camera);
        }
        input
    }

    /// Writes the file; it outlives a power cut. A disk that does not take it costs the names, not the pictures.
    pub fn keep(&self) {
        let _order = self.shared.file.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = serde_json::to_vec_pretty(&*self.known());
        let bytes = bytes.expect("cameras have string keys only, so they always serialize");
        if let Err(error) = file::replace(&Disk, &self.shared.path, &bytes) {
            tracing::warn!(%error, "the names of cameras are not remembered");
        }
    }

    fn known(&self) -> MutexGuard<'_, Rule> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use link::Wish;
    use media::CameraChoice;
    use tempfile::TempDir;

    use super::*;

    fn camera(serial: &str, port: &str) -> Camera {
        Camera { port: port.to_owned(), model: "Cam".to_owned(), serial: Some(serial.to_owned()) }
    }

    #[test]
    fn a_name_and_a_move_outlive_a_restart() {
        let folder = TempDir::new().unwrap();
        let cameras = Cameras::open(folder.path());
        assert!(cameras.see(&[camera("A", "1"), camera("B", "2")]));
        cameras.keep();
        let cameras = Cameras::open(folder.path());
        assert!(!cameras.see(&[camera("B", "2")]), "it is known");
        assert!(cameras.see(&[camera("B", "3")]));
        cameras.keep();
        let cameras = Cameras::open(folder.path());
        let known = cameras.get(&camera("B", "3")).unwrap();
        assert_eq!((known.name.as_str(), known.moved()), ("Cam 2", "moved from 2 to 3".to_owned()));

        let named = CameraChoice { name: Some("Cam 2".to_owned()), ..CameraChoice::default() };
        let input = InputChoice::Camera { camera: named.clone(), wish: Wish::default() };
        let (model, port, serial) = (Some("Cam".into()), Some("3".into()), Some("B".into()));
        let resolved = CameraChoice { model, port, serial, ..named };
        assert_eq!(cameras.resolve(&input), InputChoice::Camera { camera: resolved, wish: Wish::default() });
    }

    #[test]
    fn what_cannot_be_read_is_made_anew() {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("cameras.json"), "[{").unwrap();
        let cameras = Cameras::open(folder.path());
        assert!(cameras.see(&[camera("A", "1")]));
        cameras.keep();
        assert_eq!(Cameras::open(folder.path()).get(&camera("A", "1")).unwrap().name, "Cam");
    }
}
