//! Movies: what ffmpeg decodes of one is what it decodes of the stream, from the first frame of the range to the last.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use media::{Grid, Sample, Track};
use riser_cmaf::{
    Error,
    movie::{self, Builder, Head, Movie},
};

use crate::{
    encoded::{SEGMENT, audio, chunks, grid, mux, video},
    probe, run,
};

/// What a store would hold, and what decoding it gives.
struct Recording {
    directory: tempfile::TempDir,
    grid: Grid,
    /// Pictures, sound.
    tracks: [movie::Track; 2],
    /// By segment, then track: configuration and chunks.
    segments: BTreeMap<(u64, usize), (usize, Vec<Bytes>)>,
    /// Decode time and MD5 of each picture.
    frames: Vec<(u64, String)>,
    /// Decode time of the first sound frame.
    sound_start: u64,
    /// All of the sound, decoded: 16 bits a sample.
    sound: Vec<i16>,
}

impl Recording {
    fn new(rate: &str) -> Self {
        let (directory, grid) = (tempfile::tempdir().unwrap(), grid(rate));
        let (pictures, video_samples) = video(directory.path(), rate, 320, 180);
        let (sound, audio_samples) = audio(directory.path(), rate);
        let path = mux(directory.path(), &grid, &sound, &audio_samples);
        let mut recording = Self {
            sound: decode_sound(&path),
            directory,
            grid,
            tracks: [movie::Track { tracks: vec![] }, movie::Track { tracks: vec![] }],
            segments: BTreeMap::new(),
            frames: Vec::new(),
            sound_start: audio_samples[0].decode_time,
        };
        recording.keep(1, sound, &audio_samples);
        recording.keep_pictures(pictures, &video_samples);
        recording
    }

    fn keep(&mut self, track: usize, config: Track, samples: &[Sample]) {
        let index = self.tracks[track].tracks.len();
        self.tracks[track].tracks.push(config.clone());
        for (segment, chunk) in chunks(&self.grid, &config, samples) {
            self.segments.entry((segment, track)).or_insert_with(|| (index, Vec::new())).1.push(chunk);
        }
    }

    fn keep_pictures(&mut self, config: Track, samples: &[Sample]) {
        let path = mux(self.directory.path(), &self.grid, &config, samples);
        let decoded = frame_md5s(&path, &[]);
        assert_eq!(decoded.len(), samples.len());
        self.frames.extend(samples.iter().map(|sample| sample.decode_time).zip(decoded));
        self.keep(0, config, samples);
    }

    /// Nanoseconds since the epoch of a frame of the recording.
    fn at(&self, frame: u64) -> u64 {
        media::nanos(self.tick(frame), self.grid.rate.timescale())
    }

    /// The same in ticks of the pictures.
    fn tick(&self, frame: u64) -> u64 {
        let begins = self.grid.segment_line(SEGMENT, self.grid.rate.timescale());
        begins + frame * u64::from(self.grid.rate.frame_duration())
    }

    fn movie(&self, from: u64, to: u64) -> Movie {
        let mut builder = Builder::new(self.tracks.to_vec(), self.at(from), self.at(to)).unwrap();
        let first = SEGMENT + from / u64::from(self.grid.frames_per_segment());
        // Sound from the segment before on.
        for ((segment, track), (config, chunks)) in self.segments.range((first - 1, 1)..) {
            let heads: Vec<Head> = chunks.iter().map(head).collect();
            builder.add(*track, *config, *segment, &heads).unwrap();
        }
        builder.finish().unwrap()
    }

    fn write(&self, movie: &Movie) -> PathBuf {
        let mut file = movie.head.to_vec();
        for piece in &movie.pieces {
            assert_eq!(piece.offset, file.len() as u64);
            let (_, chunks) = &self.segments[&(piece.segment, usize::from(piece.track))];
            let payload: Vec<u8> = chunks.iter().flat_map(|chunk| movie::payload(chunk).unwrap()).collect();
            file.extend_from_slice(&payload[..piece.len as usize]);
        }
        assert_eq!(movie.size, file.len() as u64);
        let path = self.directory.path().join("movie.mp4");
        fs::write(&path, file).unwrap();
        path
    }

