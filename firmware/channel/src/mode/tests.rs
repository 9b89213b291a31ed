use super::*;

const USB2: Port = Some(480);
const USB3: Port = Some(5000);

fn rate(frames: u32) -> FrameRate {
    FrameRate::new(frames, 1).unwrap()
}

/// `MJPG 1920x1080 30`.
fn mode(text: &str) -> Mode {
    let words: Vec<_> = text.split(' ').collect();
    let (width, height) = words[1].split_once('x').unwrap();
    Mode {
        coding: words[0].to_owned(),
        width: width.parse().unwrap(),
        height: height.parse().unwrap(),
        rate: rate(words[2].parse().unwrap()),
    }
}

/// A webcam as there are many.
const WEBCAM: &[&str] = &[
    "YUYV 1920x1080 5",
    "YUYV 1280x720 10",
    "YUYV 640x480 30",
    "MJPG 3840x2160 30",
    "MJPG 1920x1080 30",
    "MJPG 1280x720 60",
    "H264 1920x1080 30",
];
/// A grabber on a fast port.
const GRABBER: &[&str] =
    &["NV12 1920x1080 60", "YUYV 1920x1080 60", "MJPG 1920x1080 60", "NV12 3840x2160 30", "NV12 1280x720 60"];
/// One that offers raw what no port of USB 2 carries.
const BOASTER: &[&str] = &["YUYV 1920x1080 60", "YUYV 1920x1080 5", "MJPG 1920x1080 60"];
/// A camera that compresses by itself.
const ENCODER: &[&str] = &["H264 1920x1080 60", "HEVC 1920x1080 60", "HEVC 3840x2160 60"];

fn lines(lines: u16) -> Wanted {
    Wanted { lines: Some(lines), ..Wanted::default() }
}

fn at(frames: u32) -> Wanted {
    Wanted { rate: Some(rate(frames)), ..Wanted::default() }
}

fn sized(width: u16, height: u16) -> Wanted {
    Wanted { size: Some((width, height)), ..Wanted::default() }
}

