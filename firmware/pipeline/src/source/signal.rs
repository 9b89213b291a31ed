//! Whether the input of a capture device has a signal and which one, as its driver says. Without a signal many drivers go on
//! giving pictures, of noise.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::OpenOptionsExt,
    },
    path::Path,
};

use channel::edid::{self, Receiver};
use rustix::{fs::OFlags, io::Errno};
use v4l::v4l_sys::{
    V4L2_DV_BT_CAP_INTERLACED, V4L2_IN_ST_NO_ACCESS, V4L2_IN_ST_NO_CARRIER, V4L2_IN_ST_NO_EQU,
    V4L2_IN_ST_NO_H_LOCK, V4L2_IN_ST_NO_POWER, V4L2_IN_ST_NO_SIGNAL, V4L2_IN_ST_NO_STD_LOCK,
    V4L2_IN_ST_NO_SYNC, V4L2_IN_ST_NO_V_LOCK,
};

use super::{ioctl, timings::Timings};

/// Events that are taken at a time.
const MOST: usize = 64;

/// What the driver says of the input in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Nothing speaks against it: there is one, or the driver cannot tell.
    There,
    /// There is none that gives pictures, because of this.
    Lost(&'static str),
    /// The device is gone, and is so for every process until all its handles are closed.
    Gone,
}

/// Flags that mean no pictures, what they follow from first. Of the others, a picture without colour or one upside down
/// is still a picture.
const LOST: [(u32, &str); 9] = [
    (V4L2_IN_ST_NO_POWER, "the input has no power"),
    (V4L2_IN_ST_NO_SIGNAL, "no signal at the input"),
    (V4L2_IN_ST_NO_CARRIER, "no carrier at the input"),
    (V4L2_IN_ST_NO_SYNC, "no sync with the signal at the input"),
    (V4L2_IN_ST_NO_EQU, "the signal at the input is too weak or the cable too long"),
    (V4L2_IN_ST_NO_STD_LOCK, "the signal at the input has no known TV standard"),
    (V4L2_IN_ST_NO_H_LOCK, "the signal at the input is not stable: no lock on its lines"),
    (V4L2_IN_ST_NO_V_LOCK, "the signal at the input is not stable: no lock on its pictures"),
    (V4L2_IN_ST_NO_ACCESS, "the signal at the input is encrypted"),
];

/// A second handle to a capture device, beside that of the capture; to be closed with it.
pub struct Input {
    node: File,
    subscribed: bool,
}

impl Input {
    /// Opens the device once more, and asks for events with every change of its signal. Drivers that allow one handle only
    /// refuse.
    pub fn open(device: &Path) -> io::Result<Self> {
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let node = OpenOptions::new().read(true).custom_flags(flags).open(device)?;
        let subscribed = ioctl::subscribe_source_change(&node).is_ok();
        Ok(Self { node, subscribed })
    }

    /// Whether the driver tells when the signal changes. Webcams do not, nor do some old grabbers.
    pub fn is_subscribed(&self) -> bool {
        self.subscribed
    }

    /// Takes the events that wait. One that is told of and cannot be had ends the subscription.
    pub fn take_events(&mut self) {
        let mut taken = (0..MOST).map_while(|_| ioctl::next_event(&self.node).ok());
        self.subscribed &= taken.next().is_some();
        taken.for_each(drop);
    }

    /// What is true of the signal now.
    pub fn signal(&self) -> Signal {
        match ioctl::input_status(&self.node) {
            Ok(status) => meaning(status),
            Err(Errno::NODEV) => Signal::Gone,
            // Drivers without inputs or without their states, as most webcams.
            Err(_) => Signal::There,
        }
    }

    /// The timings of the digital signal that is there now; none where there is none, or the input is not digital.
    pub fn timings(&self) -> Option<Timings> {
        ioctl::query_timings(&self.node).ok().flatten().as_ref().map(Timings::of)
    }

