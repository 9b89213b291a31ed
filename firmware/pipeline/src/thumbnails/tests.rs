use riser_pipeline::picture::{Colour, Picture, Size};

use super::{
    sheet::{Plan, Sheet},
    wire::{MAX_PICTURE, read_picture},
    *,
};

fn size(width: usize, height: usize) -> Size {
    Size { width, height }
}

#[test]
fn tiles_have_the_first_pictures_shape_and_even_sides() {
    for (width, picture, want) in [
        (160, size(1920, 1080), size(160, 90)),
        (161, size(1280, 720), size(160, 90)),
        (160, size(854, 480), size(160, 90)),
        (120, size(1920, 1080), size(120, 68)),
        (160, size(1080, 1920), size(160, 284)),
        (2, size(1920, 8), size(2, 2)),
    ] {
        assert_eq!(Plan::new(10, 10, width).unwrap().tile(picture).unwrap(), want, "{picture:?}");
    }
}

#[test]
fn sheets_are_bounded() {
    for (columns, rows, width) in [(10, 10, 1), (65_535, 65_535, 65_535), (128, 1, 130), (1, 8193, 2)] {
        assert!(
            matches!(Plan::new(columns, rows, width), Err(Error::Plan { .. })),
            "{columns} {rows} {width}"
        );
    }
    let plan = Plan::new(10, 10, 480).unwrap();
    assert_eq!(plan.tile(size(1920, 1080)).unwrap(), size(480, 270));
    for picture in [size(1080, 1920), size(2, 16_384)] {
        assert!(matches!(plan.tile(picture), Err(Error::Plan { .. })), "{picture:?}");
    }
}

#[test]
fn tiles_follow_each_other_along_the_rows_and_the_rest_is_black() {
    let (plan, tile) = (Plan::new(3, 2, 4).unwrap(), size(4, 2));
    let mut sheet = Sheet::new(plan, tile);
    for round in [5, 2] {
        assert!(sheet.is_empty());
        for n in 0..round {
            let mut picture = Picture::black(tile);
            let colour = Colour { y: 100 + n, u: 50 + n, v: 200 + n };
            let bounds = picture.view_mut().bounds();
            picture.view_mut().fill(bounds, colour);
            sheet.put(&picture.view());
        }
        let (view, used) = sheet.used();
        assert_eq!(used, size(12, if round > 3 { 4 } else { 2 }));
        for n in 0..6 {
            let shows = |plane: usize, black, first| {
                let shift = usize::from(plane > 0);
                let (left, top) = ((usize::from(n % 3) * 4) >> shift, (usize::from(n / 3) * 2) >> shift);
                let want = if n < round { first + n } else { black };
                (top..top + (2 >> shift)).all(|y| {
                    view.planes()[plane].row(y)[left..left + (4 >> shift)].iter().all(|&s| s == want)
                })
            };
            assert!(shows(0, 16, 100) && shows(1, 128, 50) && shows(2, 128, 200), "tile {n} of {round}");
        }
        sheet.clear();
    }
}

#[test]
fn the_input_ends_only_between_pictures() {
    let mut input: &[u8] = &[0, 0, 0, 2, 7, 8, 0, 0, 0, 0];
    assert_eq!(read_picture(&mut input).unwrap(), Some(vec![7, 8]));
    assert_eq!(read_picture(&mut input).unwrap(), Some(vec![]));
    assert_eq!(read_picture(&mut input).unwrap(), None);
    for broken in [&[0, 0, 0][..], &[0, 0, 0, 2, 7]] {
        assert!(matches!(read_picture(&mut &*broken), Err(Error::Read(_))));
    }
    let long = u32::try_from(MAX_PICTURE + 1).unwrap().to_be_bytes();
    assert!(matches!(read_picture(&mut &long[..]), Err(Error::Length(_))));
}

#[test]
fn colours_are_converted_to_within_a_level() {
    // Black, white, some green, and pure red, green and blue, worked out by both standards.
    for ([y, u, v], want) in [
        ([16, 128, 128], [0, 128, 128]),
        ([235, 128, 128], [255, 128, 128]),
        ([145, 76, 55], [128, 78, 51]),
        ([63, 102, 240], [76, 85, 255]),
        ([173, 42, 26], [150, 44, 21]),
        ([32, 240, 118], [29, 255, 107]),
    ] {
        let mut from = Picture::black(size(4, 4));
        let bounds = from.view_mut().bounds();
        from.view_mut().fill(bounds, Colour { y, u, v });
        let mut to = Picture::black(size(2, 2));
        jfif::convert(&from.view(), &mut to.view_mut());
        let is = to.view().planes().map(|plane| plane.row(0)[0]);
        assert!(is.iter().zip(want).all(|(is, want)| is.abs_diff(want) <= 1), "{is:?}, not {want:?}");
    }
}
