use access::KeyId;
use aes::cipher::BlockCipherEncrypt;
use media::{Codec, Sample};
use proptest::prelude::*;

use super::*;

fn key() -> ContentKey {
    ContentKey::new(KeyId([9; 16]), Key::new([5; 16]), Some([7; 16]))
}

fn sound() -> Track {
    let codec = Codec::Aac { config: Bytes::from_static(&[0x11, 0x90]), sample_rate: 48_000, channels: 2 };
    Track {
        name: "audio".into(),
        timescale: 48_000,
        bitrate: 128_000,
        language: None,
        captions: Vec::new(),
        codec,
    }
}

/// Parameter sets that nothing is known of but their places: ends of slice headers are not reckoned.
fn pictures() -> Track {
    let config =
        [&[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1f, 1, 0, 2, 0x68, 0xeb][..]].concat();
    let codec = Codec::H264 { config: config.into(), width: 64, height: 64, rate: "25".parse().unwrap() };
    Track { name: "720p".into(), timescale: 25_000, codec, ..sound() }
}

fn samples(payload: Vec<Vec<u8>>) -> Vec<Sample> {
    let sample = |(nth, data): (usize, Vec<u8>)| Sample {
        decode_time: 1_000_000 + 1000 * nth as u64,
        duration: 1000,
        composition_offset: 0,
        sync: nth == 0,
        filler: false,
        captured: 0,
        data: data.into(),
    };
    payload.into_iter().enumerate().map(sample).collect()
}

fn unit(head: u8, len: usize) -> Vec<u8> {
    let body: Vec<u8> = (0..len).map(|at| at as u8 ^ 0x5a).collect();
    [&(len as u32 + 1).to_be_bytes()[..], &[head], &body].concat()
}

/// A sample's vector and subsamples.
type Entry = (Vec<u8>, Vec<(u16, u32)>);

