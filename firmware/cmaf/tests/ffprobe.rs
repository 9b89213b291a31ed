//! Real H.264 and AAC, made by ffmpeg, muxed here and read back by ffprobe.
#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use media::{Codec, Grid, Sample, Track};
use riser_cmaf::{ChunkWriter, InitCodec, init_segment, read_init, read_samples, read_segment};
use sha2::{Digest, Sha256};

const SECONDS: u64 = 4;
/// Segment 1 118 000 001 of the default grid, at 25 frames/s.
const SEGMENT: u64 = 1_118_000_001;

/// Runs a program of the ffmpeg suite; its standard output and error.
fn run(program: &str, arguments: &[&str]) -> (String, String) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|err| {
        panic!("cannot run {program}: {err}; this test needs the ffmpeg suite (Debian package ffmpeg)")
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {err}");
    (out, err)
}

fn encode(directory: &Path, source: &str, codec: &[&str], name: &str) -> Vec<u8> {
    let path = directory.join(name);
    let seconds = SECONDS.to_string();
    let head = ["-v", "error", "-f", "lavfi", "-i", source, "-t", &seconds];
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

/// Twenty-five frames per second of H.264 with a key frame at every segment of the default grid.
fn video(directory: &Path) -> (Track, Vec<Sample>) {
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
        "keyint=40:min-keyint=40:scenecut=0:aud=1:sliced-threads=0",
        "-f",
        "h264",
    ];
    let stream = encode(directory, "testsrc2=size=320x180:rate=25", &codec, "video.h264");
    let units = nal_units(&stream);
    let of_type = |nal_type: u8| units.iter().find(|unit| unit[0] & 0x1f == nal_type).copied().unwrap();
    let (sps, pps) = (of_type(7), of_type(8));
    let len = |unit: &[u8]| u16::try_from(unit.len()).unwrap().to_be_bytes();
    let config =
        [&[1], &sps[1..4], &[0xff, 0xe1], &len(sps), sps, &[1], &len(pps), pps, &[0xfd, 0xf8, 0xf8, 0]];
    let rate = "25".parse().unwrap();
    let start = Grid::new(rate, 1600, 200).segment_line(SEGMENT, 25_000);

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
    let track = Track {
        name: "180p".into(),
        timescale: 25_000,
        bitrate: 300_000,
        language: None,
        codec: Codec::H264 { config: config.concat().into(), width: 320, height: 180, rate },
    };
    let samples = samples
        .into_iter()
        .enumerate()
        .map(|(index, (sync, data))| sample(start + 1000 * index as u64, 1000, sync, data, track.timescale));
    (track.clone(), samples.collect())
}

fn audio(directory: &Path) -> (Track, Vec<Sample>) {
    let codec = ["-c:a", "aac", "-b:a", "96k", "-f", "adts"];
    let stream = encode(directory, "sine=frequency=440:sample_rate=48000", &codec, "audio.aac");
    let start = Grid::new("25".parse().unwrap(), 1600, 200).segment_line(SEGMENT, 48_000);
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

/// The track as one file: init segment, then parts of 200 ms, eight to a segment.
fn mux(directory: &Path, track: &Track, samples: &[Sample]) -> PathBuf {
    let grid = Grid::new("25".parse().unwrap(), 1600, 200);
    let mut writer = ChunkWriter::new(track, 1);
    let mut file = init_segment(track).unwrap().to_vec();
    let at = |sample: &Sample| grid.position(sample.decode_time, track.timescale);
    let parts: Vec<&[Sample]> = samples.chunk_by(|one, next| at(one) == at(next)).collect();
    for (index, part) in parts.iter().enumerate() {
        let first = at(&part[0]).part == 0;
        file.extend(writer.write(part, first, index + 1 == parts.len()).unwrap());
    }
    let path = directory.join(format!("{}.mp4", track.name));
    fs::write(&path, file).unwrap();
    path
}

/// `pts,dts,duration,size,key,hash` of every packet, as ffprobe must print them.
fn packets(samples: &[Sample]) -> Vec<String> {
    let line = |sample: &Sample| {
        let hash = Sha256::digest(&sample.data).iter().fold(String::new(), |mut hash, byte| {
            write!(hash, "{byte:02x}").unwrap();
            hash
        });
        let pts = sample.decode_time.strict_add_signed(i64::from(sample.composition_offset));
        let key = if sample.sync { 'K' } else { '_' };
        format!("{pts},{},{},{},{key},{hash}", sample.decode_time, sample.duration, sample.data.len())
    };
    samples.iter().map(line).collect()
}

fn probe(path: &Path, show: &str) -> Vec<String> {
    let path = path.to_str().unwrap();
    let format =
        ["-v", "error", "-show_data_hash", "sha256", "-of", "default=nw=1", "-show_entries", show, path];
    let (out, err) = run("ffprobe", &format);
    assert_eq!(err, "", "ffprobe complains about {path}");
    out.lines().map(str::to_owned).collect()
}

/// What ffprobe finds is what was written, packet by packet.
fn assert_packets(path: &Path, samples: &[Sample]) {
    let (mut found, wanted) = (probe_packets(path), packets(samples));
    // The first packet of fragmented AAC has no duration in ffprobe 5.1, in ffmpeg's own files neither.
    found[0] = found[0].replacen(",N/A,", &format!(",{},", samples[0].duration), 1);
    assert_eq!(found.len(), wanted.len(), "packets");
    for (index, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
        assert_eq!(found, wanted, "packet {index}");
    }
}

fn probe_packets(path: &Path) -> Vec<String> {
    let lines = probe(path, "packet=pts,dts,duration,size,flags,data_hash");
    let value = |line: &str| line.split_once('=').map_or_else(String::new, |(_, value)| value.to_owned());
    let packet = |fields: &[String]| {
        let [pts, dts, duration, size, flags, hash] = fields else { panic!("six fields: {fields:?}") };
        let hash = value(hash).trim_start_matches("SHA256:").to_lowercase();
        let key = if value(flags).starts_with('K') { 'K' } else { '_' };
        format!("{},{},{},{},{key},{hash}", value(pts), value(dts), value(duration), value(size))
    };
    lines.chunks(6).map(packet).collect()
}

fn assert_stream(path: &Path, wanted: &[&str]) {
    let lines = probe(path, "stream:stream_tags=language");
    for line in wanted {
        assert!(lines.iter().any(|found| found == line), "no {line} in {lines:#?}");
    }
}

/// Decodes everything; ffmpeg has nothing to say about it.
fn assert_decodes(path: &Path) {
    let (_, err) = run("ffmpeg", &["-v", "warning", "-i", path.to_str().unwrap(), "-f", "null", "-"]);
    assert_eq!(err, "", "ffmpeg complains");
}

#[test]
fn ffprobe_reads_the_video_that_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let (track, samples) = video(directory.path());
    assert_eq!(samples.len() as u64, SECONDS * 25);
    assert_eq!(samples.iter().filter(|sample| sample.sync).count(), 3);
    let path = mux(directory.path(), &track, &samples);
    assert_packets(&path, &samples);
    // avc1.64000d: profile and level as the codec string says them.
    assert_eq!(track.rfc6381(), "avc1.64000d");
    assert_stream(
        &path,
        &[
            "codec_name=h264",
            "profile=High",
            "level=13",
            "codec_tag_string=avc1",
            "width=320",
            "height=180",
            "sample_aspect_ratio=1:1",
            "is_avc=true",
            "nal_length_size=4",
            "time_base=1/25000",
            "r_frame_rate=25/1",
        ],
    );
    assert_decodes(&path);
}

