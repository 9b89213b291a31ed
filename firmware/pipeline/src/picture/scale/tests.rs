use proptest::prelude::*;

use super::*;
use crate::picture::Picture;

fn size(width: usize, height: usize) -> Size {
    Size { width, height }
}

/// A picture whose samples are functions of their plane, column and row.
fn drawn(size: Size, sample: impl Fn(usize, usize, usize) -> u8) -> Picture {
    let mut picture = Picture::black(size);
    for (index, plane) in picture.view_mut().planes_mut().iter_mut().enumerate() {
        for y in 0..plane.size().height {
            let row = plane.row_mut(y).iter_mut();
            row.enumerate().for_each(|(x, to)| *to = sample(index, x, y));
        }
    }
    picture
}

fn scaled(from: &Picture, to: Size) -> Picture {
    let mut picture = drawn(to, |_, x, y| (x * 31 + y * 17) as u8);
    Scaler::new(from.view().size(), to).scale(&from.view(), &mut picture.view_mut());
    picture
}

fn rect(x: usize, y: usize, width: usize, height: usize) -> Rect {
    Rect { x, y, width, height }
}

#[test]
fn pictures_of_another_aspect_are_bordered_on_even_lines() {
    for ((from_width, from_height), (width, height), want) in [
        ((1280, 720), (640, 360), rect(0, 0, 640, 360)),
        ((720, 576), (320, 180), rect(48, 0, 224, 180)),
        ((1280, 720), (640, 480), rect(0, 60, 640, 360)),
        ((1366, 768), (640, 360), rect(0, 0, 640, 360)),
        ((1280, 720), (854, 480), rect(0, 0, 854, 480)),
        ((1080, 1920), (1280, 720), rect(438, 0, 404, 720)),
        ((1920, 800), (1280, 720), rect(0, 94, 1280, 532)),
        ((10_000, 1), (64, 64), rect(0, 30, 64, 2)),
        ((1, 10_000), (63, 63), rect(30, 0, 2, 63)),
        ((1280, 720), (1, 1), rect(0, 0, 1, 1)),
    ] {
        assert_eq!(
            fit(size(from_width, from_height), size(width, height)),
            want,
            "{from_width}x{from_height}"
        );
    }
}

#[test]
fn borders_are_black_and_the_picture_between_them_is_not() {
    let white = drawn(size(640, 360), |plane, _, _| [235, 90, 160][plane]);
    for (to, inner) in [(size(320, 240), rect(0, 30, 320, 180)), (size(401, 181), rect(38, 0, 322, 181))] {
        let picture = scaled(&white, to);
        let inner_chroma = inner.chroma();
        for (index, plane) in picture.view().planes().iter().enumerate() {
            let inner = if index == 0 { inner } else { inner_chroma };
            for y in 0..plane.size().height {
                for (x, &level) in plane.row(y).iter().enumerate() {
                    let inside =
                        (inner.x..inner.right()).contains(&x) && (inner.y..inner.bottom()).contains(&y);
                    let want = if inside { [235, 90, 160][index] } else { [16, 128, 128][index] };
                    assert_eq!(level, want, "{to:?} plane {index} at {x}, {y}");
                }
            }
        }
    }
}

#[test]
fn the_same_size_is_a_copy() {
    let picture = drawn(size(37, 23), |plane, x, y| (plane * 50 + x * 3 + y * 5) as u8);
    assert_eq!(scaled(&picture, size(37, 23)), picture);
}

#[test]
fn rows_wider_than_the_picture_are_scaled_like_packed_ones() {
    let packed = drawn(size(131, 73), |plane, x, y| (plane * 50 + x + y * 2) as u8);
    let strides = [160, 96, 96];
    let padded = packed.view().planes().each_ref().map(|plane| {
        let mut data = vec![0xEE; strides[0] * plane.size().height];
        let stride = if plane.size().width == 131 { strides[0] } else { strides[1] };
        for y in 0..plane.size().height {
            data[y * stride..][..plane.size().width].copy_from_slice(plane.row(y));
        }
        data
    });
    let view = View::new(size(131, 73), padded.each_ref().map(Vec::as_slice), strides).unwrap();
    let to = size(64, 36);
    let (mut y, mut u, mut v) = (vec![9; 80 * 36], vec![9; 40 * 18], vec![9; 40 * 18]);
    let mut out = ViewMut::new(to, [&mut y, &mut u, &mut v], [80, 40, 40]).unwrap();
    Scaler::new(size(131, 73), to).scale(&view, &mut out);
    for (got, want) in out.view().planes().iter().zip(scaled(&packed, to).view().planes()) {
        assert!((0..got.size().height).all(|y| got.row(y) == want.row(y)));
    }
    assert!(y.chunks(80).all(|row| row[64..] == [9; 16]), "padding is left alone");
}

