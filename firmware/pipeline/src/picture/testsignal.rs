//! The test signal: a picture whose every frame tells when it was made and on which box.
//!
//! Frame, size, rate and name give the picture and nothing else does, so two boxes draw the same one. In step with
//! [`crate::tone`] it flashes for the first tenth of every UTC second, while the ball touches the ground.

use media::FrameRate;

use super::{Colour, Picture, PlaneMut, Rect, Size, ViewMut, font, strip};

/// 75 % colour bars of ITU-R BT.471 in the levels of BT.709.
const BARS: [Colour; 7] = bars([
    (180, 128, 128),
    (168, 44, 136),
    (145, 147, 44),
    (133, 63, 52),
    (63, 193, 204),
    (51, 109, 212),
    (28, 212, 120),
]);
const PANEL: Colour = Colour::grey(22);
const FRAME: Colour = Colour::grey(70);
const LANE: Colour = Colour::grey(34);
const BRIGHT: u8 = 235;
const SOFT: u8 = 200;
const DIM: u8 = 140;

/// Draws the test signal of one size, rate and name.
#[derive(Debug)]
pub struct TestSignal {
    rate: FrameRate,
    plan: Plan,
    /// All that does not move.
    base: Picture,
}

impl TestSignal {
    /// Draws what does not move: colour bars, ramp, panel and `name`.
    #[must_use]
    pub fn new(size: Size, rate: FrameRate, name: &str) -> Self {
        let plan = Plan::new(size, rate);
        let mut base = Picture::black(size);
        draw_base(&plan, rate, name, &mut base.view_mut());
        Self { rate, plan, base }
    }

    /// Draws frame `frame`, counted from the Unix epoch, over all of `out`, which has the size given to [`new`](Self::new).
    pub fn draw(&self, frame: u64, out: &mut ViewMut<'_>) {
        let moment = Moment::of(frame, self.rate);
        let plan = &self.plan;
        out.copy_from(&self.base.view());
        draw_ball(plan, &moment, out);
        draw_lane(plan, &moment, out);
        for corner in plan.corners {
            out.fill(corner, if moment.flash() { Colour::WHITE } else { LANE });
        }
        font::draw(out, plan.clock, plan.clock_scale, &moment.time(plan.frame_digits), BRIGHT);
        let (left, y) = plan.footing;
        font::draw(out, (left, y), plan.text_scale, &moment.date(), SOFT);
        let number = frame.to_string();
        let x = plan.right.saturating_sub(font::width(&number, plan.text_scale));
        font::draw(out, (x, y), plan.text_scale, &number, SOFT);
        strip::draw(frame, out);
    }
}

/// Where things are, in luma samples.
#[derive(Debug)]
struct Plan {
    bars: Rect,
    panel: Rect,
    lane: Rect,
    ramp: Rect,
    /// The squares beside the strip that flash.
    corners: [Rect; 2],
    radius: usize,
    /// Where text in the panel ends.
    right: usize,
    text_scale: usize,
    clock_scale: usize,
    frame_digits: usize,
    heading: (usize, usize),
    clock: (usize, usize),
    footing: (usize, usize),
}

impl Plan {
    fn new(size: Size, rate: FrameRate) -> Self {
        let column = |n: usize| size.width * n / 40;
        let row = |n: usize| size.height * n / 45;
        let rect = |left, top, right, bottom| Rect {
            x: column(left),
            y: row(top),
            width: column(right) - column(left),
            height: row(bottom) - row(top),
        };
        let (left, right) = (column(2), column(38));
        let frame_digits = if rate.num() > 100 * rate.den() { 3 } else { 2 };
        let digits = "00:00:00:".len() + frame_digits;
        let panel = rect(1, 10, 39, 29);
        let widest = (right - left) / (digits * font::ADVANCE - 1);
        let clock_scale = widest.min(panel.height * 2 / 5 / font::ASCENT).max(1);
        let text_scale = (clock_scale / 2).max(1);
        let text = font::ASCENT * text_scale;
        let clock = font::ASCENT * clock_scale;
        let gap = panel.height.saturating_sub(2 * text + clock) / 4;
        let clock_y = panel.y + 2 * gap + text;
        let clock_width = (digits * font::ADVANCE - 1) * clock_scale;
        Self {
            bars: rect(0, 0, 40, 30),
            panel,
            lane: rect(0, 30, 40, 33),
            ramp: rect(0, 33, 40, 37),
            corners: [rect(0, 38, 1, 44), rect(39, 38, 40, 44)],
            radius: size.width.min(size.height) / 28,
            right,
            text_scale,
            clock_scale,
            frame_digits,
            heading: (left, panel.y + gap),
            clock: ((size.width.saturating_sub(clock_width)) / 2, clock_y),
            footing: (left, clock_y + clock + gap),
        }
    }
}

