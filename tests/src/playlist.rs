//! A viewer's HLS: what a Media Playlist says, and how a delta update is applied.

/// A Media Playlist (RFC 8216bis, 4.4.3).
#[derive(Clone, Debug, Default)]
pub struct Playlist {
    /// As it came.
    pub text: String,
    /// Number of the first segment.
    pub media_sequence: u64,
    /// `EXT-X-DISCONTINUITY-SEQUENCE`.
    pub discontinuity_sequence: u64,
    /// Whole segments, oldest first.
    pub segments: Vec<Segment>,
    /// Addresses of the parts behind the last whole segment.
    pub open: Vec<String>,
    /// The part that comes next.
    pub hint: Option<String>,
    /// Address, last segment and last part of the other renditions.
    pub reports: Vec<(String, u64, u64)>,
    /// `SKIPPED-SEGMENTS`.
    pub skipped: usize,
    /// Nothing will be added.
    pub ended: bool,
}

/// A whole segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    /// Its Media Sequence Number, which is also in its address.
    pub number: u64,
    /// Its address.
    pub uri: String,
    /// `EXTINF` as it is written.
    pub duration: String,
    /// How many `EXT-X-DISCONTINUITY` stand before it.
    pub discontinuities: usize,
    /// `EXT-X-GAP`.
    pub gap: bool,
    /// The init segment in force.
    pub map: String,
    /// Addresses of its parts, where they are listed.
    pub parts: Vec<String>,
    /// `EXT-X-PROGRAM-DATE-TIME`, where it is written.
    pub date: Option<String>,
}

impl Playlist {
    /// Reads a playlist.
    ///
    /// # Panics
    /// Where a line has not the form that RFC 8216bis gives it, or the numbers in the addresses do not follow the
    /// Media Sequence Number.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut playlist = Self { text: text.to_owned(), ..Self::default() };
        assert!(text.starts_with("#EXTM3U\n"), "not a playlist: {text}");
        let mut next = Segment::default();
        for line in text.lines() {
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            match tag {
                "#EXT-X-MEDIA-SEQUENCE" => playlist.media_sequence = number(value),
                "#EXT-X-DISCONTINUITY-SEQUENCE" => playlist.discontinuity_sequence = number(value),
                "#EXT-X-SKIP" => playlist.skipped = number(attribute(value, "SKIPPED-SEGMENTS")) as usize,
                "#EXT-X-DISCONTINUITY" => next.discontinuities += 1,
                "#EXT-X-GAP" => next.gap = true,
                "#EXT-X-MAP" => next.map = attribute(value, "URI").to_owned(),
                "#EXT-X-PROGRAM-DATE-TIME" => next.date = Some(value.to_owned()),
                "#EXT-X-PART" => next.parts.push(attribute(value, "URI").to_owned()),
                "#EXT-X-PRELOAD-HINT" => playlist.hint = Some(attribute(value, "URI").to_owned()),
                "#EXT-X-RENDITION-REPORT" => playlist.reports.push((
                    attribute(value, "URI").to_owned(),
                    number(attribute(value, "LAST-MSN")),
                    number(attribute(value, "LAST-PART")),
                )),
                "#EXTINF" => next.duration = value.trim_end_matches(',').to_owned(),
                "#EXT-X-ENDLIST" => playlist.ended = true,
                _ if line.starts_with('#') || line.is_empty() => {}
                uri => {
                    next.number =
                        playlist.media_sequence + (playlist.skipped + playlist.segments.len()) as u64;
                    assert_eq!(uri, format!("{}.m4s", next.number), "{text}");
                    uri.clone_into(&mut next.uri);
                    let map = next.map.clone();
                    playlist.segments.push(std::mem::take(&mut next));
                    next.map = map;
                }
            }
        }
        playlist.open = next.parts;
        playlist
    }

    /// The number of the last whole segment.
    #[must_use]
    pub fn last_whole(&self) -> Option<u64> {
        self.segments.last().map(|segment| segment.number)
    }

    /// Discontinuities between the segments.
    #[must_use]
    pub fn breaks(&self) -> usize {
        self.segments.iter().map(|segment| segment.discontinuities).sum()
    }

    /// `_HLS_msn` and `_HLS_part` of what comes next, as the preload hint names it.
    ///
    /// # Panics
    /// Where there is no hint.
    #[must_use]
    pub fn next(&self) -> (u64, u64) {
        let hint = self.hint.as_ref().expect("a live playlist has a hint");
        let mut numbers = hint.split('.').map(|piece| piece.parse().unwrap_or(u64::MAX));
        (numbers.next().unwrap_or(u64::MAX), numbers.next().unwrap_or(u64::MAX))
    }

    /// The whole playlist from its predecessor and a delta update (RFC 8216bis, 5.1 and 6.3.7): the skipped segments'
    /// lines are taken from the predecessor.
    ///
    /// # Panics
    /// If `delta` is no delta update, or the predecessor lacks a segment that it skips.
    #[must_use]
    pub fn updated(&self, delta: &str) -> String {
        let skips = Playlist::parse(delta);
        assert!(skips.skipped > 0, "not a delta update: {delta}");
        let stanzas = stanzas(&self.text);
        let first = usize::try_from(skips.media_sequence - self.media_sequence).expect("a small number");
        // What leads the first of them has no address, but it may be the only one to name the init segment.
        let mut lines: Vec<&str> = Vec::new();
        for line in delta.lines() {
            if !line.starts_with("#EXT-X-SKIP") {
                lines.push(line);
                continue;
            }
            for stanza in &stanzas[first..first + skips.skipped] {
                lines.extend(stanza.iter().filter(|line| !line.starts_with("#EXT-X-PART:")));
            }
        }
        lines.join("\n") + "\n"
    }
}

/// The lines of each whole segment, tags and address; the header's are left out.
fn stanzas(text: &str) -> Vec<Vec<&str>> {
    let header = "#EXT-X-INDEPENDENT-SEGMENTS\n";
    let at = text.find(header).map_or(0, |at| at + header.len());
    let mut stanzas = vec![Vec::new()];
    for line in text[at..].lines() {
        if let Some(stanza) = stanzas.last_mut() {
            stanza.push(line);
        }
        if !line.starts_with('#') {
            stanzas.push(Vec::new());
        }
    }
    stanzas.pop();
    stanzas
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

/// The value of an attribute, without quotes.
fn attribute<'a>(list: &'a str, name: &str) -> &'a str {
    let mut pairs = list.split(',').filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).map_or("", |(_, value)| value.trim_matches('"'))
}
