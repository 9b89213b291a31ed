//! Which pairs of a field are a channel's, and what they say (ANSI/CTA-608-E).

use cea608_types::tables::{Channel as Half, Code, Control};

use crate::Channel;

/// How long after a control code the same one is its repetition: it follows in the next frame. What the way of the pictures adds
/// is allowed for; a code that is said again later is meant again.
const REPETITION: u64 = media::NANOS / 4;

/// What a pair says to the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A control code, or a character of two bytes.
    Control(Code, Control),
    /// The repetition of a control code that has been carried out.
    Again(Control),
    /// Up to two characters of one byte.
    Text([Option<char>; 2]),
}

/// The pairs of a field as one channel hears them.
#[derive(Clone, Debug)]
pub(super) struct Line21 {
    channel: Channel,
    /// The last control code was the channel's: text is too, until another channel or an extended data service begins.
    ours: bool,
    /// The control code that a repetition may follow, and when it came.
    last: Option<([u8; 2], u64)>,
}

impl Line21 {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, ours: false, last: None }
    }

    /// What the pair at this time says. Parity is not looked at: the checksums of the ways here are better, and some
    /// encoders leave it out.
    pub(super) fn hear(&mut self, at: u64, pair: [u8; 2]) -> Option<Said> {
        let pair @ [first, second] = pair.map(|byte| byte & 0x7f);
        match first {
            // Padding may stand between a code and its repetition.
            0 if second == 0 => None,
            0x01..=0x0f => {
                self.last = None;
                // The beginning or end of extended data services; only a control code brings captions back (9).
                self.ours &= !self.channel.in_field_2();
                None
            }
            0x10..=0x1f => self.control(at, pair),
            _ => {
                self.last = None;
                let said = Code::from_data(pair.map(odd_parity)).ok()?.map(|code| code.char());
                (self.ours && said != [None, None]).then_some(Said::Text(said))
            }
        }
    }

    fn control(&mut self, at: u64, pair: [u8; 2]) -> Option<Said> {
        let [code @ Code::Control(control), _] = Code::from_data(pair.map(odd_parity)).ok()? else {
            return None;
        };
        self.ours = (control.channel() == Half::ONE) == self.channel.is_first();
        let last = self.last.replace((pair, at));
        if !self.ours {
            return None;
        }
        if last.is_some_and(|(last, then)| last == pair && at.saturating_sub(then) <= REPETITION) {
            self.last = None;
            return Some(Said::Again(control.code()));
        }
        Some(Said::Control(code, control.code()))
    }
}

/// The byte with the parity that the tables ask for.
fn odd_parity(byte: u8) -> u8 {
    byte | u8::from(byte.count_ones().is_multiple_of(2)) << 7
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: u64 = 33_366_667;
    const RCL: [u8; 2] = [0x14, 0x20];
    const RCL_2: [u8; 2] = [0x1c, 0x20];
    const BS: [u8; 2] = [0x14, 0x21];

    /// What is said by pairs a frame apart.
    fn said(channel: Channel, pairs: &[[u8; 2]]) -> Vec<Said> {
        let mut line21 = Line21::new(channel);
        let hear = |(nth, pair): (u64, &[u8; 2])| line21.hear(nth * FRAME, *pair);
        (0..).zip(pairs).filter_map(hear).collect()
    }

    fn codes(said: &[Said]) -> Vec<Control> {
        said.iter()
            .filter_map(|said| if let Said::Control(_, code) = said { Some(*code) } else { None })
            .collect()
    }

    fn text(said: &[Said]) -> String {
        let text = said.iter().filter_map(|said| if let Said::Text(text) = said { Some(text) } else { None });
        text.flatten().flatten().collect()
    }

    #[test]
    fn doubled_codes_count_once_and_doubled_text_twice() {
        let heard = said(Channel::Cc1, &[RCL, RCL, *b"AA", *b"AA", BS, [0, 0], BS, BS, BS]);
        assert_eq!(codes(&heard), [Control::ResumeCaptionLoading, Control::Backspace, Control::Backspace]);
        assert_eq!(text(&heard), "AAAA");
        let mut line21 = Line21::new(Channel::Cc1);
        let later = [0, 2 * REPETITION].map(|at| line21.hear(at, BS));
        assert!(later.iter().all(|said| matches!(said, Some(Said::Control(..)))), "{later:?}");
    }

    #[test]
    fn text_is_that_of_the_last_code() {
        let pairs = [*b"??", RCL, *b"on", RCL_2, *b"tw", RCL, *b"e!"];
        assert_eq!(text(&said(Channel::Cc1, &pairs)), "one!");
        assert_eq!(text(&said(Channel::Cc2, &pairs)), "tw");
    }

    #[test]
    fn extended_data_services_are_no_captions() {
        let pairs = [[0x15, 0x20], *b"ab", [0x01, 0x03], *b"xy", [0x0f, 0x1d], *b"zz", [0x15, 0x20], *b"cd"];
        assert_eq!(text(&said(Channel::Cc3, &pairs)), "abcd");
        assert_eq!(codes(&said(Channel::Cc3, &pairs)), [Control::ResumeCaptionLoading; 2]);
    }

    #[test]
    fn parity_makes_no_difference() {
        let pairs = [RCL, *b"ab"];
        let marked = pairs.map(|pair| pair.map(|byte| byte | 0x80));
        assert_eq!(said(Channel::Cc1, &pairs), said(Channel::Cc1, &marked));
    }
}
