//! How warm the box is, read from the kernel's thermal zone that the board names.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use board::Temperature;
use channel::heat::{Heat, Limits};
use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

/// From one look to the next: a chip warms by a few degrees in that time.
const OFTEN: Duration = Duration::from_secs(2);

/// What was read last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The zone, by the kernel's name for its kind.
    pub zone: String,
    /// Degrees Celsius.
    pub celsius: i32,
    /// What that means for this board.
    pub heat: Heat,
    /// The board's limits.
    pub limits: Limits,
}

/// A thermal zone of this box.
pub struct Thermometer {
    zone: String,
    file: PathBuf,
    limits: Limits,
    readings: watch::Sender<Option<Reading>>,
}

impl Thermometer {
    /// The first of the board's zones that there is under `sys`, with what it says; none where there is none.
    pub fn find(sys: &Path, temperature: &Temperature) -> Option<Self> {
        let degrees = |degrees: u32| i32::try_from(degrees).unwrap_or(i32::MAX);
        let limits = Limits { hot: degrees(temperature.hot), cool: degrees(temperature.cool) };
        let there: Vec<_> = fs::read_dir(sys.join("class/thermal"))
            .ok()?
            .filter_map(|entry| {
                let zone = entry.ok()?.path();
                let kind = fs::read_to_string(zone.join("type")).ok()?;
                Some((kind.trim().to_owned(), zone.join("temp")))
            })
            .collect();
        let (zone, file) = temperature
            .zones
            .iter()
            .find_map(|wanted| there.iter().filter(|(kind, _)| kind == wanted).min().cloned())?;
        Some(Self { zone, file, limits, readings: watch::Sender::new(None) })
    }

    /// What it says, always.
    pub fn readings(&self) -> watch::Receiver<Option<Reading>> {
        self.readings.subscribe()
    }

    /// Reads until `ended` changes.
    pub async fn read_always(self, mut ended: watch::Receiver<bool>) {
        let thermometer = Arc::new(self);
        let mut often = interval(OFTEN);
        often.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = often.tick() => {
                    let thermometer = Arc::clone(&thermometer);
                    // Some sensors are asked over a slow bus.
                    let _ = spawn_blocking(move || thermometer.read()).await;
                }
                _ = ended.changed() => return,
            }
        }
    }

    fn read(&self) {
        let read = celsius(&self.file).map(|celsius| {
            let (zone, limits) = (self.zone.clone(), self.limits);
            Reading { zone, celsius, heat: limits.heat(celsius), limits }
        });
        let read = read
            .inspect_err(|error| {
                if self.readings.borrow().is_some() {
                    tracing::warn!(zone = self.zone, %error, "the temperature cannot be read any more");
                }
            })
            .ok();
        self.readings.send_replace(read);
    }
}

/// The kernel gives thousandths of a degree.
fn celsius(file: &Path) -> io::Result<i32> {
    let text = fs::read_to_string(file)?;
    let thousandths: i32 =
        text.trim().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(thousandths.div_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(sys: &Path, number: u32, kind: &str, temp: &str) {
        let zone = sys.join(format!("class/thermal/thermal_zone{number}"));
        fs::create_dir_all(&zone).unwrap();
        fs::write(zone.join("type"), format!("{kind}\n")).unwrap();
        fs::write(zone.join("temp"), format!("{temp}\n")).unwrap();
    }

    fn temperature(zones: &[&str]) -> Temperature {
        Temperature { zones: zones.iter().map(|&zone| zone.to_owned()).collect(), hot: 90, cool: 80 }
    }

    #[test]
    fn the_first_zone_that_the_board_names_is_read() {
        let sys = tempfile::tempdir().unwrap();
        zone(sys.path(), 0, "acpitz", "27800");
        zone(sys.path(), 1, "cpu-thermal", "89999");
        zone(sys.path(), 2, "x86_pkg_temp", "-1500");
        let told = |zones: &[&str]| {
            let thermometer = Thermometer::find(sys.path(), &temperature(zones))?;
            thermometer.read();
            let reading = thermometer.readings().borrow().clone()?;
            Some((reading.zone, reading.celsius, reading.heat))
        };
        let warm = Some(("cpu-thermal".to_owned(), 89, Heat::Warm));
        assert_eq!(told(&["soc-thermal", "cpu-thermal", "acpitz"]), warm);
        assert_eq!(told(&["x86_pkg_temp"]), Some(("x86_pkg_temp".to_owned(), -2, Heat::Cool)));
        assert_eq!(told(&["soc-thermal"]), None);
        zone(sys.path(), 1, "cpu-thermal", "broken");
        assert_eq!(told(&["cpu-thermal"]), None, "what cannot be read is not known");
        assert!(Thermometer::find(Path::new("/none"), &temperature(&["acpitz"])).is_none());
    }
}
