//! The sheets of one recording, written as they fill.

use std::io::Write;

use riser_pipeline::picture::{Picture, Size, View, scale::Scaler};

use super::{
    Error, jpeg,
    sheet::{Plan, Sheet},
    wire,
};

/// The sheets of one recording. Nothing can be written before the first decoded picture has given the tiles' height.
pub struct Album<'a, W> {
    plan: Plan,
    output: &'a mut W,
    /// Pictures that were missing before the first decoded one.
    missing: u64,
    begun: Option<Begun>,
}

struct Begun {
    scaler: Scaler,
    tile: Picture,
    sheet: Sheet,
}

impl<'a, W: Write> Album<'a, W> {
    /// An album without tiles.
    pub fn new(plan: Plan, output: &'a mut W) -> Self {
        Self { plan, output, missing: 0, begun: None }
    }

    /// The next tile shows `picture`; if there is none, what the tile before shows.
    pub fn add(&mut self, picture: Option<&View<'_>>) -> Result<(), Error> {
        match (&mut self.begun, picture) {
            (None, None) => self.missing += 1,
            (Some(begun), None) => begun.lay(self.output)?,
            (Some(begun), Some(picture)) => begun.show(picture, self.output)?,
            (None, Some(picture)) => {
                let tile = self.plan.tile(picture.size())?;
                wire::write_tile(self.output, tile)?;
                let begun = self.begun.insert(Begun::new(self.plan, picture.size(), tile));
                (0..self.missing).try_for_each(|_| begun.lay(self.output))?;
                begun.show(picture, self.output)?;
            }
        }
        Ok(())
    }

    /// Writes what is left.
    pub fn finish(self) -> Result<(), Error> {
        match self.begun {
            Some(begun) if begun.sheet.is_empty() => Ok(()),
            Some(mut begun) => begun.write(self.output),
            None if self.missing > 0 => Err(Error::Undecodable(self.missing)),
            None => Ok(()),
        }
    }
}

impl Begun {
    fn new(plan: Plan, picture: Size, tile: Size) -> Self {
        let scaler = Scaler::new(picture, tile);
        Self { scaler, tile: Picture::black(tile), sheet: Sheet::new(plan, tile) }
    }

    fn show(&mut self, picture: &View<'_>, output: &mut impl Write) -> Result<(), Error> {
        self.scaler.scale(picture, &mut self.tile.view_mut());
        self.lay(output)
    }

    /// Lays the tile once more.
    fn lay(&mut self, output: &mut impl Write) -> Result<(), Error> {
        self.sheet.put(&self.tile.view());
        if self.sheet.is_full() { self.write(output) } else { Ok(()) }
    }

    fn write(&mut self, output: &mut impl Write) -> Result<(), Error> {
        let (sheet, size) = self.sheet.used();
        wire::write_sheet(output, &jpeg::encode(&sheet, size)?)?;
        self.sheet.clear();
        Ok(())
    }
}
