//! A GPU in software: the real elements of GStreamer's VA-API plug-ins over the driver of `tools/soft-va`, which can be
//! told to fail. Nothing of speed is to be learnt from it.

use std::{
    ffi::OsString,
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::PathBuf,
    process::Command,
};

use tempfile::TempDir;

use crate::riserd;

/// The GPU of one box.
pub struct Gpu {
    folder: TempDir,
}

impl Gpu {
    /// A board that prefers these encoder families, and the driver with these knobs (`tools/soft-va/README.md`).
    ///
    /// # Panics
    /// If the driver cannot be built.
    #[must_use]
    pub fn new(families: &[&str], knobs: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let gpu = Self { folder };
        let board = gpu.path("boards/gpu");
        fs::create_dir_all(&board).expect("a folder can be made");
        let base = riserd::repository().join("board-configs/base.toml");
        fs::copy(base, gpu.path("boards/base.toml")).expect("the base board can be copied");
        let board_file =
            format!("id = 'gpu'\ninherit = 'base'\ndescription = 'test'\nencoder.families = {families:?}\n");
        fs::write(board.join("board.toml"), board_file).expect("a file can be written");
        gpu.write_worker(knobs);
        gpu
    }

    /// Arguments for the box.
    #[must_use]
    pub fn arguments(&self) -> Vec<OsString> {
        let (boards, worker) = (self.path("boards"), self.path("worker"));
        vec!["--board-configs".into(), boards.into(), "--pipeline".into(), worker.into()]
    }

    /// A file of this name beside the driver's log.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the driver was asked, a line each.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("asked")).unwrap_or_default()
    }

    /// A program that starts the worker in the driver's environment. The environment is made once: making it takes longer
    /// than starting a worker.
    fn write_worker(&self, knobs: &[(&str, &str)]) {
        let run = riserd::repository().join("tools/soft-va/run");
        let asked = self.path("asked");
        let with = |words: &[&str]| {
            let mut command = Command::new(&run);
            command.arg("--").args(words).env("SOFT_VA_LOG", &asked).envs(knobs.iter().copied());
            let output = command.output().expect("tools/soft-va/run can be started");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        // GStreamer looks for elements once for each set of knobs; no worker is to wait for that.
        with(&["gst-inspect-1.0", "--exists", "fakesink"]);
        let environment = with(&["env", "-0"]);
        let mut script = b"#!/bin/sh\n".to_vec();
        for variable in environment.split(|&byte| byte == 0) {
            let name = variable.split(|&byte| byte == b'=').next().unwrap_or_default();
            let ours = [&b"LIBVA_"[..], b"GST_", b"SOFT_VA_", b"LD_PRELOAD"];
            if ours.iter().any(|prefix| name.starts_with(prefix)) {
                let value = String::from_utf8_lossy(&variable[name.len() + 1..]).replace('\'', r"'\''");
                let name = String::from_utf8_lossy(name);
                script.extend(format!("export {name}='{value}'\n").bytes());
            }
        }
        script.extend(b"unset DISPLAY WAYLAND_DISPLAY\nexec '");
        script.extend(riserd::programs().join("riser-pipeline").as_os_str().as_bytes());
        script.extend(b"' \"$@\"\n");
        let worker = self.path("worker");
        fs::write(&worker, script).expect("a script can be written");
        fs::set_permissions(&worker, fs::Permissions::from_mode(0o755)).expect("it can be made a program");
    }
}
