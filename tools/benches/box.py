"""A box of this checkout's release build, run for one measurement."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "target" / "bench"


class Failed(Exception):
    """A measurement that could not be made; the text says why."""


def wait_for(what, condition, seconds):
    """The first true value of `condition`, looked at every 20 ms."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise Failed(f"{what} did not happen within {seconds} s")


def free_ports(count):
    """Ports that nothing on this machine listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports


class Box:
    """A running box with an empty state folder, which goes when the box is closed; or with one that stays."""

    def __init__(self, channel, dvr='size = "256MiB"', state=None, board=None, viewers=""):
        """`channel` and `dvr` are the settings' text below these headings, `state` is a folder that others have prepared. A
        list of texts makes as many channels. Without `board` the box chooses by itself. `viewers` is more of that heading."""
        CACHE.mkdir(parents=True, exist_ok=True)
        self.dir = Path(tempfile.mkdtemp(prefix="box-", dir=CACHE))
        self.port, self.management = free_ports(2)
        settings = self.dir / "settings.toml"
        settings.write_text(
            f'state_dir = "{state or self.dir / "state"}"\n'
            f'[viewers]\nlisten = "127.0.0.1:{self.port}"\n{viewers}\n'
            f'[management]\nlisten = "127.0.0.1:{self.management}"\n'
            + (f'[board]\nid = "{board}"\n' if board else "")
            + (f"[dvr]\n{dvr}\n" if dvr else "")
            + (f"[channel]\n{channel}\n" if isinstance(channel, str) else "\n".join(f"[[channel]]\n{one}" for one in channel))
        )
        for program in ("riserd", "riser-pipeline"):
            # A link of its own: a build under way must not change what is measured.
            os.link(ROOT / "target" / "release" / program, self.dir / program)
        self.log = open(self.dir / "log", "w")
        command = [self.dir / "riserd", "--config", settings, "--board-configs", ROOT / "board-configs"]
        command += ["--web", ROOT / "firmware" / "origin" / "web" / "dist"]
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, stderr=self.log, stdout=self.log)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        if kind:
            sys.stderr.write((self.dir / "log").read_text()[-2000:])
        shutil.rmtree(self.dir)

    def resident(self):
        """The most memory that riserd has had resident, in bytes (VmHWM of proc(5))."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))

    def status(self):
        """The box's own account of itself; none while it does not answer yet."""
        if self.process.poll() is not None:
            raise Failed(f"riserd ended by itself with status {self.process.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", self.management, timeout=5)
        try:
            connection.request("GET", "/api/v1/status")
            return json.loads(connection.getresponse().read())
        except OSError:
            return None
        finally:
            connection.close()

    def running(self):
        """Waits until the channel runs; the status then."""

        def runs():
            status = self.status()
            return status if status and status["channels"][0]["state"] == "running" else None

        return wait_for("a running channel", runs, 20)

    def settled(self):
        """Waits until the channel runs and the store has written its files, which it does once; the status then."""

        def written():
            status = self.running()
            return status if status["store"]["written"] >= status["store"]["size"] else None

        return wait_for("a finished store", written, 60)
