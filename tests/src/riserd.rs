//! One box: its own ports, its own state, ended whatever happens to the test.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    http::{self, Response},
    playlist::Playlist,
    wait,
};

/// A box has this long for whatever it is asked to do.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A channel of the test signal that two cores do not feel.
pub const SMALL: &str = r#"
[channel.input]
kind = "test"
width = 640
height = 360
[[channel.ladder]]
height = 360
bitrate = 600000
[[channel.ladder]]
height = 180
bitrate = 200000
"#;

/// Its tracks, in order.
pub const TRACKS: [&str; 3] = ["360p", "180p", "audio"];

/// One box at a time: they are no tests of overload.
static TURN: Mutex<()> = Mutex::new(());

/// A box.
pub struct Riserd {
    child: Child,
    state: TempDir,
    arguments: Vec<OsString>,
    /// Where viewers ask.
    pub viewers: SocketAddr,
    /// Where technicians ask.
    pub management: SocketAddr,
    _turn: MutexGuard<'static, ()>,
}

impl Riserd {
    /// Starts a box with these settings beside its addresses and its store, and waits until it listens.
    ///
    /// # Panics
    /// If it does not, or if there is no such program.
    #[must_use]
    pub fn start(settings: &str) -> Self {
        Self::start_edited(settings, |document| document)
    }

    /// Starts a box with settings that were changed in the whole document, and waits until it listens.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_edited(settings: &str, edit: impl FnOnce(String) -> String) -> Self {
        let mut riserd = Self::start_blind(settings, edit);
        riserd.wait_until_up();
        riserd
    }

    /// Starts a box with more arguments on its command line, and waits until it listens.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_with(arguments: Vec<OsString>, settings: &str) -> Self {
        let mut riserd = Self::start_unseen(arguments, settings, |document| document);
        riserd.wait_until_up();
        riserd
    }

    /// Starts a box as [`start_edited`](Self::start_edited) does, but does not wait for it: it may not answer everybody.
    ///
    /// # Panics
    /// If there is no such program.
    #[must_use]
    pub fn start_blind(settings: &str, edit: impl FnOnce(String) -> String) -> Self {
        Self::start_unseen(Vec::new(), settings, edit)
    }

    fn start_unseen(arguments: Vec<OsString>, settings: &str, edit: impl FnOnce(String) -> String) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let state = TempDir::new().expect("a temporary folder can be made");
        let [viewers, management] = free_addresses();
        let settings = edit(document(state.path(), viewers, management, settings));
        fs::write(state.path().join("settings.toml"), settings).expect("the settings can be written");
        let child = spawn(state.path(), &arguments);
        Self { child, state, arguments, viewers, management, _turn: turn }
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it keeps what must outlive it.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        self.state.path()
    }

    /// Starts a box and waits until every one of `tracks` has `segments` whole segments.
    #[must_use]
    pub fn live(settings: &str, tracks: &[&str], segments: usize) -> Self {
        let riserd = Self::start(settings);
        riserd.wait_for_segments(tracks, segments);
        riserd
    }

    /// Starts the box again after its end, with the state and the addresses it had.
    pub fn start_again(&mut self) {
        self.child = spawn(self.state.path(), &self.arguments);
        self.wait_until_up();
    }

    fn wait_until_up(&mut self) {
        wait::until("riserd listens", PATIENCE, || {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("riserd ended: {status}\n{}", self.log());
            }
            http::get(self.management, "/api/v1/status").is_ok()
        });
    }

    /// Waits until every one of `tracks` has `segments` whole segments.
    pub fn wait_for_segments(&self, tracks: &[&str], segments: usize) {
        for track in tracks {
            let what = format!("{track} has {segments} segments");
            wait::until(&what, PATIENCE, || {
                self.playlist(track).is_some_and(|playlist| playlist.segments.len() >= segments)
            });
        }
    }

    /// Asks as a viewer.
    ///
    /// # Panics
    /// If the box does not answer.
    #[must_use]
    pub fn get(&self, path: &str) -> Response {
        self.ask("GET", path, &[])
    }

    /// Asks as a viewer, with headers.
    ///
    /// # Panics
    /// If the box does not answer.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        http::request(self.viewers, method, path, headers).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The bytes of something that must be there.
    ///
    /// # Panics
    /// If it is not.
    #[must_use]
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.get(path);
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        response.body
    }

    /// A track's media playlist; none while the box refuses it.
    #[must_use]
    pub fn playlist(&self, track: &str) -> Option<Playlist> {
        let response = self.get(&media_playlist(track));
        (response.status == 200).then(|| Playlist::parse(&response.text()))
    }

    /// A track's init segment, as its playlist names it.
    #[must_use]
    pub fn init(&self, track: &str) -> Vec<u8> {
        let playlist = self.playlist(track).expect("the track has begun");
        let map = playlist.segments.last().expect("the track has a segment").map.clone();
        self.bytes(&format!("/live/main/{track}/{map}"))
    }

    /// A whole segment.
    #[must_use]
    pub fn segment(&self, track: &str, number: u64) -> Vec<u8> {
        self.bytes(&format!("/live/main/{track}/{number}.m4s"))
    }

    /// A file of a track's init segment and these of its segments.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn film(&self, track: &str, numbers: impl IntoIterator<Item = u64>) -> PathBuf {
        let mut pieces = vec![self.init(track)];
        pieces.extend(numbers.into_iter().map(|number| self.segment(track, number)));
        let film = self.state.path().join(format!("{track}.mp4"));
        fs::write(&film, pieces.concat()).expect("the film can be written");
        film
    }

    /// Waits until a track's segment is whole.
    pub fn wait_for(&self, track: &str, number: u64) {
        wait::until(&format!("{track} has segment {number}"), PATIENCE, || {
            self.playlist(track).is_some_and(|playlist| playlist.last_whole() >= Some(number))
        });
    }

    /// The box's state.
    ///
    /// # Panics
    /// If it does not tell.
    #[must_use]
    pub fn status(&self) -> Value {
        let response = http::get(self.management, "/api/v1/status").expect("the box tells its state");
        serde_json::from_slice(&response.body).expect("the state is JSON")
    }

    /// A field of the state, by its JSON pointer.
    #[must_use]
    pub fn state(&self, pointer: &str) -> Value {
        self.status().pointer(pointer).cloned().unwrap_or_else(|| panic!("the state has no {pointer}"))
    }

    /// A count of the state.
    #[must_use]
    pub fn count(&self, pointer: &str) -> u64 {
        self.state(pointer).as_u64().unwrap_or_else(|| panic!("{pointer} is no count"))
    }

    /// The worker's process id, while there is one.
    #[must_use]
    pub fn worker(&self) -> Option<Pid> {
        let pid = self.status().pointer("/processes/1/pid")?.as_i64()?;
        Pid::from_raw(i32::try_from(pid).ok()?)
    }

    /// Kills the worker without warning.
    ///
    /// # Panics
    /// If there is none.
    pub fn kill_worker(&self) -> Pid {
        let worker = wait::for_some("a worker", PATIENCE, || self.worker());
        kill_process(worker, Signal::KILL).expect("the worker can be killed");
        worker
    }

    /// Processes that were started for this box's state, apart from the daemon itself.
    #[must_use]
    pub fn workers_of_this_state(&self) -> Vec<Pid> {
        let state = self.state.path().to_string_lossy().into_owned();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = processes.filter_map(|entry| {
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            let line = fs::read_to_string(entry.path().join("cmdline")).ok()?;
            (line.contains("riser-pipeline") && line.contains(&state)).then_some(pid)
        });
        pids.collect()
    }

    /// Ends the daemon without warning, as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().expect("riserd can be killed");
        self.child.wait().expect("riserd has ended");
    }

    /// Asks the daemon to end.
    pub fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("riserd runs");
    }

    /// Waits until the daemon has ended.
    pub fn wait(&mut self) -> ExitStatus {
        wait::for_some("riserd ends", PATIENCE, || self.child.try_wait().expect("riserd is ours"))
    }

    /// What it has written to its standard error.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.state.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Riserd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for worker in self.workers_of_this_state() {
            let _ = kill_process(worker, Signal::KILL);
        }
        if thread::panicking() {
            eprintln!("--- riserd said ---\n{}", self.log());
        }
    }
}

