//! Which camera is which: names that stay, by serial number and by the port it is plugged into.
//!
//! A serial number that only one camera has makes it the same one wherever it is plugged in; it is then told as moved. Cameras
//! without one, or of which two have the same, are told apart by their ports.

use media::{Camera, CameraChoice};
use serde::{Deserialize, Serialize};

/// Cameras that are remembered; of more, the one that was seen first and is not there now is forgotten.
const MOST: usize = 64;

/// A camera that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its name: the model, with a number where there are several.
    pub name: String,
    /// What it is, and the port where it was last.
    #[serde(flatten)]
    pub camera: Camera,
    /// The port where it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<String>,
}

impl Known {
    /// `moved from PORT to PORT`; empty where it did not.
    #[must_use]
    pub fn moved(&self) -> String {
        let words = |from: &String| format!("moved from {from} to {}", self.camera.port);
        self.moved_from.as_ref().map(words).unwrap_or_default()
    }
}

/// All cameras that were seen, in that order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cameras {
    known: Vec<Known>,
}

impl Cameras {
    /// These are all that are plugged in now; whether anything of it is news.
    pub fn see(&mut self, seen: &[Camera]) -> bool {
        let before = self.clone();
        let mut seen: Vec<_> = seen.iter().collect();
        seen.sort();
        for camera in &seen {
            if self.known.iter().any(|known| known.camera == **camera) {
                continue;
            }
            match self.elsewhere(camera, &seen) {
                Some(known) => {
                    let from = std::mem::replace(&mut known.camera.port, camera.port.clone());
                    known.moved_from = Some(from);
                }
                None => {
                    let name = self.name(&camera.model);
                    self.known.push(Known { name, camera: (*camera).clone(), moved_from: None });
                }
            }
        }
        while self.known.len() > MOST {
            let gone = self.known.iter().position(|known| !seen.contains(&&known.camera));
            self.known.remove(gone.unwrap_or(0));
        }
        *self != before
    }

    /// The one that is remembered as this camera.
    #[must_use]
    pub fn get(&self, camera: &Camera) -> Option<&Known> {
        self.known.iter().find(|known| known.camera == *camera)
    }

    /// The choice, with what is known of the name in it. A name that nobody has yet stays.
    #[must_use]
    pub fn resolve(&self, choice: &CameraChoice) -> CameraChoice {
        let named = choice.name.as_ref().and_then(|name| self.known.iter().find(|known| known.name == *name));
        let Some(Known { camera: Camera { model, port, serial }, .. }) = named.cloned() else {
            return choice.clone();
        };
        CameraChoice { model: Some(model), port: Some(port), serial, ..choice.clone() }
    }

    /// The only one with this serial number, which was seen at another port and is not there any more.
    fn elsewhere(&mut self, camera: &Camera, seen: &[&Camera]) -> Option<&mut Known> {
        camera.serial.as_ref()?;
        let is_like = |other: &Camera| (&other.model, &other.serial) == (&camera.model, &camera.serial);
        let alone = seen.iter().filter(|other| is_like(other)).count() == 1;
        let mut known = self.known.iter_mut().filter(|known| is_like(&known.camera));
        let found = known.next().filter(|_| alone);
        known.next().is_none().then_some(found).flatten()
    }

    /// A name for another one of this model.
    fn name(&self, model: &str) -> String {
        let is_free = |name: &String| self.known.iter().all(|known| known.name != *name);
        let numbered = (2..).map(|number| format!("{model} {number}"));
        let mut names = std::iter::once(model.to_owned()).chain(numbered);
        names.find(is_free).expect("there are more numbers than cameras")
    }
}

