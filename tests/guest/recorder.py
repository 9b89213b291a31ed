"""The machine that records: its file system, riserd in it, and its plug."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from socket import create_server

from viewer import ABSENT, Client, Refused

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# The ring of 64 MiB, the catalogue, a journal of 16 MiB and some air.
IMAGE = 160 << 20
VIEWERS, MANAGEMENT = 8080, 8081
# Parts are 200 ms at 10 frames/s exactly.
RATE = 10
SETTINGS = f"""
state_dir = "/mnt/state"
[viewers]
listen = "0.0.0.0:{VIEWERS}"
[management]
listen = "0.0.0.0:{MANAGEMENT}"
plain_http = true
[channel]
frame_rate = {RATE}
[channel.input]
kind = "test"
width = 160
height = 90
[[channel.ladder]]
height = 90
bitrate = 300000
[dvr]
size = "64MiB"
extent = "4MiB"
window = "1min"
"""
RISERD = ROOT / "target/release/riserd"
BOX = f"""
mount -t ext4 -o barrier,errors=remount-ro /dev/vda /mnt || exit
exec {RISERD} --config /mnt/riser.toml --board-configs {ROOT}/board-configs \
  --web {ROOT}/firmware/origin/web/dist
"""
# Lines of e2fsck that are passed on.
COMPLAINTS = 8
# From switching on to the end of a life.
LIFE = 600


class Failure(Exception):
    """What ends the test."""


def make_file_system(image: Path, scratch: Path, token: str) -> None:
    """An ext4 with the box's settings and the token of its management interface."""
    if not RISERD.is_file():
        raise Failure(f"{RISERD} is missing: cargo build --release -p riserd -p riser-pipeline")
    files = scratch / "files"
    (files / "state").mkdir(parents=True)
    (files / "riser.toml").write_text(SETTINGS)
    secret = files / "state/management-token"
    secret.touch(0o600)
    secret.write_text(token)
    image.unlink(missing_ok=True)
    with open(image, "wb") as file:
        file.truncate(IMAGE)
    _tool("mkfs.ext4", "-q", "-b", "4096", "-J", "size=16", "-E", "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0",
          "-d", str(files), str(image))


def check_file_system(image: Path, scratch: Path) -> list[str]:
    """What a copy of the file system lacks once its journal has been replayed."""
    copy = scratch / "copy.img"
    _tool("cp", "--sparse=always", str(image), str(copy))
    _tool("e2fsck", "-E", "journal_only", "-p", str(copy), allowed=(0, 1))
    checked = subprocess.run(["/usr/sbin/e2fsck", "-f", "-n", str(copy)], capture_output=True, text=True)
    copy.unlink()
    found = [line for line in checked.stdout.splitlines() if line and not line.startswith("Pass ")]
    return [] if checked.returncode == 0 else [f"e2fsck: {line}" for line in found[:COMPLAINTS]]


def _tool(name: str, *options: str, allowed: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run([name, *options], capture_output=True, text=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    if done.returncode not in allowed:
        raise Failure(f"{name} failed: {(done.stderr or done.stdout).strip()}")


class Machine:
    """One life, from switching on to the pull."""

    def __init__(self, out: Path, disk: Path, token: str):
        self._console, self._log = out / "console.log", out / "riserd.log"
        viewers, management = _free_ports()
        command = ["setpriv", "--pdeathsig", "TERM", sys.executable, HERE / "run", "--timeout", str(LIFE), "--out", out,
                   "--disk", disk, "--module", "virtio_blk", "--module", "ext4", "--forward", f"{viewers}:{VIEWERS}",
                   "--forward", f"{management}:{MANAGEMENT}", "--", "sh", "-c", BOX]
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.viewer, self._api = Client(viewers), Client(management, token)

    def wait(self, what: str, reached: Callable[[], bool], seconds: float = 180) -> None:
        """Until `reached`; what is not there yet counts as not reached."""
        until = time.monotonic() + seconds
        while not _answers(reached):
            if self._process.poll() is not None:
                last = self._log.read_text(errors="replace").strip().rpartition("\n")[2]
                raise Failure(f"the machine ended before {what}; its last words, all of them in {self._log}: {last}")
            if time.monotonic() > until:
                raise Failure(f"not in {seconds:g} s: {what}; see {self._log}")
            time.sleep(0.05)

    def begin_program(self) -> None:
        """Makes, publishes and starts a program that keeps all."""
        self.wait("the channel runs", lambda: self._call("GET", "/channels/main", 200)[1]["state"] == "running")
        _, program = self._call("POST", "/programs", 201, {"channel": "main", "name": "Night"})
        path = f"/programs/{program['id']}"
        self._call("POST", f"{path}/publish", 200, {"locator": "night"})
        operation, _ = self._call("POST", f"{path}/start", 202)
        self.wait("the program runs", lambda: self._state(operation) == "Succeeded")

    def status(self, part: str) -> object:
        """A part of the box's status."""
        return self._call("GET", f"/status{part}", 200)[1]

    def refuses_programs(self) -> str | None:
        """Why no program can be made just now; none where one was made."""
        status, _, answer = self._api.ask("POST", "/api/v1/programs", {"channel": "main", "name": "Late"})
        return None if status == 201 else f"{status}: {answer.decode(errors='replace')}"

    def _state(self, operation: str) -> str:
        return self._call("GET", f"/operations/{operation}", 200)[1]["state"]

    def _call(self, method: str, path: str, wanted: int, body: object = None) -> tuple[str, dict]:
        status, headers, answer = self._api.ask(method, f"/api/v1{path}", body)
        if status != wanted:
            raise Refused(f"{method} {path}: status {status}: {answer.decode(errors='replace')}")
        return headers.get("operation-id", ""), json.loads(answer)

    def replayed(self) -> bool:
        """Whether the kernel had a journal to replay in this life."""
        return "EXT4-fs (vda): recovery complete" in self._console.read_text(errors="replace")

    def pull_plug(self) -> list[str]:
        """The end, at once; what the kernel had to complain of until then."""
        # The harness kills the emulated machine as it ends.
        self._process.terminate()
        self._process.wait()
        lines = self._console.read_text(errors="replace").splitlines() if self._console.exists() else []
        return [f"kernel: {line}" for line in lines if "EXT4-fs error" in line or "I/O error" in line]


def _answers(reached: Callable[[], bool]) -> bool:
    try:
        return reached()
    except (*ABSENT, Refused):
        return False


def _free_ports() -> list[int]:
    # Both are held until both are known, so that they differ.
    with create_server(("127.0.0.1", 0)) as one, create_server(("127.0.0.1", 0)) as other:
        return [one.getsockname()[1], other.getsockname()[1]]
