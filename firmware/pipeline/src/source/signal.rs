//! Whether the input of a capture device has a signal, as its driver says: `VIDIOC_G_INPUT` and `VIDIOC_ENUMINPUT` of
//! the V4L2 user-space API. Without a signal many drivers go on giving pictures, of noise.

use std::{ffi::c_int, fs::File, io, path::Path};

use rustix::{
    io::Errno,
    ioctl::{Getter, Opcode, Updater, ioctl, opcode},
};
use v4l::v4l_sys::{
    V4L2_IN_ST_NO_ACCESS, V4L2_IN_ST_NO_CARRIER, V4L2_IN_ST_NO_EQU, V4L2_IN_ST_NO_H_LOCK,
    V4L2_IN_ST_NO_POWER, V4L2_IN_ST_NO_SIGNAL, V4L2_IN_ST_NO_STD_LOCK, V4L2_IN_ST_NO_SYNC,
    V4L2_IN_ST_NO_V_LOCK, v4l2_input,
};

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
}

impl Input {
    /// Opens the device once more. Drivers that allow one handle only refuse.
    pub fn open(device: &Path) -> io::Result<Self> {
        Ok(Self { node: File::open(device)? })
    }

    /// What is true of the signal now.
    pub fn signal(&self) -> Signal {
        match self.status() {
            Ok(status) => meaning(status),
            Err(Errno::NODEV) => Signal::Gone,
            // Drivers without inputs or without their states, as most webcams.
            Err(_) => Signal::There,
        }
    }

    /// `v4l2_input.status` of the input in use.
    #[expect(unsafe_code, reason = "V4L2 is spoken by ioctl, and the v4l crate has no call for these two")]
    fn status(&self) -> Result<u32, Errno> {
        const G_INPUT: Opcode = opcode::read::<c_int>(b'V', 38);
        const ENUMINPUT: Opcode = opcode::read_write::<v4l2_input>(b'V', 26);
        // SAFETY: VIDIOC_G_INPUT writes one int.
        let index = unsafe { ioctl(&self.node, Getter::<G_INPUT, c_int>::new()) }?;
        let mut input = v4l2_input {
            index: index.cast_unsigned(),
            name: [0; 32],
            type_: 0,
            audioset: 0,
            tuner: 0,
            std: 0,
            status: 0,
            capabilities: 0,
            reserved: [0; 3],
        };
        // SAFETY: VIDIOC_ENUMINPUT reads and writes one v4l2_input, whose fields are valid with any bits.
        unsafe { ioctl(&self.node, Updater::<ENUMINPUT, v4l2_input>::new(&mut input)) }?;
        Ok(input.status)
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
        assert_eq!(Input::open(file.path()).unwrap().signal(), Signal::There);
        assert!(Input::open(&file.path().join("none")).is_err());
    }
}