fn draw_base(plan: &Plan, rate: FrameRate, name: &str, out: &mut ViewMut<'_>) {
    let size = out.size();
    for (index, colour) in BARS.into_iter().enumerate() {
        let left = (plan.bars.width * index / BARS.len()) & !1;
        out.fill(Rect { x: left, width: plan.bars.width - left, ..plan.bars }, colour);
    }
    out.fill(plan.lane, LANE);
    let last = plan.ramp.width.saturating_sub(1).max(1);
    for x in 0..plan.ramp.width {
        let level = 16 + (219 * x + last / 2) / last;
        out.fill(Rect { x, width: 1, ..plan.ramp }, Colour::grey(u8::try_from(level).unwrap_or(BRIGHT)));
    }
    out.fill(plan.panel, FRAME);
    let line = (size.height / 180).max(1);
    let inside = Rect {
        x: plan.panel.x + line,
        y: plan.panel.y + line,
        width: plan.panel.width.saturating_sub(2 * line),
        height: plan.panel.height.saturating_sub(2 * line),
    };
    out.planes_mut()[0].fill(inside, PANEL.y);
    draw_heading(plan, rate, name, out);
}

/// The name at the left, size and rate in half its height at the right, on one baseline.
fn draw_heading(plan: &Plan, rate: FrameRate, name: &str, out: &mut ViewMut<'_>) {
    let Size { width, height } = out.size();
    let format = format!("{width}x{height} {rate}/s");
    let scale = (plan.text_scale / 2).max(1);
    let (left, y) = plan.heading;
    let x = plan.right.saturating_sub(font::width(&format, scale));
    let baseline = y + font::ASCENT * (plan.text_scale - scale);
    font::draw(out, (x.max(left), baseline), scale, &format, DIM);
    let room = x.saturating_sub(left + font::ADVANCE * scale);
    let name = font::clip(name, font::columns(room, plan.text_scale));
    font::draw(out, (left, y), plan.text_scale, &name, BRIGHT);
}

/// The lane under the bars: a bar that runs through it once a second over marks at every tenth; white in a flash.
fn draw_lane(plan: &Plan, moment: &Moment, out: &mut ViewMut<'_>) {
    let lane = plan.lane;
    let (ground, bar) = if moment.flash() { (Colour::WHITE, LANE) } else { (LANE, Colour::WHITE) };
    out.fill(lane, ground);
    let luma = &mut out.planes_mut()[0];
    let mark = (lane.width / 320).max(1);
    for tenth in 1..10 {
        let height = lane.height / if tenth == 5 { 1 } else { 2 };
        let x = lane.width * tenth / 10;
        luma.fill(Rect { x, y: lane.bottom() - height, width: mark, height }, DIM);
    }
    let width = (lane.width / 40).max(1);
    luma.fill(Rect { x: moment.part_of(lane.width - width), width, ..lane }, bar.y);
}

/// A ball that goes from side to side in four seconds and touches the panel's upper edge on every whole one.
fn draw_ball(plan: &Plan, moment: &Moment, out: &mut ViewMut<'_>) {
    let radius = plan.radius;
    let ground = plan.panel.y.saturating_sub(radius + 1);
    let rise = ground.saturating_sub(radius + 1);
    let x = radius + moment.swing(plan.bars.width.saturating_sub(2 * radius + 1));
    let y = ground - moment.arc(rise);
    let [luma, u, v] = out.planes_mut();
    disc(luma, (x, y), radius, 16);
    disc(luma, (x, y), radius - radius.div_ceil(6), BRIGHT);
    for chroma in [u, v] {
        disc(chroma, (x / 2, y / 2), radius / 2, 128);
    }
}