    /// Tells the source what the box can take, where the receiver tells it nothing: many give no signal until then. Whether
    /// that was to be done and could be; a receiver that refuses may have a signal all the same.
    pub fn introduce(&self) -> bool {
        let Ok(0) = ioctl::edid_blocks(&self.node) else { return false };
        let Ok(Some(cap)) = ioctl::timings_cap(&self.node) else { return false };
        let receiver = Receiver {
            width: cap.max_width,
            height: cap.max_height,
            pixel_clock: cap.max_pixelclock,
            interlaced: cap.capabilities & V4L2_DV_BT_CAP_INTERLACED != 0,
        };
        let Some(mut edid) = edid::edid(&receiver) else { return false };
        match ioctl::set_edid(&self.node, &mut edid) {
            Ok(()) => tracing::info!(?receiver, "the receiver has an EDID now"),
            Err(error) => tracing::warn!(%error, "the receiver takes no EDID: its source may give no signal"),
        }
        ioctl::edid_blocks(&self.node).is_ok_and(|blocks| blocks > 0)
    }

    /// Sets the receiver to the signal that is there, as drivers do not by themselves. To be called before a capture begins:
    /// the result is what the pictures will be like.
    pub fn follow(&self) -> Option<Timings> {
        let timings = ioctl::query_timings(&self.node).ok().flatten()?;
        let seen = Timings::of(&timings);
        if let Err(error) = ioctl::set_timings(&self.node, timings) {
            tracing::warn!(%error, signal = %seen, "the receiver cannot be set to the signal");
            return None;
        }
        Some(seen)
    }
}

impl AsFd for Input {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.node.as_fd()
    }
}

/// What `v4l2_input.status` says of the signal.
fn meaning(status: u32) -> Signal {
    let lost = LOST.iter().find(|(flag, _)| status & flag != 0);
    lost.map_or(Signal::There, |(_, words)| Signal::Lost(words))
}

#[cfg(test)]
mod tests {
    use v4l::v4l_sys::{
        V4L2_IN_ST_COLOR_KILL, V4L2_IN_ST_HFLIP, V4L2_IN_ST_MACROVISION, V4L2_IN_ST_NO_COLOR,
        V4L2_IN_ST_VFLIP, V4L2_IN_ST_VTR,
    };

    use super::*;

    #[test]
    fn a_strange_picture_is_still_a_picture() {
        let harmless = V4L2_IN_ST_NO_COLOR
            | V4L2_IN_ST_COLOR_KILL
            | V4L2_IN_ST_HFLIP
            | V4L2_IN_ST_VFLIP
            | V4L2_IN_ST_MACROVISION
            | V4L2_IN_ST_VTR;
        assert_eq!(meaning(0), Signal::There);
        assert_eq!(meaning(harmless), Signal::There);
        assert_eq!(meaning(harmless | V4L2_IN_ST_NO_SIGNAL), Signal::Lost("no signal at the input"));
    }

    #[test]
    fn the_cause_is_told_before_what_follows_from_it() {
        let words = |status| match meaning(status) {
            Signal::Lost(words) => words,
            other => panic!("{status:#x} is {other:?}"),
        };
        assert_eq!(words(V4L2_IN_ST_NO_POWER | V4L2_IN_ST_NO_SIGNAL), "the input has no power");
        assert_eq!(words(V4L2_IN_ST_NO_SIGNAL | V4L2_IN_ST_NO_H_LOCK), "no signal at the input");
        assert!(words(V4L2_IN_ST_NO_H_LOCK | V4L2_IN_ST_NO_V_LOCK).contains("lines"));
        assert!(words(V4L2_IN_ST_NO_ACCESS).contains("encrypted"));
    }

    #[test]
    fn a_file_that_is_no_device_says_nothing_of_a_signal() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut input = Input::open(file.path()).unwrap();
        assert_eq!((input.signal(), input.is_subscribed()), (Signal::There, false));
        assert_eq!((input.timings(), input.follow()), (None, None));
        assert!(!input.introduce());
        input.take_events();
        assert!(Input::open(&file.path().join("none")).is_err());
    }
}
