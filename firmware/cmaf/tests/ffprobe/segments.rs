//! Init segments and chunks.

use std::{fmt::Write as _, fs, path::Path};

use bytes::Bytes;
use media::Sample;
use riser_cmaf::{InitCodec, read_init, read_samples, read_segment};
use sha2::{Digest, Sha256};

use crate::{
    encoded::{SECONDS, audio, grid, hevc, mux, video},
    probe, run,
};

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
    let lines = probe(
        path,
        &["-show_data_hash", "sha256", "-show_entries", "packet=pts,dts,duration,size,flags,data_hash"],
    );
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
    let lines = probe(path, &["-show_entries", "stream:stream_tags=language"]);
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
    let (track, samples) = video(directory.path(), "25", 320, 180);
    assert_eq!(samples.len() as u64, SECONDS * 25);
    assert_eq!(samples.iter().filter(|sample| sample.sync).count(), 5);
    let path = mux(directory.path(), &grid("25"), &track, &samples);
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
fn ffprobe_reads_the_hevc_that_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let (track, samples) = hevc(directory.path(), "25", 320, 180);
    assert_eq!(samples.len() as u64, SECONDS * 25);
    assert_eq!(samples.iter().filter(|sample| sample.sync).count(), 5);
    let path = mux(directory.path(), &grid("25"), &track, &samples);
    assert_packets(&path, &samples);
    // Main profile and tier, level 2.
    assert_eq!(track.rfc6381(), "hvc1.1.6.L60.90");
    assert_stream(
        &path,
        &[
            "codec_name=hevc",
            "profile=Main",
            "level=60",
            "codec_tag_string=hvc1",
            "width=320",
            "height=180",
            "time_base=1/25000",
            "r_frame_rate=25/1",
        ],
    );
    assert_decodes(&path);
}

#[test]
fn ffprobe_reads_the_audio_that_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let (track, samples) = audio(directory.path(), "25");
    assert!(samples.len() as u64 >= SECONDS * 48_000 / 1024);
    let path = mux(directory.path(), &grid("25"), &track, &samples);
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
    let (track, mut samples) = video(directory.path(), "25", 320, 180);
    for (index, sample) in samples.iter_mut().enumerate() {
        sample.composition_offset = [1000, 3000, 1000, 0][index % 4];
    }
    let path = mux(directory.path(), &grid("25"), &track, &samples);
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
    let hevc = [
        "testsrc2=size=320x180:rate=25",
        "-c:v",
        "libx265",
        "-x265-params",
        "bframes=0:log-level=none",
        "-tag:v",
        "hvc1",
        "-pix_fmt",
        "yuv420p",
    ];
    let audio = ["sine=frequency=440:sample_rate=48000", "-c:a", "aac"];
    for (name, codec) in [("video.mp4", &video[..]), ("hevc.mp4", &hevc), ("audio.mp4", &audio)] {
        let path = directory.path().join(name);
        run("ffmpeg", &[&head, codec, &tail, &[path.to_str().unwrap()]].concat());
        let file = Bytes::from(fs::read(&path).unwrap());
        let track = read_init(&file).unwrap().tracks.remove(0);
        match &track.codec {
            InitCodec::H264 { width, height, .. } | InitCodec::H265 { width, height, .. } => {
                assert_eq!((*width, *height), (320, 180))
            }
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