/// The place among `seen` of the camera that is chosen; none where it is not there. Not for a choice by device.
#[must_use]
pub fn pick(seen: &[Camera], choice: &CameraChoice) -> Option<usize> {
    let CameraChoice { name, model, port, serial, .. } = choice;
    // A camera that was never seen is called by its model, unless more is said of it.
    let unseen = name.as_ref().filter(|_| serial.is_none() && port.is_none());
    let model = model.as_ref().or(unseen);
    let is_meant = |camera: &Camera| {
        model.is_none_or(|model| camera.model == *model) && (serial.is_none() || camera.serial == *serial)
    };
    let mut meant = seen.iter().enumerate().filter(|(_, camera)| is_meant(camera));
    if serial.is_some() && meant.clone().count() == 1 {
        return meant.next().map(|(place, _)| place);
    }
    meant.find(|(_, camera)| port.as_ref().is_none_or(|port| camera.port == *port)).map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `model serial@port`, or `model @port` without one.
    fn camera(text: &str) -> Camera {
        let (model, rest) = text.split_once(' ').unwrap();
        let (serial, port) = rest.split_once('@').unwrap();
        let serial = Some(serial.to_owned()).filter(|serial| !serial.is_empty());
        Camera { port: port.to_owned(), model: model.to_owned(), serial }
    }

    fn cameras(texts: &[&str]) -> Vec<Camera> {
        texts.iter().map(|text| camera(text)).collect()
    }

    /// What is plugged in, again and again; names of the last ones, and what is told of their moves.
    type Course<'a> = (&'a str, &'a [&'a [&'a str]], &'a [(&'a str, &'a str)]);

    #[test]
    fn sightings_and_the_names_they_lead_to() {
        let table: &[Course<'_>] = &[
            ("one", &[&["Cam A@1"]], &[("Cam", "")]),
            ("the same again", &[&["Cam A@1"], &[], &["Cam A@1"]], &[("Cam", "")]),
            ("moved", &[&["Cam A@1"], &[], &["Cam A@2"]], &[("Cam", "moved from 1 to 2")]),
            ("moved twice", &[&["Cam A@1"], &["Cam A@2"], &["Cam A@3"]], &[("Cam", "moved from 2 to 3")]),
            ("another one", &[&["Cam A@1"], &["Cam B@1"]], &[("Cam 2", "")]),
            ("two of a kind", &[&["Cam A@1", "Cam B@2"]], &[("Cam", ""), ("Cam 2", "")]),
            (
                "two of a kind that are swapped",
                &[&["Cam A@1", "Cam B@2"], &["Cam B@1", "Cam A@2"]],
                &[("Cam 2", "moved from 2 to 1"), ("Cam", "moved from 1 to 2")],
            ),
            ("without a serial number", &[&["Cam @1"], &["Cam @1"]], &[("Cam", "")]),
            ("and at another port", &[&["Cam @1"], &["Cam @2"]], &[("Cam 2", "")]),
            ("and back", &[&["Cam @1"], &["Cam @2"], &["Cam @1"]], &[("Cam", "")]),
            ("two of them", &[&["Cam @2"], &["Cam @1", "Cam @2"]], &[("Cam 2", ""), ("Cam", "")]),
            ("two with the same", &[&["Cam 0@1", "Cam 0@2"]], &[("Cam", ""), ("Cam 2", "")]),
            (
                "the second comes later",
                &[&["Cam 0@2"], &["Cam 0@1", "Cam 0@2"]],
                &[("Cam 2", ""), ("Cam", "")],
            ),
            (
                "one of those at a third port may be either",
                &[&["Cam 0@1", "Cam 0@2"], &["Cam 0@3"]],
                &[("Cam 3", "")],
            ),
            ("the same number of other models", &[&["Cam 0@1"], &["Eye 0@2"]], &[("Eye", "")]),
        ];
        for (what, course, names) in table {
            let mut known = Cameras::default();
            for seen in *course {
                known.see(&cameras(seen));
                assert!(!known.see(&cameras(seen)), "{what}: nothing is new");
            }
            let last = cameras(course.last().unwrap());
            let told: Vec<_> = last.iter().map(|camera| known.get(camera).unwrap()).collect();
            let told: Vec<_> = told.iter().map(|known| (known.name.as_str(), known.moved())).collect();
            let names: Vec<_> = names.iter().map(|(name, moved)| (*name, (*moved).to_owned())).collect();
            assert_eq!(told, names, "{what}");
        }
    }

    #[test]
    fn what_is_chosen_is_found() {
        let seen = cameras(&["Cam A@1", "Eye @2", "Cam B@3", "Toy 0@4", "Toy 0@5"]);
        let choice = |name: &str, serial: &str, port: &str| {
            let [name, serial, port] =
                [name, serial, port].map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()));
            CameraChoice { name, port, serial, ..CameraChoice::default() }
        };
        for (name, serial, port, place) in [
            ("", "", "", Some(0)),
            ("", "B", "", Some(2)),
            ("", "C", "", None),
            ("", "", "2", Some(1)),
            ("", "", "9", None),
            ("", "B", "9", Some(2)),
            ("", "0", "", Some(3)),
            ("", "0", "5", Some(4)),
            ("", "0", "9", None),
            ("Eye", "", "", Some(1)),
            ("Ear", "", "", None),
            ("Ear", "B", "", Some(2)),
            ("Ear", "", "2", Some(1)),
        ] {
            assert_eq!(pick(&seen, &choice(name, serial, port)), place, "{name} {serial} {port}");
        }
        let mut known = Cameras::default();
        known.see(&seen);
        let resolved = |name: &str| pick(&seen, &known.resolve(&choice(name, "", "")));
        assert_eq!(
            ["Cam", "Cam 2", "Eye", "Toy 2", "Ear"].map(resolved),
            [Some(0), Some(2), Some(1), Some(4), None]
        );
        let moved = cameras(&["Cam B@1", "Cam A@7"]);
        assert_eq!(pick(&moved, &known.resolve(&choice("Cam", "", ""))), Some(1), "it is followed");
        let other = cameras(&["Ear @2"]);
        assert_eq!(pick(&other, &known.resolve(&choice("Eye", "", ""))), None, "another one at its port");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_read_back() {
        let mut known = Cameras::default();
        for port in 0..200 {
            known.see(&cameras(&[&format!("Cam @{port}"), "Eye A@1"]));
        }
        assert_eq!(known.known.len(), MOST);
        assert!(known.get(&camera("Eye A@1")).is_some() && known.get(&camera("Cam @199")).is_some());
        let json = serde_json::to_vec(&known).unwrap();
        assert_eq!(serde_json::from_slice::<Cameras>(&json).unwrap(), known);
    }
}