fn disc(plane: &mut PlaneMut<'_>, (x, y): (usize, usize), radius: usize, level: u8) {
    for row in y.saturating_sub(radius)..=y + radius {
        let across = row.abs_diff(y);
        let half = (radius * radius + radius).saturating_sub(across * across).isqrt();
        let left = x.saturating_sub(half);
        plane.fill(Rect { x: left, y: row, width: x + half + 1 - left, height: 1 }, level);
    }
}

/// When a frame is due: the second of UTC, and how far into it.
#[derive(Debug)]
struct Moment {
    /// Seconds since the Unix epoch.
    second: u64,
    /// Frames since the first one of this second.
    frame: u64,
    /// Time since the second began, in `unit`ths of a second.
    since: u128,
    unit: u128,
}

impl Moment {
    fn of(frame: u64, rate: FrameRate) -> Self {
        let (num, den) = (u128::from(rate.num()), u128::from(rate.den()));
        let time = u128::from(frame) * den;
        let since = time % num;
        let second = u64::try_from(time / num).unwrap_or(u64::MAX);
        Self { second, frame: u64::try_from(since / den).unwrap_or(0), since, unit: num }
    }

    /// Whether the picture flashes: in the first tenth of a second.
    fn flash(&self) -> bool {
        10 * self.since < self.unit
    }

    /// 0 at the start of a second, `length` at its end.
    fn part_of(&self, length: usize) -> usize {
        self.scaled(length, self.since, self.unit)
    }

    /// 0 to `length` in two seconds and back in two.
    fn swing(&self, length: usize) -> usize {
        let at = u128::from(self.second % 4) * self.unit + self.since;
        self.scaled(length, at.min(4 * self.unit - at), 2 * self.unit)
    }

    /// 0 at both ends of a second, `height` in the middle, a parabola between.
    fn arc(&self, height: usize) -> usize {
        self.scaled(height, 4 * self.since * (self.unit - self.since), self.unit * self.unit)
    }

    fn scaled(&self, length: usize, num: u128, den: u128) -> usize {
        usize::try_from(length as u128 * num / den).unwrap_or(length)
    }

    /// `HH:MM:SS:FF`.
    fn time(&self, frame_digits: usize) -> String {
        let (hours, minutes, seconds) = (self.second / 3600 % 24, self.second / 60 % 60, self.second % 60);
        format!("{hours:02}:{minutes:02}:{seconds:02}:{:0frame_digits$}", self.frame)
    }

    /// `YYYY-MM-DD` in the Gregorian calendar.
    fn date(&self) -> String {
        // Eras of 400 years from 1 March of the year 0: a leap day is the last day of its year.
        let days = self.second / 86_400 + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let (day, month) = (day - (153 * month + 2) / 5 + 1, (month + 2) % 12 + 1);
        let year = 400 * era + year + u64::from(month <= 2);
        format!("{year:04}-{month:02}-{day:02}")
    }
}

