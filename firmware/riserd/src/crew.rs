//! The channels that run: each a supervisor with its worker, started and stopped by name.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use channel::shed::Shed;
use control::{Listen, Tuning};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, block_in_place},
};

use crate::{
    facts::Facts,
    house::House,
    plan,
    planner::Planner,
    supervisor::{News, Supervisor, socket},
};

/// News that may wait to be heard: a channel has a few in its life.
const NEWS: usize = 256;

/// The channels that run.
pub struct Crew {
    house: Arc<House>,
    news: mpsc::Sender<News>,
    members: BTreeMap<String, Member>,
    roster: Roster,
}

struct Member {
    stop: watch::Sender<bool>,
    tuning: watch::Sender<Tuning>,
    task: JoinHandle<()>,
}

/// What is true of each channel, for the status. Clones share it.
#[derive(Clone, Default)]
pub struct Roster(Arc<Mutex<BTreeMap<String, Facts>>>);

impl Roster {
    /// Every channel that has run and was not deleted, by name.
    pub fn read(&self) -> Vec<Facts> {
        self.facts().values().cloned().collect()
    }

    /// Where the channels are heard.
    pub fn listen(&self) -> Listen {
        let roster = self.clone();
        Arc::new(move |channel| roster.facts().get(channel).map(Facts::loudness))
    }

    /// A channel is gone.
    pub fn forget(&self, channel: &str) {
        self.facts().remove(channel);
    }

    fn facts(&self) -> MutexGuard<'_, BTreeMap<String, Facts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Crew {
    /// Nobody runs yet; what becomes of those who will is heard at the other end.
    pub fn new(house: Arc<House>, roster: Roster) -> (Self, mpsc::Receiver<News>) {
        let (news, heard) = mpsc::channel(NEWS);
        (Self { house, news, members: BTreeMap::new(), roster }, heard)
    }

    /// Starts a channel; how it goes is told as [`News`].
    pub fn start(&mut self, channel: &settings::Channel, tuning: Tuning) {
        let (house, name) = (&self.house, channel.name.clone());
        let facts = Facts::new(&name, house.clock.clone(), house.cameras.clone());
        self.roster.facts().insert(name.clone(), facts.clone());
        let (families, planner) =
            (plan::families(&house.board), Planner::new(Arc::clone(house), channel.clone()));
        // Takes its share of the encoders: who is started first chooses first, and the same at every start.
        let plan = block_in_place(|| planner.plan(&families, None));
        let (stop, stopped) = watch::channel(false);
        let (tuning, tuned) = watch::channel(tuning);
        let supervisor = Supervisor {
            program: house.program.clone(),
            socket: socket(&house.run_dir, &name),
            name: house.settings.name.clone(),
            channel: name.clone(),
            input: plan::input(channel),
            cameras: house.cameras.clone(),
            sound: plan::sound_wish(channel, &plan.start),
            families,
            shed: Shed::new(plan.start.renditions.len()),
            planner,
            clock: house.clock.clone(),
            facts: facts.clone(),
            news: self.news.clone(),
            tuning: tuned,
            temperature: house.temperature.clone(),
            stop: stopped,
        };
        let news = self.news.clone();
        let task = tokio::spawn({
            let name = name.clone();
            async move {
                // A task of its own, so that a panic is heard of like any other end.
                let reason = match tokio::spawn(supervisor.run()).await {
                    Ok(ended) => ended.err().map(|error| error.to_string()),
                    Err(error) => Some(format!("its task panicked: {error}")),
                };
                facts.worker("gone", reason.as_deref().unwrap_or(""), None);
                facts.channel("stopped", reason.as_deref().unwrap_or(""));
                facts.levels(&[]);
                // Nobody listens when the daemon ends.
                let _ = news.send(News::Ended(name, reason)).await;
            }
        });
        self.members.insert(name, Member { stop, tuning, task });
    }

    /// Tunes a channel that runs.
    pub fn tune(&self, channel: &str, tuning: Tuning) {
        if let Some(member) = self.members.get(channel) {
            // Who has ended needs none.
            let _ = member.tuning.send(tuning);
        }
    }

    /// Tells a channel to end; false where it does not run.
    pub fn stop(&self, channel: &str) -> bool {
        self.members.get(channel).is_some_and(|member| member.stop.send(true).is_ok())
    }

    /// A channel has said that it ended.
    pub fn ended(&mut self, channel: &str) {
        self.members.remove(channel);
    }

    /// Ends all channels and waits for them.
    pub async fn wind_down(mut self) {
        for member in self.members.values() {
            let _ = member.stop.send(true);
        }
        // Their last words need no listener.
        for (name, member) in std::mem::take(&mut self.members) {
            if let Err(error) = member.task.await {
                tracing::error!(channel = name, %error, "the channel's task panicked");
            }
        }
    }
}
