//! Pictures as the worker draws and scales them: planar 4:2:0, 8 bits, in somebody else's memory.
//!
//! A [`View`] borrows the three planes of an I420 picture, a [`ViewMut`] the planes of one to be written. Luma has
//! `width x height` samples, each chroma plane half of that in both directions, rounded up. Levels are those
//! of ITU-R BT.709: luma 16 (black) to 235 (white), chroma 128 for grey.

pub mod font;
pub mod scale;
pub mod slate;
pub mod strip;
pub mod testsignal;

#[cfg(test)]
mod tests;

/// Width and height of a picture in luma samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Size {
    /// Sizes of the Y, U and V planes.
    #[must_use]
    pub fn planes(self) -> [Size; 3] {
        let chroma = Size { width: self.width.div_ceil(2), height: self.height.div_ceil(2) };
        [self, chroma, chroma]
    }

    /// Samples from the start of a plane to its end at this stride; `None` where no plane can be.
    fn span(self, stride: usize) -> Option<usize> {
        if self.width == 0 || stride < self.width {
            return None;
        }
        self.height.checked_sub(1)?.checked_mul(stride)?.checked_add(self.width)
    }
}

/// One plane of a picture to read.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    data: &'a [u8],
    stride: usize,
    size: Size,
}

impl<'a> Plane<'a> {
    fn new(size: Size, data: &'a [u8], stride: usize) -> Option<Self> {
        (data.len() >= size.span(stride)?).then_some(Self { data, stride, size })
    }

    /// Samples and rows of this plane.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The samples of row `y`, which must be less than the height.
    #[must_use]
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.data[y * self.stride..][..self.size.width]
    }
}

/// One plane of a picture to write.
#[derive(Debug)]
pub struct PlaneMut<'a> {
    data: &'a mut [u8],
    stride: usize,
    size: Size,
}

impl<'a> PlaneMut<'a> {
    fn new(size: Size, data: &'a mut [u8], stride: usize) -> Option<Self> {
        (data.len() >= size.span(stride)?).then_some(Self { data, stride, size })
    }

    /// Samples and rows of this plane.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The samples of row `y`, which must be less than the height.
    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        &mut self.data[y * self.stride..][..self.size.width]
    }

    /// Fills the part of `rect` (in samples of this plane) that lies inside the plane.
    pub fn fill(&mut self, rect: Rect, level: u8) {
        let right = rect.right().min(self.size.width);
        let left = rect.x.min(right);
        for y in rect.y..rect.bottom().min(self.size.height) {
            self.row_mut(y)[left..right].fill(level);
        }
    }

    fn copy_from(&mut self, from: &Plane<'_>) {
        let width = self.size.width.min(from.size.width);
        for y in 0..self.size.height.min(from.size.height) {
            self.row_mut(y)[..width].copy_from_slice(&from.row(y)[..width]);
        }
    }
}

/// An I420 picture to read, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    planes: [Plane<'a>; 3],
}