/// A media playlist's path.
#[must_use]
pub fn media_playlist(track: &str) -> String {
    format!("/live/main/{track}/media.m3u8")
}

/// Whether a process is still there, dead ones that nobody has waited for not counted.
#[must_use]
pub fn runs(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}

/// `riserd` with the repository's boards and page.
///
/// # Panics
/// If it has not been built.
#[must_use]
pub fn command() -> Command {
    let (root, folder) = (repository(), programs());
    for program in ["riserd", "riser-pipeline"] {
        let path = folder.join(program);
        assert!(
            path.is_file(),
            "{} is missing: run `cargo build --release -p riserd -p riser-pipeline`, or name its folder in RISER_BIN",
            path.display()
        );
    }
    let mut command = Command::new(folder.join("riserd"));
    command.arg("--board-configs").arg(root.join("board-configs"));
    command.arg("--web").arg(root.join("firmware/origin/web/dist"));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// The repository.
///
/// # Panics
/// Never: the tests lie in it.
#[must_use]
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the repository")
}

/// Where the built programs are.
#[must_use]
pub fn programs() -> PathBuf {
    env::var_os("RISER_BIN").map_or_else(|| repository().join("target/release"), PathBuf::from)
}

/// Two addresses on the loopback interface that nobody listens on.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn free_addresses() -> [SocketAddr; 2] {
    // Both are held until both are known, so that they differ.
    let listeners = [0, 0].map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("a bound socket has an address"))
}

/// Makes a board of this id in a folder of boards: the base with `differences`.
///
/// # Panics
/// If it cannot be written.
pub fn make_board(boards: &Path, id: &str, differences: &str) {
    let board = boards.join(id);
    fs::create_dir_all(&board).expect("a folder can be made");
    let base = repository().join("board-configs/base.toml");
    fs::copy(base, boards.join("base.toml")).expect("the base board can be copied");
    let file = format!("id = '{id}'\ninherit = 'base'\ndescription = 'a board of a test'\n{differences}\n");
    fs::write(board.join("board.toml"), file).expect("a file can be written");
}

/// A document with these addresses and a small store in `state`.
#[must_use]
pub fn document(state: &Path, viewers: SocketAddr, management: SocketAddr, settings: &str) -> String {
    let state = state.display();
    format!(
        "state_dir = '{state}'\n[viewers]\nlisten = '{viewers}'\n[management]\nlisten = '{management}'\n\
         [dvr]\nsize = '64MiB'\nextent = '4MiB'\nwindow = '1min'\n{settings}"
    )
}

fn spawn(state: &Path, arguments: &[OsString]) -> Child {
    let log = File::options().create(true).append(true).open(state.join("log")).expect("a log can be made");
    let mut command = command();
    command.arg("--config").arg(state.join("settings.toml")).args(arguments).stderr(log);
    command.spawn().expect("riserd can be started")
}