#[test]
fn ramps_keep_their_place() {
    let from = size(1280, 720);
    // Chroma column x lies on luma column 2x, chroma row y between luma rows 2y and 2y + 1.
    let level = |luma_x: f64, luma_y: f64| 20.0 + luma_x * 0.1 + luma_y * 0.1;
    let place = |plane: usize, x: usize, y: usize| match plane {
        0 => (x as f64, y as f64),
        _ => (2.0 * x as f64, 2.0 * y as f64 + 0.5),
    };
    let picture = drawn(from, |plane, x, y| {
        let (x, y) = place(plane, x, y);
        level(x, y).round() as u8
    });
    for to in
        [size(640, 360), size(320, 180), size(854, 480), size(960, 540), size(1920, 1080), size(426, 240)]
    {
        let ratio = (from.width as f64 / to.width as f64, from.height as f64 / to.height as f64);
        let result = scaled(&picture, to);
        for (index, plane) in result.view().planes().iter().enumerate() {
            let Size { width, height } = plane.size();
            for y in 8..height - 8 {
                for x in 8..width - 8 {
                    let (luma_x, luma_y) = place(index, x, y);
                    let want = level((luma_x + 0.5) * ratio.0 - 0.5, (luma_y + 0.5) * ratio.1 - 0.5);
                    let got = f64::from(plane.row(y)[x]);
                    assert!((got - want).abs() < 1.3, "{to:?} plane {index} at {x}, {y}: {got} for {want}");
                }
            }
        }
    }
}

#[test]
fn detail_finer_than_the_result_becomes_grey_and_coarser_stays() {
    let fine = drawn(size(1280, 720), |_, x, y| if (x + y) % 2 == 0 { 16 } else { 235 });
    let coarse = drawn(size(1280, 720), |_, x, _| if x / 32 % 2 == 0 { 16 } else { 235 });
    for to in [size(640, 360), size(320, 180)] {
        let grey = scaled(&fine, to);
        assert!(grey.view().planes()[0].row(50)[8..200].iter().all(|level| (118..=134).contains(level)));
        let bars = scaled(&coarse, to);
        let bar = 32 * to.width / 1280;
        let row = bars.view().planes()[0].row(50);
        assert_eq!((row[bar / 2], row[bar + bar / 2]), (16, 235));
    }
}

#[test]
fn another_size_makes_the_scaler_anew() {
    let first = drawn(size(64, 36), |_, x, y| (x + y) as u8);
    let second = drawn(size(50, 36), |_, x, y| (3 * x + y) as u8);
    let mut scaler = Scaler::new(size(64, 36), size(32, 18));
    for (from, to) in
        [(&first, size(32, 18)), (&second, size(25, 18)), (&second, size(80, 80)), (&first, size(32, 18))]
    {
        let mut out = Picture::black(to);
        scaler.scale(&from.view(), &mut out.view_mut());
        assert_eq!(out, scaled(from, to));
        assert_eq!(scaler.inner(), fit(from.view().size(), to));
    }
}

proptest! {
    #[test]
    fn flat_pictures_stay_flat_at_any_size(
        width in 1usize..200, height in 1usize..200, to_width in 1usize..200, to_height in 1usize..200,
        levels: [u8; 3],
    ) {
        let result = scaled(&drawn(size(width, height), |plane, _, _| levels[plane]), size(to_width, to_height));
        let inner = fit(size(width, height), size(to_width, to_height));
        prop_assert!(inner.right() <= to_width && inner.bottom() <= to_height);
        prop_assert!(inner.width > 0 && inner.height > 0);
        let parts = [inner, inner.chroma(), inner.chroma()];
        for ((plane, part), level) in result.view().planes().iter().zip(parts).zip(levels) {
            for y in part.y..part.bottom() {
                prop_assert!(plane.row(y)[part.x..part.right()].iter().all(|&got| got == level));
            }
        }
    }

    #[test]
    fn weights_of_every_sample_add_up_and_lie_in_the_line(from in 1usize..3000, to in 1usize..300) {
        for kernel in [Kernel::centred(from, to, from, to), Kernel::left_sited(from, to, 2 * from, 2 * to)] {
            for x in 0..to {
                let (start, weights) = kernel.at(x);
                prop_assert!(start + weights.len() <= from);
                prop_assert_eq!(weights.iter().map(|&weight| u32::from(weight)).sum::<u32>(), 256);
            }
        }
    }
}
