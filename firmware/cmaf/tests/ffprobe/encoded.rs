//! Encoded pictures and sound, as the encoders give them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use media::{Codec, Grid, Position, Sample, Track};
use riser_cmaf::{ChunkWriter, InitCodec, init_segment, read_init, read_samples};

use crate::run;

pub(crate) const SECONDS: u64 = 8;
/// Segment 1 118 000 001 of the default grid.
pub(crate) const SEGMENT: u64 = 1_118_000_001;

pub(crate) fn grid(rate: &str) -> Grid {
    Grid::new(rate.parse().unwrap(), 1600, 200)
}

fn encode(directory: &Path, source: &str, codec: &[&str], name: &str) -> Vec<u8> {
    let path = directory.join(name);
    let seconds = SECONDS.to_string();
    let head = ["-v", "error", "-y", "-f", "lavfi", "-i", source, "-t", &seconds];
    run("ffmpeg", &[&head[..], codec, &[path.to_str().unwrap()]].concat());
    fs::read(path).unwrap()
}

/// The NAL units of an Annex B stream.
fn nal_units(stream: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> =
        (0..stream.len().saturating_sub(2)).filter(|&at| stream[at..at + 3] == [0, 0, 1]).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let unit = |(start, end): (&usize, usize)| {
        let unit = &stream[start + 3..end];
        &unit[..unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)]
    };
    starts.iter().zip(ends).map(unit).collect()
}

/// The test signal in H.264 with a key frame at every segment of the default grid.
pub(crate) fn video(directory: &Path, rate: &str, width: u16, height: u16) -> (Track, Vec<Sample>) {
    let grid = grid(rate);
    let period = grid.frames_per_segment();
    let x264 = format!("keyint={period}:min-keyint={period}:scenecut=0:aud=1:sliced-threads=0");
    let codec = [
        "-c:v",
        "libx264",
        "-profile:v",
        "high",
        "-preset",
        "veryfast",
        "-tune",
        "zerolatency",
        "-bf",
        "0",
        "-b:v",
        "300k",
        "-pix_fmt",
        "yuv420p",
        "-x264-params",
        &x264,
        "-f",
        "h264",
    ];
    let source = format!("testsrc2=size={width}x{height}:rate={rate}");
    let stream = encode(directory, &source, &codec, "video.h264");
    let units = nal_units(&stream);
    let of_type = |nal_type: u8| units.iter().find(|unit| unit[0] & 0x1f == nal_type).copied().unwrap();
    let (sps, pps) = (of_type(7), of_type(8));
    let len = |unit: &[u8]| u16::try_from(unit.len()).unwrap().to_be_bytes();
    let config =
        [&[1], &sps[1..4], &[0xff, 0xe1], &len(sps), sps, &[1], &len(pps), pps, &[0xfd, 0xf8, 0xf8, 0]];
    let config: Bytes = config.concat().into();
    let mut samples: Vec<(bool, Vec<u8>)> = Vec::new();
    for unit in &units {
        match unit[0] & 0x1f {
            9 => samples.push((false, Vec::new())),
            7 | 8 => {}
            nal_type => {
                let (sync, data) = samples.last_mut().expect("an access unit delimiter comes first");
                *sync |= nal_type == 5;
                data.extend_from_slice(&u32::try_from(unit.len()).unwrap().to_be_bytes());
                data.extend_from_slice(unit);
            }
        }
    }
    let (rate, timescale) = (grid.rate, grid.rate.timescale());
    let codec = Codec::H264 { config, width, height, rate };
    let track = Track {
        name: format!("{height}p"),
        timescale,
        bitrate: 300_000,
        language: None,
        captions: Vec::new(),
        codec,
    };
    let (start, duration) = (grid.segment_line(SEGMENT, timescale), rate.frame_duration());
    let sample = |(index, (sync, data))| {
        sample(start + u64::from(duration) * index as u64, duration, sync, data, timescale)
    };
    (track, samples.into_iter().enumerate().map(sample).collect())
}