#[test]
fn ffprobe_reads_the_audio_that_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let (track, samples) = audio(directory.path());
    assert!(samples.len() as u64 >= SECONDS * 48_000 / 1024);
    let path = mux(directory.path(), &track, &samples);
    assert_packets(&path, &samples);
    assert_eq!(track.rfc6381(), "mp4a.40.2");
    assert_stream(
        &path,
        &[
            "codec_name=aac",
            "profile=LC",
            "codec_tag_string=mp4a",
            "sample_rate=48000",
            "channels=1",
            "time_base=1/48000",
            "TAG:language=deu",
        ],
    );
    assert_decodes(&path);
}

/// Presentation in another order than decoding: the payload is as above, its pictures are not looked at.
#[test]
fn ffprobe_reads_composition_offsets() {
    let directory = tempfile::tempdir().unwrap();
    let (track, mut samples) = video(directory.path());
    for (index, sample) in samples.iter_mut().enumerate() {
        sample.composition_offset = [1000, 3000, 1000, 0][index % 4];
    }
    let path = mux(directory.path(), &track, &samples);
    assert_packets(&path, &samples);
}

/// The other way round: ffmpeg muxes, and what is read here is what ffprobe reads.
#[test]
fn segments_that_ffmpeg_wrote_are_read() {
    let directory = tempfile::tempdir().unwrap();
    // Whole AAC frames: ffprobe makes a short last one longer than the file says.
    let head = ["-v", "error", "-t", "4.096", "-f", "lavfi", "-i"];
    let tail = ["-movflags", "+cmaf", "-frag_duration", "200000", "-write_prft", "wallclock", "-f", "mp4"];
    let video =
        ["testsrc2=size=320x180:rate=25", "-c:v", "libx264", "-tune", "zerolatency", "-pix_fmt", "yuv420p"];
    let audio = ["sine=frequency=440:sample_rate=48000", "-c:a", "aac"];
    for (name, codec) in [("video.mp4", &video[..]), ("audio.mp4", &audio)] {
        let path = directory.path().join(name);
        run("ffmpeg", &[&head, codec, &tail, &[path.to_str().unwrap()]].concat());
        let file = Bytes::from(fs::read(&path).unwrap());
        let track = read_init(&file).unwrap().tracks.remove(0);
        match &track.codec {
            InitCodec::H264 { width, height, .. } => assert_eq!((*width, *height), (320, 180)),
            InitCodec::Aac { sample_rate, channels, .. } => {
                assert_eq!((*sample_rate, *channels), (48_000, 1))
            }
            InitCodec::Other(kind) => panic!("{kind}"),
        }
        assert_packets(&path, &read_samples(&track, &file).unwrap());
        let chunks = read_segment(&file).unwrap();
        assert!(chunks.len() >= 10 && chunks.iter().all(|chunk| chunk.reference.is_some()), "{chunks:?}");
    }
}
