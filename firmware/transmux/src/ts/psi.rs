//! Which streams there are: program association and program map (ISO/IEC 13818-1, 2.4.4).

use crc::{CRC_32_MPEG_2, Crc};

use super::packet::Pid;

const PROGRAM: u16 = 1;
const MAP: u16 = 0x1000;
/// Stream types (table 2-34).
const H264: u8 = 0x1b;
const ADTS: u8 = 0x0f;
const METADATA: u8 = 0x15;
/// The descriptor of a language (2.6.18).
const LANGUAGE: u8 = 0x0a;
/// That the program has ID3 tags, and that a stream has them (2.6.58 and 2.6.60; Apple, "Timed Metadata for HTTP Live Streaming").
const POINTER: &[u8] = b"\x25\x0f\xff\xffID3 \xffID3 \x00\x1f\x00\x01";
const TAGS: &[u8] = b"\x26\x0d\xff\xffID3 \xffID3 \x00\x0f";

/// The PIDs of a program's streams.
pub(super) struct Streams {
    pub(super) video: Option<u16>,
    pub(super) audio: Option<u16>,
    pub(super) metadata: Option<u16>,
}

/// Both sections and their packets.
pub(super) struct Tables {
    association: (Pid, Vec<u8>),
    map: (Pid, Vec<u8>),
}

impl Tables {
    /// Of a program with these streams. A language is told where it has three letters (ISO 639-2).
    pub(super) fn new(streams: Streams, language: Option<&str>) -> Self {
        let Streams { video, audio, metadata } = streams;
        let mut association = PROGRAM.to_be_bytes().to_vec();
        association.extend((MAP | 0xe000).to_be_bytes());
        // The clock goes with the pictures.
        let clock = video.or(audio).unwrap_or(0x1fff);
        let mut map = (clock | 0xe000).to_be_bytes().to_vec();
        let program = metadata.map_or(&[][..], |_| POINTER);
        map.extend([0xf0, program.len() as u8]);
        map.extend_from_slice(program);
        if let Some(pid) = video {
            stream(&mut map, H264, pid, &[]);
        }
        if let Some(pid) = audio {
            let language = language.filter(|language| language.len() == 3 && language.is_ascii());
            let descriptor = language.map(|language| [&[LANGUAGE, 4], language.as_bytes(), &[0]].concat());
            stream(&mut map, ADTS, pid, &descriptor.unwrap_or_default());
        }
        if let Some(pid) = metadata {
            stream(&mut map, METADATA, pid, TAGS);
        }
        Self {
            association: (Pid::new(0), section(0, PROGRAM, &association)),
            map: (Pid::new(MAP), section(2, PROGRAM, &map)),
        }
    }

    /// Writes both.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) {
        for (pid, section) in [&mut self.association, &mut self.map] {
            pid.write_section(out, section);
        }
    }
}

fn stream(map: &mut Vec<u8>, kind: u8, pid: u16, descriptors: &[u8]) {
    map.push(kind);
    map.extend((pid | 0xe000).to_be_bytes());
    // The longest has 15 bytes.
    map.extend([0xf0, descriptors.len() as u8]);
    map.extend_from_slice(descriptors);
}

/// The checksum of sections (annex A).
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_MPEG_2);

/// A section, version 0, the only one of its table.
fn section(table: u8, id: u16, body: &[u8]) -> Vec<u8> {
    let mut section = vec![table];
    // Behind the length: id, version, two numbers, the body, the checksum. All of it fits a packet.
    section.extend(((body.len() + 9) as u16 | 0xb000).to_be_bytes());
    section.extend(id.to_be_bytes());
    section.extend([0xc1, 0, 0]);
    section.extend_from_slice(body);
    section.extend(CRC.checksum(&section).to_be_bytes());
    section
}