const fn bars(levels: [(u8, u8, u8); 7]) -> [Colour; 7] {
    let mut colours = [Colour::BLACK; 7];
    let mut at = 0;
    while at < colours.len() {
        let (y, u, v) = levels[at];
        colours[at] = Colour { y, u, v };
        at += 1;
    }
    colours
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::picture::{View, strip::read_frame_number};

    /// 2026-09-21 14:13:32 UTC.
    const SECOND: u64 = 1_790_000_012;

    fn rate(text: &str) -> FrameRate {
        text.parse().unwrap()
    }

    fn signal(width: usize, height: usize) -> TestSignal {
        TestSignal::new(Size { width, height }, rate("25"), "riser-0a1b2c")
    }

    fn picture(signal: &TestSignal, frame: u64) -> Picture {
        let mut picture = Picture::black(signal.base.view().size());
        signal.draw(frame, &mut picture.view_mut());
        picture
    }

    fn at(view: &View<'_>, x: usize, y: usize) -> Colour {
        let [luma, u, v] = view.planes();
        Colour { y: luma.row(y)[x], u: u.row(y / 2)[x / 2], v: v.row(y / 2)[x / 2] }
    }

    #[test]
    fn bars_are_those_of_the_standard() {
        let picture = picture(&signal(1280, 576), 7);
        for (index, colour) in BARS.into_iter().enumerate() {
            assert_eq!(at(&picture.view(), 1280 * (2 * index + 1) / 14, 2), colour);
        }
    }

    #[test]
    fn two_boxes_draw_the_same_on_whatever_the_buffer_held() {
        let signal = signal(319, 181);
        let mut stale = picture(&signal, 123);
        signal.draw(SECOND * 25, &mut stale.view_mut());
        assert_eq!(stale, picture(&self::signal(319, 181), SECOND * 25));
        let other = TestSignal::new(Size { width: 319, height: 181 }, rate("25"), "riser-2");
        assert_ne!(stale, picture(&other, SECOND * 25));
    }

    #[test]
    fn it_flashes_for_the_first_tenth_of_every_second() {
        for (text, flashing) in [("25", 3), ("30", 3), ("50", 5), ("60", 6)] {
            let signal = TestSignal::new(Size { width: 320, height: 180 }, rate(text), "");
            let frames = u64::from(rate(text).num());
            let first = SECOND * frames;
            let white = |frame: u64| {
                let picture = picture(&signal, frame);
                let view = picture.view();
                let white = |&&level: &&u8| level == BRIGHT;
                let band = view.planes()[0].row(122).iter().filter(white).count();
                let corners = [2, 318].map(|x| at(&view, x, 160).y == BRIGHT);
                assert_eq!(corners, [band > 280; 2], "band and corners together");
                assert!(!(20..=280).contains(&band));
                band > 280
            };
            let flashes: Vec<_> = (first..first + frames).filter(|&frame| white(frame)).collect();
            assert_eq!(flashes, (first..first + flashing).collect::<Vec<_>>(), "{text}");
        }
    }

    #[test]
    fn neighbouring_frames_differ_in_lane_and_ball() {
        let signal = signal(320, 180);
        for frame in SECOND * 25 + 5..SECOND * 25 + 24 {
            let (before, after) = (picture(&signal, frame), picture(&signal, frame + 1));
            for rows in [0..40, 120..132] {
                let differ = rows
                    .into_iter()
                    .any(|y| before.view().planes()[0].row(y) != after.view().planes()[0].row(y));
                assert!(differ, "frame {frame}");
            }
        }
    }

    #[test]
    fn the_ball_stands_on_the_panel_on_the_second() {
        let signal = signal(320, 180);
        let lowest = |frame| {
            let picture = picture(&signal, frame);
            let view = picture.view();
            (0..40).rev().find(|&y| view.planes()[0].row(y).contains(&BRIGHT))
        };
        assert!(lowest(SECOND * 25) > Some(35));
        assert!(lowest(SECOND * 25 + 12) < Some(20));
    }

    #[test]
    fn date_and_time_are_those_of_utc() {
        for (second, date, time) in [
            (0, "1970-01-01", "00:00:00:00"),
            (951_782_399, "2000-02-28", "23:59:59:00"),
            (951_782_400, "2000-02-29", "00:00:00:00"),
            (SECOND, "2026-09-21", "14:13:32:00"),
            (4_107_542_399, "2100-02-28", "23:59:59:00"),
            (4_107_542_400, "2100-03-01", "00:00:00:00"),
        ] {
            let moment = Moment::of(second * 25, rate("25"));
            assert_eq!((moment.date().as_str(), moment.time(2).as_str()), (date, time));
        }
    }

    #[test]
    fn every_second_counts_its_own_frames() {
        let rate = rate("30000/1001");
        let first = rate.frame_at(SECOND * media::NANOS);
        let times: Vec<_> = (first..first + 70).map(|frame| Moment::of(frame, rate).time(2)).collect();
        for pair in times.windows(2) {
            let (second, frame) = pair[1].rsplit_once(':').unwrap();
            let (before, last) = pair[0].rsplit_once(':').unwrap();
            let (frame, last): (u8, u8) = (frame.parse().unwrap(), last.parse().unwrap());
            let counts_on = second == before && frame == last + 1;
            assert!(counts_on || (second > before && frame == 0 && last >= 28), "{pair:?}");
        }
    }

    proptest! {
        #[test]
        fn any_size_rate_and_frame_gives_a_picture(
            width in 1usize..400,
            height in 1usize..400,
            rate in prop::sample::select(vec!["1", "25", "30000/1001", "120", "240"]),
            frame: u64,
            name in ".{0,40}",
        ) {
            let signal = TestSignal::new(Size { width, height }, rate.parse().unwrap(), &name);
            let picture = picture(&signal, frame);
            let read = read_frame_number(&picture.view());
            if width >= 160 && height >= 90 {
                prop_assert_eq!(read, Some(frame as u32));
            }
        }
    }
}