/// What is offered, what is wanted, over which port; the mode chosen and why.
type Case<'a> = (&'a [&'a str], Wanted, Port, &'a str, &'a str);

#[test]
fn what_is_chosen_and_why() {
    let any = Wanted::default();
    let table: &[Case<'_>] = &[
        (WEBCAM, any, USB2, "MJPG 1920x1080 30", "1080p30 as MJPEG; raw would be 1080p5 on a USB 2 port"),
        (WEBCAM, any, None, "MJPG 1920x1080 30", "1080p30 as MJPEG; raw would be 1080p5"),
        // A ladder of 720 lines has no use for more, but for the higher rate.
        (
            WEBCAM,
            lines(720),
            USB2,
            "MJPG 1280x720 60",
            "720p60 as MJPEG; raw would be 720p10 on a USB 2 port",
        ),
        (
            WEBCAM,
            lines(360),
            USB2,
            "MJPG 1280x720 60",
            "720p60 as MJPEG; raw would be 720p10 on a USB 2 port",
        ),
        (WEBCAM, Wanted { rate: at(30).rate, ..lines(360) }, USB2, "YUYV 640x480 30", "640x480p30 raw"),
        (WEBCAM, lines(2160), USB2, "MJPG 3840x2160 30", "USB 2 port: 2160p30 only as MJPEG"),
        (WEBCAM, at(60), USB2, "MJPG 1280x720 60", "720p60 as MJPEG; raw would be 720p10 on a USB 2 port"),
        // Every second picture of 60 a second is a clean 30.
        (&["MJPG 1280x720 60", "MJPG 1280x720 50"], at(30), None, "MJPG 1280x720 60", "720p60 only as MJPEG"),
        (&["YUYV 1280x720 30", "YUYV 1280x720 50"], at(25), USB3, "YUYV 1280x720 50", "720p50 raw"),
        (WEBCAM, sized(640, 480), USB2, "YUYV 640x480 30", "640x480p30 raw"),
        (
            &["MJPG 1280x720 30", "H264 1280x720 30"],
            Wanted { rate: at(60).rate, ..lines(1080) },
            USB2,
            "MJPG 1280x720 30",
            "USB 2 port: 720p30 only as MJPEG; the channel asks for 1080p60",
        ),
        (
            &["YUYV 640x480 30"],
            at(50),
            USB2,
            "YUYV 640x480 30",
            "640x480p30 raw; the channel asks for 50 frames/s",
        ),
        (
            &["YUYV 640x480 30"],
            sized(1280, 720),
            None,
            "YUYV 640x480 30",
            "640x480p30 raw; the channel asks for 720p",
        ),
        (GRABBER, any, USB3, "NV12 1920x1080 60", "1080p60 raw"),
        (GRABBER, any, USB2, "MJPG 1920x1080 60", "1080p60 as MJPEG; raw is more than a USB 2 port carries"),
        (GRABBER, lines(2160), None, "NV12 3840x2160 30", "2160p30 raw"),
        (BOASTER, any, USB2, "MJPG 1920x1080 60", "1080p60 as MJPEG; raw would be 1080p5 on a USB 2 port"),
        (BOASTER, any, USB3, "YUYV 1920x1080 60", "1080p60 raw"),
        (ENCODER, any, USB2, "H264 1920x1080 60", "USB 2 port: 1080p60 only as H.264"),
        (ENCODER, lines(2160), USB2, "HEVC 3840x2160 60", "USB 2 port: 2160p60 only as HEVC"),
        (&["MJPG 1280x720 30", "YUYV 1280x720 30"], any, None, "YUYV 1280x720 30", "720p30 raw"),
        // Jerky pictures of the right size are worse than fluent ones of another.
        (&["YUYV 1920x1080 5", "MJPG 3840x2160 30"], any, None, "MJPG 3840x2160 30", "2160p30 only as MJPEG"),
        (&["MJPG 1280x720 120", "MJPG 1280x720 60"], any, None, "MJPG 1280x720 60", "720p60 only as MJPEG"),
        (&["MJPG 1280x720 120", "MJPG 1280x720 30"], any, None, "MJPG 1280x720 120", "720p120 only as MJPEG"),
        // What a port cannot carry is better than nothing: the camera may know it better.
        (&["YUYV 1920x1080 60"], any, USB2, "YUYV 1920x1080 60", "1080p60 raw"),
        (&["GREY 1920x1080 60", "YUYV 320x240 15"], any, USB2, "YUYV 320x240 15", "320x240p15 raw"),
    ];
    for (offered, wanted, port, chosen, why) in table {
        let offered: Vec<_> = offered.iter().map(|text| mode(text)).collect();
        let choice = choose(&offered, *wanted, *port).unwrap();
        assert_eq!(
            (choice.mode, choice.why.as_str()),
            (mode(chosen), *why),
            "{offered:?} {wanted:?} {port:?}"
        );
    }
    assert_eq!(choose(&[], any, None), None);
    assert_eq!(choose(&[mode("GREY 640x480 30")], any, None), None);
}

#[test]
fn the_order_of_what_is_offered_does_not_matter() {
    for offered in [WEBCAM, GRABBER, BOASTER, ENCODER] {
        let mut offered: Vec<_> = offered.iter().map(|text| mode(text)).collect();
        let first = choose(&offered, Wanted::default(), USB2);
        for _ in 0..offered.len() {
            offered.rotate_left(1);
            assert_eq!(choose(&offered, Wanted::default(), USB2), first);
        }
    }
}

#[test]
fn rates_of_television_are_named_as_usual() {
    let offered = [Mode { rate: FrameRate::new(30_000, 1001).unwrap(), ..mode("MJPG 1920x1080 30") }];
    let choice = choose(&offered, Wanted::default(), USB2).unwrap();
    assert_eq!(choice.why, "USB 2 port: 1080p29.97 only as MJPEG");
}

#[test]
fn of_a_range_the_common_and_the_wished_sizes_are_taken() {
    let range = |widths, heights, step| Sizes { widths: (widths, step), heights: (heights, step) };
    let any = Wanted::default();
    let scaler = range(320..=1920, 180..=1080, 2);
    assert_eq!(scaler.common(any, None).last(), Some(&(1920, 1080)));
    assert!(!scaler.common(any, None).contains(&(3840, 2160)));
    assert!(scaler.common(sized(1024, 576), None).contains(&(1024, 576)));
    assert!(scaler.common(lines(450), None).contains(&(800, 450)));
    assert!(scaler.common(any, Some((720, 576))).contains(&(720, 576)), "the signal's own");
    assert!(!scaler.common(sized(1023, 575), None).contains(&(1023, 575)), "not in its steps");
    assert_eq!(range(100..=200, 50..=90, 10).common(any, None), [(200, 90)]);
    assert!(range(1..=4096, 1..=4096, 0).common(any, None).contains(&(3840, 2160)), "any will do");
}

#[test]
fn of_a_range_the_common_and_the_wished_rates_are_taken() {
    let range = |shortest, longest| Intervals { shortest, longest };
    let any = Wanted::default();
    let frames = |rates: Vec<FrameRate>| rates.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(frames(range((1, 60), (1, 24)).common(any)), "24 25 30 50 60 30000/1001 60000/1001");
    assert_eq!(frames(range((1, 30), (1, 30)).common(any)), "30");
    assert_eq!(frames(range((1, 9), (1, 1)).common(any)), "9");
    assert!(range((1, 60), (1, 1)).common(at(12)).contains(&rate(12)));
    assert!(!range((1, 30), (1, 1)).common(at(60)).contains(&rate(60)));
}