/// The test signal in HEVC, by way of a file of ffmpeg's.
pub(crate) fn hevc(directory: &Path, rate: &str, width: u16, height: u16) -> (Track, Vec<Sample>) {
    let grid = grid(rate);
    let period = grid.frames_per_segment();
    let x265 = format!("keyint={period}:min-keyint={period}:scenecut=0:bframes=0:log-level=none");
    let codec = ["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x265-params", &x265];
    let tail = ["-tag:v", "hvc1", "-movflags", "+cmaf"];
    let source = format!("testsrc2=size={width}x{height}:rate={rate}");
    let file = Bytes::from(encode(directory, &source, &[&codec[..], &tail].concat(), "hevc.mp4"));
    let read = read_init(&file).unwrap().tracks.remove(0);
    let InitCodec::H265 { config, .. } = &read.codec else { panic!("{:?}", read.codec) };
    let (rate, timescale) = (grid.rate, grid.rate.timescale());
    let codec = Codec::H265 { config: config.clone(), width, height, rate };
    let track = Track {
        name: format!("{height}p-h265"),
        timescale,
        bitrate: 300_000,
        language: None,
        captions: Vec::new(),
        codec,
    };
    let (start, duration) = (grid.segment_line(SEGMENT, timescale), rate.frame_duration());
    let samples = read_samples(&read, &file).unwrap().into_iter().enumerate().map(|(index, read)| {
        let at = start + u64::from(duration) * index as u64;
        sample(at, duration, read.sync, read.data.to_vec(), timescale)
    });
    (track, samples.collect())
}

/// Noise in AAC, so that no moment of it is like another, from the first sound frame of a segment on.
pub(crate) fn audio(directory: &Path, rate: &str) -> (Track, Vec<Sample>) {
    let codec = ["-c:a", "aac", "-b:a", "96k", "-f", "adts"];
    let stream = encode(directory, "anoisesrc=sample_rate=48000:amplitude=0.3:seed=1", &codec, "audio.aac");
    let start = grid(rate).segment_line(SEGMENT, 48_000).next_multiple_of(1024);
    let mut samples = Vec::new();
    let mut rest = &stream[..];
    while let [0xff, _, b2, b3, b4, b5, ..] = *rest {
        let len = usize::from(b3 & 3) << 11 | usize::from(b4) << 3 | usize::from(b5) >> 5;
        assert_eq!((b2 >> 6, b2 >> 2 & 15, b3 >> 6), (1, 3, 1), "AAC-LC, 48 kHz, mono");
        let frame = sample(start + 1024 * samples.len() as u64, 1024, true, rest[7..len].to_vec(), 48_000);
        samples.push(frame);
        rest = &rest[len..];
    }
    let codec = Codec::Aac { config: Bytes::from_static(&[0x11, 0x88]), sample_rate: 48_000, channels: 1 };
    let track = Track {
        name: "audio".into(),
        timescale: 48_000,
        bitrate: 96_000,
        language: Some("deu".into()),
        captions: Vec::new(),
        codec,
    };
    (track, samples)
}

fn sample(decode_time: u64, duration: u32, sync: bool, data: Vec<u8>, timescale: u32) -> Sample {
    Sample {
        decode_time,
        duration,
        composition_offset: 0,
        sync,
        filler: false,
        captured: media::nanos(decode_time, timescale),
        data: data.into(),
    }
}

/// The parts of a track, 200 ms each and eight to a segment: number of the segment, chunk.
pub(crate) fn chunks(grid: &Grid, track: &Track, samples: &[Sample]) -> Vec<(u64, Bytes)> {
    let mut writer = ChunkWriter::new(track, 1);
    let at = |sample: &Sample| grid.position(sample.decode_time, track.timescale);
    let parts: Vec<&[Sample]> = samples.chunk_by(|one, next| at(one) == at(next)).collect();
    let chunk = |(index, part): (usize, &&[Sample])| {
        let Position { segment, part: number } = at(&part[0]);
        (segment, writer.write(part, number == 0, index + 1 == parts.len()).unwrap())
    };
    parts.iter().enumerate().map(chunk).collect()
}

/// The track as one fragmented file.
pub(crate) fn mux(directory: &Path, grid: &Grid, track: &Track, samples: &[Sample]) -> PathBuf {
    let mut file = init_segment(track).unwrap().to_vec();
    chunks(grid, track, samples).iter().for_each(|(_, chunk)| file.extend_from_slice(chunk));
    let path = directory.join(format!("{}.mp4", track.name));
    fs::write(&path, file).unwrap();
    path
}
