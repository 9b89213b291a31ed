//! The manifest (F4M).

use std::fmt::{self, Write as _};

use base64::{Engine, engine::general_purpose::STANDARD};
use media::{Codec, Layout, Window};

use super::{Clock, fragments};
use crate::{
    Error,
    bitrate::Bitrate,
    filter::Shown,
    mux,
    text::{Attribute, Query},
};

/// What a manifest depends on beside the window.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// How fragments are numbered and timed.
    pub clock: Clock,
    /// Nanoseconds that a viewer can go back; none for all there is.
    pub reach: Option<u64>,
    /// The folder that everything else lies in, as seen from the manifest: nothing, or with a slash behind it.
    pub folder: &'a str,
    /// The query that what it leads to is asked with.
    pub query: &'a str,
}

/// Renders the manifest: live, or recorded once the window has ended.
///
/// # Errors
/// [`Error::NoLayout`] before the first sample, [`Error::NothingShown`] where `shown` has no track that can be carried,
/// [`Error::NoSegments`] where nothing can be listed yet.
pub fn render(window: &Window, shown: &Shown, options: &Options<'_>) -> Result<String, Error> {
    let layout = window.layout().ok_or(Error::NoLayout)?;
    let mut tracks = mux::pictures(shown, layout);
    if tracks.is_empty() {
        tracks = mux::sounds(shown, layout);
    }
    let first = *tracks.first().ok_or(Error::NothingShown)?;
    let listed = fragments(window, first, options.clock);
    let (Some(oldest), Some(newest)) = (listed.first(), listed.last()) else {
        return Err(Error::NoSegments(first));
    };
    let mut out = String::with_capacity(2048);
    let lasts = newest.end - oldest.start;
    let written = head(&mut out, window, lasts, options).and_then(|()| {
        tracks.iter().try_for_each(|index| {
            let sound = mux::sound(shown, layout, *index);
            media(&mut out, window, layout, (*index, sound), lasts, options)
        })
    });
    written.and_then(|()| out.write_str("</manifest>\n")).expect("a String takes any text");
    Ok(out)
}

fn head(out: &mut String, window: &Window, millis: u64, options: &Options<'_>) -> fmt::Result {
    out.push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    out.push_str("<manifest xmlns=\"http://ns.adobe.com/f4m/1.0\">\n");
    let kind = if window.ended { "recorded" } else { "live" };
    writeln!(out, "  <streamType>{kind}</streamType>\n  <deliveryType>streaming</deliveryType>")?;
    if window.ended {
        writeln!(out, "  <duration>{}.{:03}</duration>", millis / 1000, millis % 1000)
    } else {
        let reach = options.reach.map_or("-1".to_owned(), |reach| (reach / media::NANOS).to_string());
        writeln!(out, "  <dvrInfo windowDuration=\"{reach}\"/>")
    }
}

fn media(
    out: &mut String,
    window: &Window,
    layout: &Layout,
    (index, sound): (usize, Option<usize>),
    millis: u64,
    options: &Options<'_>,
) -> fmt::Result {
    let name = Attribute(&layout.tracks[index].name);
    let (folder, query) = (options.folder, Query(options.query).to_string());
    let query = Attribute(&query);
    let bitrate = [Some(index), sound].into_iter().flatten().map(|index| Bitrate::of(window, index).average);
    let kilobits = bitrate.sum::<u64>().div_ceil(1000);
    writeln!(out, "  <bootstrapInfo profile=\"named\" id=\"{name}\" url=\"{folder}{name}.abst{query}\"/>")?;
    write!(out, "  <media streamId=\"{name}\" url=\"{folder}{name}/{query}\" bitrate=\"{kilobits}\"")?;
    if let Some(pictures) = layout.tracks[index].codec.pictures() {
        write!(out, " width=\"{}\" height=\"{}\"", pictures.width, pictures.height)?;
    }
    let recorded = window.ended.then_some(millis);
    let metadata = STANDARD.encode(metadata(layout, (index, sound), recorded));
    writeln!(out, " bootstrapInfoId=\"{name}\">\n    <metadata>{metadata}</metadata>\n  </media>")
}

/// `onMetaData` as players know it (annex E.5), in AMF 0: what there is to be played.
fn metadata(layout: &Layout, (index, sound): (usize, Option<usize>), millis: Option<u64>) -> Vec<u8> {
    let mut values: Vec<(&str, f64)> = Vec::new();
    // Less than 2^53 of anything.
    values.extend(millis.map(|millis| ("duration", millis as f64 / 1000.0)));
    for index in [Some(index), sound].into_iter().flatten() {
        let track = &layout.tracks[index];
        match &track.codec {
            Codec::Aac { sample_rate, channels, .. } => values.extend([
                ("audiocodecid", 10.0),
                ("audiodatarate", f64::from(track.bitrate) / 1000.0),
                ("audiosamplerate", f64::from(*sample_rate)),
                ("audiochannels", f64::from(*channels)),
            ]),
            Codec::H264 { width, height, rate, .. } | Codec::H265 { width, height, rate, .. } => {
                values.extend([
                    ("width", f64::from(*width)),
                    ("height", f64::from(*height)),
                    ("framerate", f64::from(rate.num()) / f64::from(rate.den())),
                    ("videocodecid", 7.0),
                    ("videodatarate", f64::from(track.bitrate) / 1000.0),
                ]);
            }
        }
    }
    const STRING: u8 = 2;
    const NUMBER: u8 = 0;
    const ECMA_ARRAY: u8 = 8;
    const END: [u8; 3] = [0, 0, 9];
    let mut out = vec![STRING];
    let text = |out: &mut Vec<u8>, text: &str| {
        // Each of them is a few letters.
        out.extend((text.len() as u16).to_be_bytes());
        out.extend(text.as_bytes());
    };
    text(&mut out, "onMetaData");
    out.push(ECMA_ARRAY);
    out.extend((values.len() as u32).to_be_bytes());
    for (name, value) in values {
        text(&mut out, name);
        out.push(NUMBER);
        out.extend(value.to_be_bytes());
    }
    out.extend(END);
    out
}