    /// Makes the movie from one frame to another and checks all that can be seen and heard of it.
    fn assert_movie(&self, from: u64, to: u64) -> PathBuf {
        let path = self.write(&self.movie(from, to));
        self.assert_length(&path, to - from);
        self.assert_pictures(&path, from, to);
        self.assert_sound(&path, from, to);
        path
    }

    fn assert_length(&self, path: &Path, frames: u64) {
        let ticks = frames * u64::from(self.grid.rate.frame_duration());
        let micros = (media::nanos(ticks, self.grid.rate.timescale()) + 500) / 1000;
        let seconds = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        let shown =
            probe(path, &["-show_entries", "format=duration,start_time:stream=start_time,duration_ts"]);
        assert!(shown.contains(&format!("duration={seconds}")), "not {seconds}: {shown:?}");
        assert_eq!(shown.iter().filter(|line| *line == "start_time=0.000000").count(), 3, "{shown:?}");
    }

    fn assert_pictures(&self, path: &Path, from: u64, to: u64) {
        let begins = self.tick(from);
        let range = begins..self.tick(to);
        let expected: Vec<_> = self.frames.iter().filter(|(at, _)| range.contains(at)).collect();
        let count = ["-count_frames", "-select_streams", "v", "-show_entries", "stream=nb_read_frames"];
        assert_eq!(probe(path, &count), [format!("nb_read_frames={}", expected.len())]);
        let times: Vec<u64> = expected.iter().map(|(at, _)| at - begins).collect();
        assert_eq!(frame_times(path, "v"), times);
        let hashes: Vec<&String> = expected.iter().map(|(_, hash)| hash).collect();
        assert!(frame_md5s(path, &[]).iter().eq(hashes), "the pictures are others");
    }

    /// The sound begins with the pictures, sample for sample, and ends with them within its last frame, which ffmpeg
    /// decodes whole. The decoder's first two frames, which lack what was before them, are not looked at.
    fn assert_sound(&self, path: &Path, from: u64, to: u64) {
        let tick = |frame| media::ticks(self.at(frame), 48_000) as i64 - self.sound_start as i64;
        let (from, to) = (tick(from).max(0) as usize, tick(to) as usize);
        let (found, expected) = (decode_sound(path), &self.sound[from..to]);
        let more = found.len().checked_sub(expected.len());
        assert!(more.is_some_and(|more| more < 1024), "{} samples, not {}", found.len(), expected.len());
        assert!(found[2048..expected.len()] == expected[2048..], "the sound is not in step");
    }

    /// Loses a segment on some tracks.
    fn lose(&mut self, segment: u64, tracks: &[usize]) {
        for track in tracks {
            self.segments.remove(&(SEGMENT + segment, *track)).unwrap();
        }
        if tracks.contains(&0) {
            let line = |segment| self.grid.segment_line(SEGMENT + segment, self.grid.rate.timescale());
            let lost = line(segment)..line(segment + 1);
            self.frames.retain(|(at, _)| !lost.contains(at));
        }
    }
}

/// The head of a chunk, as a reader that begins with few bytes gets it.
fn head(chunk: &Bytes) -> Head {
    let mut len = 64;
    loop {
        match movie::head(&chunk[..len], chunk.len()) {
            Err(Error::ReadHead { needed }) if needed > len => len = needed,
            head => return head.unwrap(),
        }
    }
}

/// The MD5 of every picture, each in its own size.
fn frame_md5s(path: &Path, input: &[&str]) -> Vec<String> {
    let path = ["-i", path.to_str().unwrap(), "-map", "0:v", "-autoscale", "0", "-fps_mode", "passthrough"];
    let (out, err) = run("ffmpeg", &[&["-v", "warning"], input, &path, &["-f", "framemd5", "-"]].concat());
    assert_eq!(err, "", "ffmpeg complains");
    let hashes = out.lines().filter(|line| !line.starts_with('#'));
    hashes.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

/// When frames are presented, in ticks of their track.
fn frame_times(path: &Path, kind: &str) -> Vec<u64> {
    let lines = probe(path, &["-select_streams", kind, "-show_entries", "frame=pts"]);
    let times = lines.iter().filter_map(|line| line.strip_prefix("pts="));
    times.map(|time| time.parse().unwrap()).collect()
}

fn decode_sound(path: &Path) -> Vec<i16> {
    let (path, out) = (path.to_str().unwrap(), path.with_extension("pcm"));
    run("ffmpeg", &["-v", "error", "-y", "-i", path, "-map", "0:a", "-f", "s16le", out.to_str().unwrap()]);
    let bytes = fs::read(out).unwrap();
    bytes.chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]])).collect()
}

