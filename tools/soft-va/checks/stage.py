# SPDX-License-Identifier: Apache-2.0 OR MIT
"""One check's stage: its folder, pipelines run in it over the driver, what the driver noted, and the streams that came out."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUN = HERE.parent / "run"
# Debian's own Python: python3-gi is made for no other.
PLAYER = ("/usr/bin/python3", str(HERE / "player.py"))
# For whatever should take a second or two; a machine may be busy.
PATIENCE = 60

# The elements, and the names each has for the same things.
ENCODERS = {
    "vaapih264enc": {"codec": "h264", "parser": "h264parse", "period": "keyframe-period"},
    "vaapih265enc": {"codec": "hevc", "parser": "h265parse", "period": "keyframe-period"},
    "vah264enc": {"codec": "h264", "parser": "h264parse", "period": "key-int-max"},
    "vah265enc": {"codec": "hevc", "parser": "h265parse", "period": "key-int-max"},
}


class Failure(Exception):
    """What a check found wrong."""


def expect(wanted, got, what: str):
    if wanted != got:
        raise Failure(f"{what}: wanted {wanted}, got {got}")


def within(low: float, got: float, high: float, what: str):
    if not low <= got <= high:
        raise Failure(f"{what}: wanted {low:g} to {high:g}, got {got:g}")


def source(width: int, height: int, frames: int, pattern: str = "smpte", pixels: str = "NV12", rate: str = "30/1") -> str:
    caps = f"video/x-raw,format={pixels},width={width},height={height},framerate={rate}"
    return f"videotestsrc num-buffers={frames} pattern={pattern} ! {caps}"


def encoder(element: str, period: int = 30, **properties) -> str:
    """The element and its parser; constant quality unless the properties say otherwise."""
    names = ENCODERS[element]
    properties = {"rate_control": "cqp", names["period"]: period} | properties
    words = [element] + [f"{name.replace('_', '-')}={value}" for name, value in properties.items()]
    return f"{' '.join(words)} ! {names['parser']}"


class Stage:
    """Where one check plays."""

    def __init__(self, folder: Path, plugins: Path):
        folder.mkdir(parents=True)
        self.folder = folder
        self.plugins = plugins
        self.log = folder / "requests"

    def path(self, name: str) -> Path:
        return self.folder / name

    def start(self, *command: str, plugins: bool = True, route: tuple = (), **knobs: str) -> subprocess.Popen:
        """The command over the driver, in a process group of its own."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("SOFT_VA_", "GST_"))}
        environment |= {"SOFT_VA_LOG": str(self.log)}
        if plugins:
            environment |= {"GST_PLUGIN_SYSTEM_PATH_1_0": str(self.plugins)}
        environment |= knobs
        with open(self.path("output"), "ab") as output:
            return subprocess.Popen([RUN, *route, "--", *command], env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                    stderr=output, start_new_session=True)

    def run(self, *command: str, patience: float = PATIENCE, **more) -> int:
        """The command's exit status."""
        process = self.start(*command, **more)
        try:
            return process.wait(patience)
        except subprocess.TimeoutExpired:
            raise Failure(f"{command[0]} still runs after {patience} s; {self.last_words()}") from None
        finally:
            self.stop(process)

    @staticmethod
    def stop(process: subprocess.Popen):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def attempt(self, pipeline: str, *acts: str, **more) -> int:
        """The player's exit status: 0 at the end of the stream, 1 after an error."""
        return self.run(*PLAYER, *acts, pipeline, **more)

    def play(self, pipeline: str, *acts: str, **more):
        """A pipeline that must end well."""
        status = self.attempt(pipeline, *acts, **more)
        if status != 0:
            raise Failure(f"the player ended with {status}; {self.last_words()}")

    def encode(self, name: str, pipeline: str, **more) -> "Stream":
        self.play(f"{pipeline} ! mp4mux ! filesink location={self.path(name)}", **more)
        return Stream(self.path(name))

    def output(self) -> str:
        return self.path("output").read_text(errors="replace") if self.path("output").exists() else ""

    def last_words(self) -> str:
        lines = [line for line in self.output().splitlines() if line.strip()]
        return " / ".join(lines[-3:]) or "it said nothing"

    def requests(self, event: str | None = None) -> list[dict]:
        """The driver's log, of one kind of event or all."""
        if not self.log.exists():
            return []
        lines = [dict(word.split("=", 1) for word in line.split()) for line in self.log.read_text().splitlines()]
        return [line for line in lines if event in (None, line["event"])]

    def wait_for(self, condition, process: subprocess.Popen, what: str):
        """Waits until the condition holds while the process runs."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if process.poll() is not None:
                raise Failure(f"{what} never came: the process ended with {process.returncode}; {self.last_words()}")
            if time.monotonic() > end:
                raise Failure(f"{what} did not come within {PATIENCE} s")
            time.sleep(0.02)

    def features(self, plugin: str, **more) -> list[str]:
        """The elements that GStreamer finds in a plugin."""
        self.path("output").unlink(missing_ok=True)
        self.run("gst-inspect-1.0", plugin, **more)
        return sorted(re.findall(r"^ +(\w+): ", self.output(), re.MULTILINE))


class Stream:
    """What ffmpeg reads in a file."""

    def __init__(self, path: Path):
        self.path = path
        self._frames = None
        fields = "codec_name,profile,width,height"
        self.video = self._probe("-show_entries", f"stream={fields}")["streams"][0]

    def _probe(self, *what: str) -> dict:
        command = ["ffprobe", "-v", "error", "-select_streams", "v", *what, "-of", "json", str(self.path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode != 0 or done.stderr:
            raise Failure(f"ffprobe of {self.path.name}: {done.stderr.strip() or done.returncode}")
        return json.loads(done.stdout)

    @property
    def frames(self) -> list[dict]:
        if self._frames is None:
            self._frames = self._probe("-show_entries", "frame=key_frame,pict_type,pkt_size")["frames"]
        return self._frames

    @property
    def keys(self) -> list[int]:
        return [index for index, frame in enumerate(self.frames) if frame["key_frame"]]

    @property
    def size(self) -> tuple[int, int]:
        return self.video["width"], self.video["height"]

    def kbit(self, first: int, end: int) -> float:
        """Of these frames, a second, at 30 frames a second."""
        return sum(int(frame["pkt_size"]) for frame in self.frames[first:end]) * 8 * 30 / (end - first) / 1000

    def decodes(self):
        """Every frame, and the decoder has nothing to remark."""
        command = ["ffmpeg", "-v", "warning", "-xerror", "-i", str(self.path), "-f", "null", "-"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode != 0 or done.stderr:
            raise Failure(f"ffmpeg decoding {self.path.name}: {done.stderr.strip() or done.returncode}")

    def picture(self, pixels: str = "yuv420p") -> bytes:
        """The first frame, decoded."""
        command = ["ffmpeg", "-v", "error", "-i", str(self.path), "-frames:v", "1", "-pix_fmt", pixels, "-f", "rawvideo", "-"]
        return subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True).stdout


def difference(one: bytes, other: bytes) -> float:
    """Mean absolute difference of two pictures' samples."""
    expect(len(one), len(other), "bytes of a picture")
    return sum(abs(a - b) for a, b in zip(one, other)) / len(one)
