//! What every channel of the box shares.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use channel::budget::Shares;
use clock::Clock;
use settings::Settings;
use store::Store;
use tokio::sync::watch;

use crate::{cameras::Cameras, endpoints::Known, signals, thermometer::Reading};

/// What every channel of the box shares.
pub struct House {
    /// The operator's document.
    pub settings: Arc<Settings>,
    /// The kind of box.
    pub board: Arc<board::Board>,
    /// Where all channels record.
    pub store: Arc<Store>,
    /// The timeline's clock.
    pub clock: Clock,
    /// The worker's program.
    pub program: PathBuf,
    /// Where sockets are made.
    pub run_dir: PathBuf,
    /// Which camera is which.
    pub cameras: Cameras,
    /// Who takes how much of the encoders.
    pub shares: Arc<Mutex<Shares>>,
    /// What the channels' segments are to tell.
    pub signals: Arc<signals::Board>,
    /// The doors for viewers.
    pub endpoints: Vec<Known>,
    /// The fingerprint of the box's own certificate authority, where it shows certificates of it.
    pub authority: Option<String>,
    /// How warm the box is; none where that is not known.
    pub temperature: watch::Receiver<Option<Reading>>,
}

impl House {
    /// Who takes how much of the encoders.
    pub fn shares(&self) -> MutexGuard<'_, Shares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
