//! Which cameras are plugged in and where, by the tree under `/sys`: what the settings name them by.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use media::Camera;
use rustix::io::Errno;
use v4l::{Device, capability::Flags};

/// The first root hub speed of USB 3, in Mbit/s. Its ports are counted apart from those of USB 2.
const USB3: u32 = 5000;

/// A camera that is plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Its node.
    pub node: PathBuf,
    /// What it is.
    pub camera: Camera,
    /// The speed of its USB port in Mbit/s, as far as both ends can; none for any other bus.
    pub speed: Option<u32>,
}

/// Every camera, in the order of the nodes' numbers.
pub fn all(sys: &Path) -> Vec<Sighting> {
    listed(sys, gives_pictures)
}

fn listed(sys: &Path, gives_pictures: impl Fn(&Path) -> bool) -> Vec<Sighting> {
    let class = sys.join("class/video4linux");
    let seen = nodes(&class).into_iter().filter_map(|name| {
        let node = Path::new("/dev").join(&name);
        if !gives_pictures(&node) {
            return None;
        }
        let entry = class.join(name);
        let function = fs::canonicalize(entry.join("device")).ok()?;
        let unit = unit(&function);
        let (serial, speed) = (line(&unit.join("serial")), speed(&unit));
        let mut port = port(&unit, &function)?;
        // One device with several of them.
        if let Some(index) = line(&entry.join("index")).filter(|index| index != "0") {
            port = format!("{port}#{index}");
        }
        // Of one that is just being unplugged this is gone first: what was read before is whole.
        let model = line(&entry.join("name"))?;
        Some(Sighting { node, camera: Camera { port, model, serial }, speed })
    });
    seen.collect()
}

/// Whether a node can capture pictures: those of metadata cannot. One that somebody else has for himself is taken for one that
/// can; one that may not be opened yet is looked at again when it may.
fn gives_pictures(node: &Path) -> bool {
    match Device::with_path(node) {
        Ok(device) => device.query_caps().is_ok_and(|caps| caps.capabilities.contains(Flags::VIDEO_CAPTURE)),
        Err(error) => Errno::from_io_error(&error) == Some(Errno::BUSY),
    }
}

/// The names of the V4L2 capture nodes, in the order of their numbers.
fn nodes(class: &Path) -> Vec<String> {
    let number = |name: &str| name.strip_prefix("video")?.parse::<u32>().ok();
    let names = fs::read_dir(class).into_iter().flatten().flatten();
    let mut nodes: Vec<_> = names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| Some((number(&name)?, name)))
        .collect();
    nodes.sort();
    nodes.into_iter().map(|(_, name)| name).collect()
}

/// The whole device that a function belongs to, both without links: a USB device is one up from its interface
/// (`1-2:1.0`), a PCI function (`0000:03:00.1`) counts with its siblings.
pub fn unit(function: &Path) -> PathBuf {
    let Some(name) = function.file_name().and_then(OsStr::to_str) else { return function.to_owned() };
    if is_interface(function) {
        return function.parent().map_or_else(|| function.to_owned(), Path::to_owned);
    }
    match name.rsplit_once('.') {
        Some((slot, function_number)) if function_number.len() == 1 && slot.contains(':') => {
            function.with_file_name(slot)
        }
        _ => function.to_owned(),
    }
}

fn is_interface(function: &Path) -> bool {
    let name = function.file_name().and_then(OsStr::to_str);
    name.is_some_and(|name| name.contains(':')) && function.join("bInterfaceNumber").exists()
}

/// The connector. Buses of USB are numbered as they are found, so the controller is named instead.
fn port(unit: &Path, function: &Path) -> Option<String> {
    let name = unit.file_name()?.to_str()?;
    let is_hub =
        |dir: &&Path| dir.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with("usb"));
    let (true, Some(hub), Some((_, chain))) =
        (is_interface(function), unit.ancestors().find(is_hub), name.split_once('-'))
    else {
        return Some(name.to_owned());
    };
    let controller = hub.parent()?.file_name()?.to_str()?;
    let kind = if speed(hub).is_some_and(|speed| speed >= USB3) { "usb3" } else { "usb" };
    let interface = function.file_name()?.to_str()?.split_once(':').map(|(_, interface)| interface);
    let interface =
        interface.filter(|interface| *interface != "1.0").map(|interface| format!(":{interface}"));
    Some(format!("{kind}-{controller}-{chain}{}", interface.unwrap_or_default()))
}

