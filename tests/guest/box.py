"""A running riserd, asked as its technician and its viewers ask it."""

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VIEWERS = "http://127.0.0.1:8080"
STATUS = "http://127.0.0.1:8081/api/v1/status"
LISTENERS = """
state_dir = "{state}"
[viewers]
listen = "127.0.0.1:8080"
[management]
listen = "127.0.0.1:8081"
[dvr]
size = "64MiB"
extent = "4MiB"
"""


class Failure(Exception):
    """What the box should have done and did not."""


class Riserd:
    """One life of it, in a state folder of its own."""

    # Seconds between two looks at what is waited for.
    pause = 0.1

    def __init__(self, folder: Path, name: str, settings: str, *arguments: str | Path):
        """With these settings besides its addresses; its log goes to /out where there is one, else to /tmp."""
        self.state = Path("/var/tmp") / f"riser-{name}"
        self.state.mkdir()
        file = self.state / "riser.toml"
        file.write_text(LISTENERS.format(state=self.state) + settings)
        logs = Path("/out") if Path("/out").is_dir() else Path("/tmp")
        command = [folder / "riserd", "--config", file, "--web", ROOT / "firmware/origin/web/dist"]
        if "--board-configs" not in arguments:
            command += ["--board-configs", ROOT / "board-configs"]
        with open(logs / f"riserd-{name}.log", "wb") as log:
            self.process = subprocess.Popen([*command, *arguments], stdout=log, stderr=log)

    def __enter__(self) -> "Riserd":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def channel(self, name: str) -> dict:
        """What the status says of a channel."""
        return json.loads(fetch(f"{STATUS}/channels/{name}"))

    def input(self, channel: str = "main") -> dict:
        """What the status says of its input."""
        return self.channel(channel)["input"]

    def wait(self, seconds: float, what: str, reached: Callable[[], bool]) -> float:
        """Until `reached`; says how long it took, and gives it back."""
        began = time.monotonic()
        while not _answers(reached):
            if self.process.poll() is not None:
                raise Failure(f"riserd ended with status {self.process.returncode} before {what}")
            if time.monotonic() - began > seconds:
                raise Failure(f"not in {seconds} s: {what}; the status says {self._last_status()}")
            time.sleep(self.pause)
        took = time.monotonic() - began
        say(f"{what} ({took:.1f} s)")
        return took

    def wait_state(self, seconds: float, state: str, reason: str = "", channel: str = "main") -> float:
        """Until the input of a channel is in this state for this reason."""
        what = f"input of {channel} is {state}{': ' if reason else ''}{reason}"

        def reached() -> bool:
            told = self.input(channel)
            return told["state"] == state and reason in told["reason"]

        return self.wait(seconds, what, reached)

    def restarts(self) -> int:
        """How often its workers had to be started again."""
        return sum(process["restarts"] for process in json.loads(fetch(f"{STATUS}/processes")))

    def check_playlist(self, channel: str = "main") -> None:
        """All that was streamed since the start, by one worker: neither gap nor break, and the numbers follow each other."""
        lines = fetch(media_playlist(channel)).splitlines()
        numbers = [int(line.removesuffix(".m4s")) for line in lines if line.endswith(".m4s")]
        if "#EXT-X-GAP" in lines or "#EXT-X-DISCONTINUITY" in lines:
            raise Failure("the playlist has a gap or a break:\n" + "\n".join(lines))
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise Failure(f"numbers are missing in the playlist: {numbers}")
        if (restarts := self.restarts()) > 0:
            raise Failure(f"the worker had to be started {restarts} times more")
        say(f"{len(numbers)} segments of {channel} without a gap")

    def stop(self) -> None:
        """Asks riserd to end; it must, and cleanly."""
        self.process.terminate()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            raise Failure("riserd does not end 30 s after SIGTERM") from None
        if status != 0:
            raise Failure(f"riserd ended with status {status} after SIGTERM")

    def _last_status(self) -> str:
        try:
            return fetch(f"{STATUS}/channels")
        except OSError as error:
            return f"nothing: {error}"


def _answers(reached: Callable[[], bool]) -> bool:
    try:
        return reached()
    except OSError:
        return False


def say(text: str) -> None:
    print(f"[{time.monotonic():6.1f}] {text}", flush=True)


def fetch(address: str) -> str:
    """What is at an address of the box."""
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read().decode()


def master(channel: str = "main") -> str:
    """Where viewers begin."""
    return f"{VIEWERS}/live/{channel}/master.m3u8"


def media_playlist(channel: str = "main") -> str:
    """Where the playlist of its pictures is."""
    variant = next(line for line in fetch(master(channel)).splitlines() if line and not line.startswith("#"))
    return urllib.parse.urljoin(master(channel), variant)


def newest_picture(channel: str, size: tuple[int, int]) -> bytes:
    """Decodes the newest segment as a viewer gets it: the first picture, 3 bytes a pixel; nothing where there is none."""
    viewer = ["ffmpeg", "-v", "error", "-live_start_index", "-1", "-i", master(channel), "-frames:v", "1",
              "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(viewer, capture_output=True, timeout=60)
    if len(done.stdout) == size[0] * size[1] * 3:
        return done.stdout
    say(f"no picture: {len(done.stdout)} bytes; {done.stderr.decode(errors='replace').strip()}")
    return b""
