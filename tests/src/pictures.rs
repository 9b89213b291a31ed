//! Decoded pictures and the frame numbers burnt into them.

use std::{path::Path, time::Duration};

use pipeline::picture::{Size, View, ViewMut, strip};

use crate::peers;

/// The size of the first rendition of the boxes in these tests.
pub const LARGE: Size = Size { width: 640, height: 360 };
/// The size of the second.
pub const SMALL: Size = Size { width: 320, height: 180 };

/// Every picture of a film as ffmpeg decodes it, the planes Y, U and V of each in a row.
///
/// # Panics
/// If ffmpeg fails or the pictures have another size.
#[must_use]
pub fn decode(film: &Path, size: Size) -> Vec<Vec<u8>> {
    let name = film.to_string_lossy();
    let arguments = ["-i", &name, "-fps_mode", "passthrough", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"];
    let raw = peers::ffmpeg(&arguments, Duration::from_secs(30));
    let bytes = size.width * size.height * 3 / 2;
    assert!(raw.len().is_multiple_of(bytes) && !raw.is_empty(), "{} bytes of {size:?}", raw.len());
    raw.chunks_exact(bytes).map(<[u8]>::to_vec).collect()
}

/// The number burnt into a picture; none where there is none, as on the slate.
#[must_use]
pub fn frame_number(picture: &[u8], size: Size) -> Option<u32> {
    let (luma, chroma) = picture.split_at(size.width * size.height);
    let (cb, cr) = chroma.split_at(chroma.len() / 2);
    let half = size.width / 2;
    strip::read_frame_number(&View::new(size, [luma, cb, cr], [size.width, half, half])?)
}

/// Burns a number into a picture.
///
/// # Panics
/// If the picture has another size.
pub fn burn_in(number: u64, picture: &mut [u8], size: Size) {
    let (luma, chroma) = picture.split_at_mut(size.width * size.height);
    let (cb, cr) = chroma.split_at_mut(chroma.len() / 2);
    let half = size.width / 2;
    let view = ViewMut::new(size, [luma, cb, cr], [size.width, half, half]);
    strip::draw(number, &mut view.expect("a picture of this size"));
}