/// The entries of a chunk's `senc`, read as the standard says: vectors of `iv` bytes.
fn entries(segment: &[u8], iv: usize, named: bool) -> Vec<Entry> {
    let at = segment.windows(4).position(|kind| kind == b"senc").unwrap() + 8;
    let number = |at: usize, len: usize| {
        segment[at..at + len].iter().fold(0usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let (count, mut at) = (number(at, 4), at + 4);
    let mut found = Vec::new();
    for _ in 0..count {
        let own = segment[at..at + iv].to_vec();
        at += iv;
        let subsamples = if named { number(at, 2) } else { 0 };
        at += if named { 2 } else { 0 };
        let of = |nth: usize| (number(at + 6 * nth, 2) as u16, number(at + 6 * nth + 2, 4) as u32);
        found.push((own, (0..subsamples).map(of).collect()));
        at += 6 * subsamples;
    }
    found
}

fn block(of: &[u8; 16]) -> [u8; 16] {
    let mut block = (*of).into();
    key().key.cipher().encrypt_block(&mut block);
    block.into()
}

/// Undoes `cenc` block by block.
fn undo(iv: &[u8], sample: &mut [u8], subsamples: &[(u16, u32)]) {
    let (high, mut low) = (iv[..8].to_vec(), u64::from_be_bytes(*iv[8..].first_chunk().unwrap()));
    let mut at = 0;
    let all = [(0, sample.len() as u32)];
    let mut stream: Vec<u8> = Vec::new();
    for (clear, encrypted) in if subsamples.is_empty() { &all } else { subsamples } {
        at += usize::from(*clear);
        for byte in &mut sample[at..at + *encrypted as usize] {
            if stream.is_empty() {
                let counter = [&high[..], &low.to_be_bytes()].concat();
                stream = block(counter.first_chunk().unwrap()).to_vec();
                low = low.wrapping_add(1);
            }
            *byte ^= stream.remove(0);
        }
        at += *encrypted as usize;
    }
}

#[test]
fn slices_are_encrypted_and_nothing_else() {
    let track = pictures();
    // A delimiter, a slice of a key picture, captions, a slice that is too short.
    let picture = [unit(9, 1), unit(0x65, 1000), unit(6, 300), unit(0x41, 90)].concat();
    let mut writer = cmaf::ChunkWriter::new(&track, 1);
    let chunk = writer.write(&samples(vec![picture.clone(), picture.clone()]), true, false).unwrap();
    let key = key();
    let cenc = Sealed::new(Scheme::Cenc, &key, &track).segment(chunk.clone()).unwrap().concat();
    let found = entries(&cenc, 16, true);
    // 6 bytes of the delimiter, 4 of a length, 128 of the slice and as many more as make whole blocks of the rest.
    assert_eq!(found[0].1, [(6 + 4 + 128 + 9, 864), (305 + 95, 0)]);
    assert_ne!(found[0].0, found[1].0, "each sample has a vector of its own");
    let cbcs = Sealed::new(Scheme::Cbcs, &key, &track).segment(chunk.clone()).unwrap().concat();
    assert_eq!(entries(&cbcs, 0, true)[1].1, [(6 + 4 + 128, 873), (305 + 95, 0)]);
    let read = cmaf::read_segment(&cbcs).unwrap();
    let sample = &cbcs[read[0].samples[1].payload.clone()];
    let same: Vec<bool> =
        (0..873 / 16).map(|nth| sample[138 + 16 * nth..][..16] == picture[138 + 16 * nth..][..16]).collect();
    assert!(same.iter().enumerate().all(|(nth, same)| *same == (nth % 10 != 0)), "{same:?}");
    let of = Sealed::new(Scheme::Cenc, &key, &track).with_short_ivs();
    assert_eq!(of.plan(0, &picture).unwrap().iv.unwrap()[8..], [0; 8]);
}

#[test]
fn what_is_no_picture_is_refused() {
    let (track, key) = (pictures(), key());
    let sealed = Sealed::new(Scheme::Cenc, &key, &track);
    let refused = sealed.plan(7, &[0, 0, 0, 9, 1]).unwrap_err();
    assert_eq!(refused.to_string(), "track 720p: a picture at 7 is not made of NAL units");
    let many: Vec<u8> = (0..40).flat_map(|_| unit(0x65, 200)).collect();
    assert!(matches!(sealed.plan(0, &many), Err(Error::Slices { most: 39, .. })));
    assert!(sealed.segment(Bytes::from_static(b"nothing")).is_err() && sealed.init(b"nothing", &[]).is_err());
}

#[test]
fn the_same_comes_from_every_box_and_another_key_makes_all_of_it_another() {
    let (track, mut other) = (sound(), key());
    let mut writer = cmaf::ChunkWriter::new(&track, 1);
    let chunk = writer.write(&samples(vec![vec![1; 100], vec![1; 100]]), true, false).unwrap();
    let seal =
        |key: &ContentKey| Sealed::new(Scheme::Cenc, key, &track).segment(chunk.clone()).unwrap().concat();
    assert_eq!(seal(&key()), seal(&key()));
    other.key = Key::new([6; 16]);
    let (own, others) = (entries(&seal(&key()), 16, false), entries(&seal(&other), 16, false));
    let mut vectors: Vec<_> = own.into_iter().chain(others).map(|(iv, _)| iv).collect();
    vectors.sort();
    vectors.dedup();
    assert_eq!(vectors.len(), 4);
}

proptest! {
    #[test]
    fn any_sound_comes_back(payload in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 1..5)) {
        let (track, key) = (sound(), key());
        let mut writer = cmaf::ChunkWriter::new(&track, 1);
        let plain = samples(payload);
        let chunk = writer.write(&plain, true, false).unwrap();
        let sealed = Sealed::new(Scheme::Cenc, &key, &track).segment(chunk.clone()).unwrap().concat();
        let read = cmaf::read_segment(&sealed).unwrap();
        let found = entries(&sealed, 16, false);
        for ((sample, plain), (iv, subsamples)) in read[0].samples.iter().zip(&plain).zip(&found) {
            let mut own = sealed[sample.payload.clone()].to_vec();
            undo(iv, &mut own, subsamples);
            prop_assert_eq!(&own, &plain.data[..]);
            prop_assert_eq!(sample.decode_time, plain.decode_time);
        }
        // Whole blocks in one chain, the rest in the clear.
        let sealed = Sealed::new(Scheme::Cbcs, &key, &track).segment(chunk.clone()).unwrap().concat();
        prop_assert_eq!(sealed.len(), chunk.len());
        let read = cmaf::read_segment(&sealed).unwrap();
        for (sample, plain) in read[0].samples.iter().zip(&plain) {
            let mut before = [7; 16];
            for (own, plain) in sealed[sample.payload.clone()].chunks(16).zip(plain.data.chunks(16)) {
                if plain.len() < 16 {
                    prop_assert_eq!(own, plain);
                    continue;
                }
                let mut wanted = [0; 16];
                wanted.iter_mut().zip(plain).zip(before).for_each(|((out, plain), before)| *out = plain ^ before);
                before = block(&wanted);
                prop_assert_eq!(own, &before[..]);
            }
        }
    }
}