impl<'a> View<'a> {
    /// Borrows the planes Y, U, V, each with the bytes from one row to the next as its stride.
    ///
    /// `None` where a side is zero, a stride is less than its plane's width, or a slice ends before its last row.
    #[must_use]
    pub fn new(size: Size, data: [&'a [u8]; 3], strides: [usize; 3]) -> Option<Self> {
        let ([y, u, v], [luma, cb, cr]) = (data, size.planes());
        let planes = [
            Plane::new(luma, y, strides[0])?,
            Plane::new(cb, u, strides[1])?,
            Plane::new(cr, v, strides[2])?,
        ];
        Some(Self { planes })
    }

    /// Width and height in luma samples.
    #[must_use]
    pub fn size(&self) -> Size {
        self.planes[0].size
    }

    /// The planes Y, U, V.
    #[must_use]
    pub fn planes(&self) -> &[Plane<'a>; 3] {
        &self.planes
    }
}

/// An I420 picture to write, borrowed. What it held before is of no matter to those who draw on it.
#[derive(Debug)]
pub struct ViewMut<'a> {
    planes: [PlaneMut<'a>; 3],
}

impl<'a> ViewMut<'a> {
    /// Borrows the planes Y, U, V for writing; see [`View::new`].
    #[must_use]
    pub fn new(size: Size, data: [&'a mut [u8]; 3], strides: [usize; 3]) -> Option<Self> {
        let ([y, u, v], [luma, cb, cr]) = (data, size.planes());
        let planes = [
            PlaneMut::new(luma, y, strides[0])?,
            PlaneMut::new(cb, u, strides[1])?,
            PlaneMut::new(cr, v, strides[2])?,
        ];
        Some(Self { planes })
    }

    /// Width and height in luma samples.
    #[must_use]
    pub fn size(&self) -> Size {
        self.planes[0].size
    }

    /// The whole picture as a rectangle.
    #[must_use]
    pub fn bounds(&self) -> Rect {
        let Size { width, height } = self.size();
        Rect { x: 0, y: 0, width, height }
    }

    /// The planes Y, U, V.
    pub fn planes_mut(&mut self) -> &mut [PlaneMut<'a>; 3] {
        &mut self.planes
    }

    /// The same picture to read.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View {
            planes: self.planes.each_ref().map(|p| Plane { data: p.data, stride: p.stride, size: p.size }),
        }
    }

    /// Fills the part of `rect` that lies inside the picture; chroma samples it touches are taken whole.
    pub fn fill(&mut self, rect: Rect, colour: Colour) {
        let chroma = rect.chroma();
        self.planes[0].fill(rect, colour.y);
        self.planes[1].fill(chroma, colour.u);
        self.planes[2].fill(chroma, colour.v);
    }

    /// Copies a picture of the same size; of another size, what both have in common from the top left corner.
    pub fn copy_from(&mut self, from: &View<'_>) {
        for (to, from) in self.planes.iter_mut().zip(&from.planes) {
            to.copy_from(from);
        }
    }
}

/// A rectangle in luma samples, from its top left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Rect {
    /// The first column to the right of it.
    #[must_use]
    pub fn right(self) -> usize {
        self.x.saturating_add(self.width)
    }

    /// The first row below it.
    #[must_use]
    pub fn bottom(self) -> usize {
        self.y.saturating_add(self.height)
    }

    /// The chroma samples that belong to at least one of its luma samples.
    #[must_use]
    pub fn chroma(self) -> Self {
        let (x, y) = (self.x / 2, self.y / 2);
        Self { x, y, width: self.right().div_ceil(2) - x, height: self.bottom().div_ceil(2) - y }
    }
}

/// A colour as the levels of the three planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Luma.
    pub y: u8,
    /// Blue difference.
    pub u: u8,
    /// Red difference.
    pub v: u8,
}

impl Colour {
    /// Black, as borders are.
    pub const BLACK: Self = Self::grey(16);
    /// Full white.
    pub const WHITE: Self = Self::grey(235);

    /// A colour without chroma.
    #[must_use]
    pub const fn grey(y: u8) -> Self {
        Self { y, u: 128, v: 128 }
    }
}

/// An I420 picture that owns its planes, rows without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    size: Size,
    planes: [Vec<u8>; 3],
}

impl Picture {
    /// A black picture; a side of zero counts as one.
    #[must_use]
    pub fn black(size: Size) -> Self {
        let size = Size { width: size.width.max(1), height: size.height.max(1) };
        let [luma, chroma, _] = size.planes().map(|plane| plane.width * plane.height);
        let Colour { y, u, v } = Colour::BLACK;
        Self { size, planes: [vec![y; luma], vec![u; chroma], vec![v; chroma]] }
    }

    /// The picture to read.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::new(self.size, self.planes.each_ref().map(Vec::as_slice), self.strides())
            .expect("planes are as long as their size says since `black`")
    }

    /// The picture to write.
    #[must_use]
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        let strides = self.strides();
        ViewMut::new(self.size, self.planes.each_mut().map(Vec::as_mut_slice), strides)
            .expect("planes are as long as their size says since `black`")
    }

    fn strides(&self) -> [usize; 3] {
        self.size.planes().map(|plane| plane.width)
    }
}