/// As the kernel says it: `480`, `1.5`.
fn speed(unit: &Path) -> Option<u32> {
    line(&unit.join("speed"))?.split('.').next()?.parse().ok()
}

/// What a file says, where it says anything.
fn line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const XHCI: &str = "devices/pci0000:00/0000:00:14.0";

    fn add(sys: &Path, device: &str, node: &str, files: &[(&str, &str)]) {
        let (device, class) = (sys.join(device), sys.join("class/video4linux").join(node));
        [&device, &class].into_iter().for_each(|dir| fs::create_dir_all(dir).unwrap());
        symlink(&device, class.join("device")).unwrap();
        files.iter().for_each(|(file, text)| fs::write(device.join(file), text).unwrap());
        fs::write(class.join("name"), "A camera\n").unwrap();
    }

    #[test]
    fn a_port_is_named_by_what_does_not_change_with_the_order_of_plugging() {
        let sys = tempfile::tempdir().unwrap();
        let interface = [("bInterfaceNumber", "00"), ("../serial", "8F2C\n"), ("../speed", "480\n")];
        add(sys.path(), &format!("{XHCI}/usb1/1-2/1-2.1/1-2.1:1.0"), "video2", &interface);
        add(
            sys.path(),
            &format!("{XHCI}/usb1/1-3/1-3:1.2"),
            "video3",
            &[("bInterfaceNumber", "02"), ("../serial", "\n")],
        );
        let fast = [("bInterfaceNumber", "00"), ("../speed", "5000\n"), ("../../speed", "10000\n")];
        add(sys.path(), &format!("{XHCI}/usb2/2-2/2-2:1.0"), "video10", &fast);
        add(sys.path(), "devices/pci0000:00/0000:03:00.0", "video4", &[]);
        for (index, node) in ["video5", "video6", "video7"].into_iter().enumerate() {
            add(sys.path(), "devices/platform/vivid.0", node, &[]);
            fs::write(sys.path().join("class/video4linux").join(node).join("index"), format!("{index}\n"))
                .unwrap();
        }
        // This one is being unplugged.
        add(sys.path(), "devices/platform/vivid.1", "video8", &[]);
        fs::remove_file(sys.path().join("class/video4linux/video8/name")).unwrap();
        let seen = listed(sys.path(), |node| !node.ends_with("video6"));
        let told: Vec<_> = seen
            .iter()
            .map(|seen| {
                (seen.node.to_str().unwrap(), &*seen.camera.port, seen.camera.serial.as_deref(), seen.speed)
            })
            .collect();
        assert_eq!(
            told,
            [
                ("/dev/video2", "usb-0000:00:14.0-2.1", Some("8F2C"), Some(480)),
                ("/dev/video3", "usb-0000:00:14.0-3:1.2", None, None),
                ("/dev/video4", "0000:03:00", None, None),
                ("/dev/video5", "vivid.0", None, None),
                ("/dev/video7", "vivid.0#2", None, None),
                ("/dev/video10", "usb3-0000:00:14.0-2", None, Some(5000)),
            ]
        );
        assert!(seen.iter().all(|seen| seen.camera.model == "A camera"));
    }

    #[test]
    fn nodes_are_taken_in_the_order_of_their_numbers() {
        let class = tempfile::tempdir().unwrap();
        for node in ["video10", "video2", "vbi0", "v4l-subdev1", "video", "video99999999999999999999"] {
            fs::create_dir(class.path().join(node)).unwrap();
        }
        assert_eq!(nodes(class.path()), ["video2", "video10"]);
        assert_eq!(nodes(&class.path().join("none")), [""; 0]);
    }
}
