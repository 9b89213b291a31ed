//! What an HDMI receiver tells of itself to whoever is plugged in (EDID 1.3 with one block of CTA-861): a receiver that says
//! nothing gets no signal from most sources.

/// What a receiver can take, as its driver says; a limit of 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receiver {
    /// Largest picture.
    pub width: u32,
    /// Lines of it.
    pub height: u32,
    /// Fastest pixel clock in Hz.
    pub pixel_clock: u64,
    /// It can take fields.
    pub interlaced: bool,
}

/// Bytes of a block.
pub const BLOCK: usize = 128;

/// Manufacturer and name that a source may show.
const MANUFACTURER: &[u8; 3] = b"RSR";
const NAME: &[u8] = b"Riser";
/// Of this description, counted from 1990.
const YEAR: u8 = 36;
/// The primaries and the white of sRGB, which are those of BT.709.
const COLOURS: [u8; 10] = [0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54];

/// A picture format of CTA-861 by its code.
struct Format {
    vic: u8,
    width: u32,
    height: u32,
    pixel_clock: u64,
    interlaced: bool,
}

/// What is offered, the best first; those of SD are there as HDMI wants them.
const FORMATS: [Format; 13] = [
    format(31, 1920, 1080, 148_500_000),
    format(16, 1920, 1080, 148_500_000),
    format(19, 1280, 720, 74_250_000),
    format(4, 1280, 720, 74_250_000),
    format(33, 1920, 1080, 74_250_000),
    format(34, 1920, 1080, 74_250_000),
    format(32, 1920, 1080, 74_250_000),
    fields(20, 1920, 1080, 74_250_000),
    fields(5, 1920, 1080, 74_250_000),
    format(17, 720, 576, 27_000_000),
    format(18, 720, 576, 27_000_000),
    format(2, 720, 480, 27_000_000),
    format(3, 720, 480, 27_000_000),
];

const fn format(vic: u8, width: u32, height: u32, pixel_clock: u64) -> Format {
    Format { vic, width, height, pixel_clock, interlaced: false }
}

const fn fields(vic: u8, width: u32, height: u32, pixel_clock: u64) -> Format {
    Format { interlaced: true, ..format(vic, width, height, pixel_clock) }
}

/// One direction of a timing: what is seen, then front porch, sync and back porch.
type Side = [u16; 4];

/// A timing that is told in full, by the code of its format; both syncs are positive.
struct Detailed {
    vic: u8,
    pixel_clock: u64,
    line: Side,
    picture: Side,
}

/// The first that fits is what a source prefers. That is 50 pictures a second: the two lanes of a Raspberry Pi's camera port
/// carry them in full HD, but not 60, and the receiver on them does not say so.
const DETAILED: [Detailed; 3] = [
    Detailed { vic: 31, pixel_clock: 148_500_000, line: [1920, 528, 44, 148], picture: [1080, 4, 5, 36] },
    Detailed { vic: 16, pixel_clock: 148_500_000, line: [1920, 88, 44, 148], picture: [1080, 4, 5, 36] },
    Detailed { vic: 4, pixel_clock: 74_250_000, line: [1280, 110, 40, 220], picture: [720, 5, 5, 20] },
];

impl Receiver {
    fn takes(&self, format: &Format) -> bool {
        let within = |value: u64, limit: u64| limit == 0 || value <= limit;
        within(format.width.into(), self.width.into())
            && within(format.height.into(), self.height.into())
            && within(format.pixel_clock, self.pixel_clock)
            && (self.interlaced || !format.interlaced)
    }
}

/// The EDID of a box with this receiver; none where it can take nothing of what is worth to be offered.
#[must_use]
pub fn edid(receiver: &Receiver) -> Option<[[u8; BLOCK]; 2]> {
    let formats: Vec<u8> =
        FORMATS.iter().filter(|format| receiver.takes(format)).map(|format| format.vic).collect();
    let mut detailed = DETAILED.iter().filter(|detailed| formats.contains(&detailed.vic));
    let first = detailed.next()?;
    let second = detailed.next().map_or_else(|| descriptor(0x10, &[]), timing);
    let fastest = first.pixel_clock;
    let rest: Vec<_> = detailed.map(timing).collect();
    Some([base([timing(first), second, range(fastest), name()]), extension(&formats, &rest)])
}

fn base(descriptors: [[u8; 18]; 4]) -> [u8; BLOCK] {
    let letter = |place: usize| u16::from(MANUFACTURER[place] - b'A' + 1);
    let manufacturer = letter(0) << 10 | letter(1) << 5 | letter(2);
    // Our only product, without a serial number, and its year; version 1.3; a digital input of no size and a gamma of 2.2; it is sRGB and prefers
    // its first timing.
    let [high, low] = manufacturer.to_be_bytes();
    let head = [0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, high, low, 1, 0, 0, 0, 0, 0, 0, YEAR];
    let kind = [1, 3, 0x80, 0, 0, 120, 0x0e];
    // 640x480 at 60 Hz, which everything has, and no standard timings.
    let established = [0x20, 0, 0];
    let parts: [&[u8]; 7] =
        [&head, &kind, &COLOURS, &established, &[1; 16], descriptors.as_flattened(), &[1]];
    block(&parts.concat())
}

