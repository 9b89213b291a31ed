//! Where tiles lie on a sheet, and a sheet while it fills.

use riser_pipeline::picture::{Colour, Picture, Size, View};

use super::Error;

/// Longest side of a sheet: what every browser decodes.
const MAX_SIDE: usize = 16_384;
/// Most pixels of a sheet. They take 24 MiB here and as many in the encoder.
const MAX_PIXELS: usize = 16 << 20;

/// What was asked for: tiles on a sheet and their width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    columns: usize,
    rows: usize,
    width: usize,
}

impl Plan {
    /// Sheets of `columns` by `rows` tiles of `width` pixels, rounded down to even.
    ///
    /// An error where no tile has a height for which a sheet would be small enough.
    pub fn new(columns: usize, rows: usize, width: usize) -> Result<Self, Error> {
        let plan = Self { columns, rows, width: width & !1 };
        plan.checked(2)?;
        Ok(plan)
    }

    /// The size of all tiles when the first picture is of size `picture`; an error where sheets would be too big.
    pub fn tile(self, picture: Size) -> Result<Size, Error> {
        let height = (self.width * picture.height + picture.width / 2) / picture.width.max(1);
        // To the nearest even number.
        self.checked(((height + 1) & !1).max(2))
    }

    fn checked(self, height: usize) -> Result<Size, Error> {
        let Self { columns, rows, width } = self;
        let tile = Size { width, height };
        let side = |tiles: usize, length: usize| tiles.checked_mul(length).filter(|side| *side <= MAX_SIDE);
        let pixels = side(columns, width).zip(side(rows, height)).map(|(width, height)| width * height);
        let fits = width > 0 && pixels.is_some_and(|pixels| pixels > 0 && pixels <= MAX_PIXELS);
        if fits { Ok(tile) } else { Err(Error::Plan { columns, rows, tile }) }
    }
}

/// One sheet, filled tile by tile.
#[derive(Debug)]
pub struct Sheet {
    plan: Plan,
    tile: Size,
    picture: Picture,
    tiles: usize,
}

impl Sheet {
    /// An empty sheet of tiles of this size.
    pub fn new(plan: Plan, tile: Size) -> Self {
        let size = Size { width: plan.columns * tile.width, height: plan.rows * tile.height };
        Self { plan, tile, picture: Picture::black(size), tiles: 0 }
    }

    /// Whether it has no tile yet.
    pub fn is_empty(&self) -> bool {
        self.tiles == 0
    }

    /// Whether it has no room for another tile.
    pub fn is_full(&self) -> bool {
        self.tiles == self.plan.columns * self.plan.rows
    }

    /// Puts a picture of the tiles' size in the next place of a sheet that is not full.
    pub fn put(&mut self, tile: &View<'_>) {
        let left = self.tiles % self.plan.columns * self.tile.width;
        let top = self.tiles / self.plan.columns * self.tile.height;
        let mut picture = self.picture.view_mut();
        for (plane, (to, from)) in picture.planes_mut().iter_mut().zip(tile.planes()).enumerate() {
            // Tiles have even sides, so their chroma samples are nobody else's.
            let (left, top) = if plane == 0 { (left, top) } else { (left / 2, top / 2) };
            for y in 0..from.size().height {
                to.row_mut(top + y)[left..][..from.size().width].copy_from_slice(from.row(y));
            }
        }
        self.tiles += 1;
    }

    /// The sheet to read, and the size of it that has tiles: whole rows.
    pub fn used(&self) -> (View<'_>, Size) {
        let view = self.picture.view();
        let rows = self.tiles.div_ceil(self.plan.columns);
        (view, Size { width: view.size().width, height: rows * self.tile.height })
    }

    /// Makes it an empty sheet again.
    pub fn clear(&mut self) {
        let mut picture = self.picture.view_mut();
        let bounds = picture.bounds();
        picture.fill(bounds, Colour::BLACK);
        self.tiles = 0;
    }
}
