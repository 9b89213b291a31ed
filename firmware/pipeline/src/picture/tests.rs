use super::*;

fn size(width: usize, height: usize) -> Size {
    Size { width, height }
}

#[test]
fn a_view_wants_every_row_of_every_plane() {
    let data = [0; 64];
    let view = |size, lengths: [usize; 3], strides| {
        View::new(size, lengths.map(|length| &data[..length]), strides).is_some()
    };
    assert!(view(size(5, 3), [15, 6, 6], [5, 3, 3]));
    assert!(view(size(5, 3), [8 * 2 + 5, 4 + 3, 4 + 3], [8, 4, 4]), "the last row may end with its samples");
    assert!(!view(size(5, 3), [8 * 2 + 4, 4 + 3, 4 + 3], [8, 4, 4]));
    assert!(!view(size(5, 3), [15, 5, 6], [5, 3, 3]));
    assert!(!view(size(5, 3), [15, 6, 6], [5, 3, 2]), "stride below width");
    assert!(!view(size(0, 3), [64; 3], [8; 3]));
    assert!(!view(size(5, 0), [64; 3], [8; 3]));
    assert!(!view(size(5, usize::MAX), [64; 3], [usize::MAX; 3]));
}

#[test]
fn padding_is_neither_read_nor_written() {
    let (mut y, mut u, mut v) = (vec![7; 8 * 3], vec![7; 4 * 2], vec![7; 4 * 2]);
    let mut view = ViewMut::new(size(5, 3), [&mut y, &mut u, &mut v], [8, 4, 4]).unwrap();
    view.fill(view.bounds(), Colour { y: 1, u: 2, v: 3 });
    assert_eq!(view.view().planes()[0].row(2), [1; 5]);
    assert_eq!(y, [[1, 1, 1, 1, 1, 7, 7, 7]; 3].concat());
    assert_eq!((u, v), ([[2, 2, 2, 7]; 2].concat(), [[3, 3, 3, 7]; 2].concat()));
}

#[test]
fn a_rectangle_takes_whole_chroma_samples_and_is_clipped() {
    let mut picture = Picture::black(size(6, 4));
    let mut view = picture.view_mut();
    view.fill(Rect { x: 3, y: 1, width: 100, height: 1 }, Colour::WHITE);
    view.fill(Rect { x: 9, y: 0, width: 2, height: 9 }, Colour::grey(1));
    view.fill(Rect { x: 3, y: 0, width: 1, height: 1 }, Colour { y: 50, u: 60, v: 70 });
    let view = picture.view();
    let [luma, u, _] = view.planes();
    assert_eq!(luma.row(0), [16, 16, 16, 50, 16, 16]);
    assert_eq!(luma.row(1), [16, 16, 16, 235, 235, 235]);
    assert_eq!([u.row(0), u.row(1)], [[128, 60, 128], [128; 3]]);
}

#[test]
fn copies_what_two_sizes_have_in_common() {
    let mut small = Picture::black(size(3, 2));
    small.view_mut().fill(Rect { x: 0, y: 0, width: 3, height: 2 }, Colour::WHITE);
    let mut large = Picture::black(size(5, 4));
    large.view_mut().copy_from(&small.view());
    assert_eq!(large.view().planes()[0].row(1), [235, 235, 235, 16, 16]);
    let mut again = Picture::black(size(3, 2));
    again.view_mut().copy_from(&large.view());
    assert_eq!(again, small);
}