/// The block of CTA-861: formats, sound, and that this is HDMI.
fn extension(formats: &[u8], detailed: &[[u8; 18]]) -> [u8; BLOCK] {
    let data = |tag: u8, payload: &[u8]| {
        let length = u8::try_from(payload.len()).unwrap_or(31).min(31);
        [&[tag << 5 | length], payload].concat()
    };
    // Two channels of LPCM at 48 kHz with 16, 20 or 24 bits, left and right in front.
    let (sound, speakers) = ([0x09, 0x04, 0x07], [0x01, 0, 0]);
    // HDMI's number, and the physical address of the first input.
    let hdmi = [0x03, 0x0c, 0x00, 0x10, 0x00];
    // What a source says of its range is heeded; pictures come without borders.
    let capability = [0x00, 0xca];
    let blocks =
        [data(2, formats), data(1, &sound), data(4, &speakers), data(3, &hdmi), data(7, &capability)]
            .concat();
    let begin = u8::try_from(4 + blocks.len()).unwrap_or(0);
    // No borders, basic audio, YCbCr 4:4:4 and 4:2:2 (HDMI wants both or none), one native timing.
    let head = [0x02, 3, begin, 0xf1];
    block(&[&head, &blocks[..], detailed.as_flattened()].concat())
}

/// A block, filled up and with its checksum.
fn block(bytes: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..bytes.len()].copy_from_slice(bytes);
    let sum = block.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    block[BLOCK - 1] = sum.wrapping_neg();
    block
}

fn timing(detailed: &Detailed) -> [u8; 18] {
    let Detailed { pixel_clock, line, picture, .. } = detailed;
    let clock = u16::try_from(pixel_clock / 10_000).unwrap_or(u16::MAX).to_le_bytes();
    let [width, front, sync, back] = *line;
    let [height, above, lines, below] = *picture;
    let (blank, dark) = (front + sync + back, above + lines + below);
    let low = |value: u16| value.to_le_bytes()[0];
    let upper = |left: u16, right: u16| low(left >> 8 << 4 | right >> 8);
    [
        clock[0],
        clock[1],
        low(width),
        low(blank),
        upper(width, blank),
        low(height),
        low(dark),
        upper(height, dark),
        low(front),
        low(sync),
        low(above << 4 | lines & 0xf),
        low(front >> 8 << 6 | sync >> 8 << 4 | above >> 4 << 2 | lines >> 4),
        // No size, no border; separate syncs, both positive.
        0,
        0,
        0,
        0,
        0,
        0x1e,
    ]
}

/// Rates that are taken: 24 to 61 pictures and 15 to 68 thousand lines a second.
fn range(fastest: u64) -> [u8; 18] {
    let tens = u8::try_from(fastest.div_ceil(10_000_000)).unwrap_or(u8::MAX);
    descriptor(0xfd, &[24, 61, 15, 68, tens, 0, b'\n', b' ', b' ', b' ', b' ', b' ', b' '])
}

fn name() -> [u8; 18] {
    let text: Vec<_> = NAME.iter().copied().chain([b'\n']).chain([b' '; 13]).take(13).collect();
    descriptor(0xfc, &text)
}

fn descriptor(tag: u8, payload: &[u8]) -> [u8; 18] {
    let mut descriptor = [0; 18];
    descriptor[3] = tag;
    descriptor[5..5 + payload.len()].copy_from_slice(payload);
    descriptor
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };

    use super::*;

    /// As the driver of the TC358743 says it, and one that takes everything.
    const BRIDGE: Receiver =
        Receiver { width: 1920, height: 1200, pixel_clock: 165_000_000, interlaced: false };
    const ANY: Receiver = Receiver { width: 0, height: 0, pixel_clock: 0, interlaced: true };
    const SMALL: Receiver = Receiver { pixel_clock: 80_000_000, ..BRIDGE };

    /// What a reader that is not ours says of it.
    fn read(receiver: &Receiver) -> String {
        let mut reader = Command::new("edid-decode")
            .arg("--check")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("edid-decode is installed (tools/packages/test)");
        reader.stdin.take().unwrap().write_all(edid(receiver).unwrap().as_flattened()).unwrap();
        let output = reader.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        text
    }

    #[test]
    fn every_block_sums_up_to_nothing() {
        for receiver in [BRIDGE, ANY, SMALL] {
            for block in edid(&receiver).unwrap() {
                assert_eq!(block.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)), 0);
            }
        }
    }

    #[test]
    fn another_reader_finds_it_in_order() {
        for (receiver, interlaced) in [(BRIDGE, false), (ANY, true), (SMALL, false)] {
            let text = read(&receiver);
            for words in [
                "Manufacturer: RSR",
                "Display Product Name: 'Riser'",
                "Basic audio support",
                "Linear PCM",
                "Supports YCbCr 4:2:2",
                "HDMI",
                "Source physical address: 1.0.0.0",
                "EDID conformity: PASS",
            ] {
                assert!(text.contains(words), "no {words:?} in {text}");
            }
            assert_eq!(text.contains("1920x1080i"), interlaced, "{text}");
        }
    }

    #[test]
    fn what_the_receiver_cannot_take_is_not_offered() {
        let timings = |receiver: &Receiver| {
            let text = read(receiver);
            let lines = text.lines().map(str::trim).filter(|line| line.starts_with("DTD"));
            lines.map(|line| line.split_whitespace().skip(2).take(3).collect::<Vec<_>>().join(" ")).collect()
        };
        let whole: Vec<String> = timings(&BRIDGE);
        assert_eq!(whole.len(), 3, "{whole:?}");
        assert!(whole[0].starts_with("1920x1080 50.0"), "{whole:?}");
        assert!(whole[1].starts_with("1920x1080 60.0"), "{whole:?}");
        assert!(whole[2].starts_with("1280x720 60.0"), "{whole:?}");
        assert_eq!(timings(&SMALL), whole[2..]);
        assert_eq!(edid(&Receiver { height: 480, ..BRIDGE }), None);
    }
}