#[test]
fn a_movie_begins_and_ends_within_a_group_of_pictures() {
    let recording = Recording::new("25");
    let path = recording.assert_movie(57, 143);
    // The file holds more, from the key frame before the range; only the edit list hides it.
    assert_eq!(frame_md5s(&path, &["-ignore_editlist", "1"]).len(), 143 - 40);
    recording.assert_movie(80, 120);
    recording.assert_movie(40, 41 + 7);
}

#[test]
fn ntsc_rates_are_exact() {
    let recording = Recording::new("30000/1001");
    recording.assert_movie(61, 200);
    recording.assert_movie(48, 144);
}

#[test]
fn a_hole_keeps_sound_and_pictures_together() {
    let mut recording = Recording::new("25");
    recording.lose(2, &[0, 1]);
    let path = recording.write(&recording.movie(57, 143));
    recording.assert_length(&path, 143 - 57);
    // Also that each picture behind the hole has its own time.
    recording.assert_pictures(&path, 57, 143);
    let behind = media::ticks(recording.at(120) - recording.at(57), 48_000);
    let sound = frame_times(&path, "a");
    assert!(sound.contains(&behind), "the sound goes on at {behind}: {sound:?}");
    assert!(!sound.iter().any(|at| (behind - 1024 * 74..behind).contains(at)), "nothing sounds in the hole");
    // The sound around it is as it was; again the first frames behind the hole lack what was before them.
    let (found, begins) = (decode_sound(&path), (recording.at(57), recording.at(80)));
    let before = media::ticks(begins.1 - begins.0, 48_000) as usize;
    let at = |frame| (media::ticks(recording.at(frame), 48_000) - recording.sound_start) as usize;
    assert!(found[2048..before] == recording.sound[at(57)..][2048..before]);
    let len = at(143) - at(120);
    assert!(found[before..][2048..len] == recording.sound[at(120)..][2048..len]);
}

#[test]
fn pictures_may_be_missing_where_there_is_sound() {
    let mut recording = Recording::new("25");
    recording.lose(2, &[0]);
    recording.assert_movie(57, 143);
}

#[test]
fn pictures_that_begin_late_have_their_time() {
    let mut recording = Recording::new("25");
    let begins = recording.at(20);
    recording.lose(0, &[0]);
    let late = recording.frames[0].0 - media::ticks(begins, 25_000);
    let to = begins + 2 * media::NANOS;
    let mut builder = Builder::new(recording.tracks.to_vec(), begins, to).unwrap();
    for ((segment, track), (config, chunks)) in &recording.segments {
        builder.add(*track, *config, *segment, &chunks.iter().map(head).collect::<Vec<_>>()).unwrap();
    }
    let path = recording.write(&builder.finish().unwrap());
    let times = frame_times(&path, "v");
    assert_eq!((times[0], times.len()), (late, 50 - 20));
    assert_eq!(frame_times(&path, "a")[0], 0);
}

#[test]
fn another_picture_size_in_the_middle_has_its_own_configuration() {
    let mut recording = Recording::new("25");
    let (pictures, samples) = video(recording.directory.path(), "25", 640, 360);
    let line = recording.grid.segment_line(SEGMENT + 2, 25_000);
    recording.frames.retain(|(at, _)| *at < line);
    recording.segments.retain(|(segment, track), _| *segment < SEGMENT + 2 || *track == 1);
    let samples: Vec<Sample> = samples.into_iter().filter(|sample| sample.decode_time >= line).collect();
    recording.keep_pictures(pictures, &samples);
    let movie = recording.movie(57, 143);
    let entries = movie.head.windows(4).filter(|window| window == b"avc1").count();
    assert_eq!(entries, 1 + 2, "one brand, two sample entries");
    recording.assert_movie(57, 143);
}
