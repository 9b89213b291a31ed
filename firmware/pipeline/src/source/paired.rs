//! Which sound card belongs to a camera: the one on the same USB device or the same card in the box.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::sighting::unit;

/// The ALSA device (`hw:2`) paired with a camera's device node, by the tree under `/sys`.
pub fn sound_card(sys: &Path, device: &Path) -> Option<String> {
    let node = device.file_name()?;
    let camera = whole(&sys.join("class/video4linux").join(node).join("device"))?;
    let mut cards: Vec<_> =
        fs::read_dir(sys.join("class/sound")).ok()?.flatten().map(|entry| entry.file_name()).collect();
    cards.sort();
    cards.iter().find_map(|card| {
        let number = card.to_str()?.strip_prefix("card")?;
        (whole(&sys.join("class/sound").join(card).join("device"))? == camera).then(|| format!("hw:{number}"))
    })
}

fn whole(function: &Path) -> Option<PathBuf> {
    fs::canonicalize(function).ok().map(|function| unit(&function))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Two cameras of one kind on two USB ports, each with its own microphone, and the box's own sound.
    fn sys() -> tempfile::TempDir {
        let sys = tempfile::tempdir().unwrap();
        let add = |device: &str, class: &str, node: &str| {
            let device = sys.path().join("devices").join(device);
            fs::create_dir_all(&device).unwrap();
            if device.to_str().unwrap().contains("usb") {
                fs::write(device.join("bInterfaceNumber"), "00").unwrap();
            }
            let class = sys.path().join("class").join(class).join(node);
            fs::create_dir_all(&class).unwrap();
            symlink(&device, class.join("device")).unwrap();
        };
        add("usb1/1-1/1-1:1.0", "video4linux", "video0");
        add("usb1/1-2/1-2:1.0", "video4linux", "video2");
        add("pci/0000:03:00.0", "video4linux", "video4");
        add("platform/vivid.0", "video4linux", "video6");
        add("pci/0000:00:1f.3", "sound", "card0");
        add("usb1/1-2/1-2:1.2", "sound", "card1");
        add("usb1/1-1/1-1:1.2", "sound", "card2");
        add("pci/0000:03:00.1", "sound", "card3");
        sys
    }

    #[test]
    fn a_camera_is_paired_with_the_sound_of_its_own_device() {
        let sys = sys();
        let card = |node: &str| sound_card(sys.path(), &Path::new("/dev").join(node));
        assert_eq!(card("video0").as_deref(), Some("hw:2"));
        assert_eq!(card("video2").as_deref(), Some("hw:1"));
        assert_eq!(card("video4").as_deref(), Some("hw:3"));
        assert_eq!(card("video6"), None);
        assert_eq!(card("video9"), None);
    }
}
