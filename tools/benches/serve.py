"""What viewers cost: requests per second of the server's processor time, beside nginx with the same bytes in files.

A box records its own test signal at 5 Mbit/s. Segments of 1 MB are asked for at the live edge, where they come from RAM, and
in the past, where they come from the extents; then parts, and a live playlist, which the box renders and nginx has as a file.
Client (wrk), server and encoder share the cores; the encoder's worker does not count. Each ratio is the median of rounds in
which box and nginx take turns.
"""

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import cpu
import report
from box import CACHE, Box, Failed, free_ports, wait_for
from viewer import Viewer

CHANNEL = """
[channel.input]
kind = "test"
[[channel.ladder]]
height = 720
bitrate = 5000000
"""
TRACK = "/live/main/720p"
# Older segments than this are not in RAM any more.
PAST = 40
# What is measured, and how many times as much as nginx it has to serve with as much processor time.
BARS = {"segment, RAM": 1.0, "segment, extents": 0.9, "part, RAM": 1.0, "playlist": 0.7}


class Load(NamedTuple):
    """What a server did under load."""

    per_second: float
    per_cpu_second: float
    p99_ms: float


class Nginx:
    """An nginx that serves a folder as it does best: sendfile, kept connections, no log."""

    def __init__(self):
        CACHE.mkdir(parents=True, exist_ok=True)
        self.dir = Path(tempfile.mkdtemp(prefix="nginx-", dir=CACHE))
        # Its workers are nobody's.
        self.dir.chmod(0o755)
        (self.dir / "files").mkdir()
        (self.port,) = free_ports(1)
        config = self.dir / "nginx.conf"
        config.write_text(
            f"daemon off; pid {self.dir}/pid; worker_processes 2; error_log {self.dir}/log;\n"
            "worker_rlimit_nofile 8192; events { worker_connections 4096; }\n"
            "http { access_log off; sendfile on; keepalive_requests 1000000000; default_type video/mp4;\n"
            f"client_body_temp_path {self.dir}/body; proxy_temp_path {self.dir}/proxy;\n"
            f"fastcgi_temp_path {self.dir}/fastcgi; uwsgi_temp_path {self.dir}/uwsgi; scgi_temp_path {self.dir}/scgi;\n"
            f"server {{ listen 127.0.0.1:{self.port}; root {self.dir}/files; }} }}\n"
        )
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-c", config, "-p", self.dir], stderr=subprocess.DEVNULL)
        wait_for("nginx", lambda: (self.dir / "pid").exists(), 10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.dir)

    def put(self, name, data):
        (self.dir / "files" / name).write_bytes(data)
        return f"http://127.0.0.1:{self.port}/{name}"

    def took(self):
        return cpu.of_tree(self.process.pid).both


def load(url, connections, seconds, took):
    """Asks for `url` again and again; `took` says what the server's processor time is by now."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency", url]
    before = took()
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    used = took() - before
    if done.returncode:
        raise Failed(f"wrk: {done.stderr.strip() or done.stdout.strip()}")
    if bad := re.search(r"Non-2xx or 3xx responses: \d+|Socket errors: .*", done.stdout):
        raise Failed(f"{url}: {bad[0]}")
    count = int(re.search(r"(\d+) requests in", done.stdout)[1])
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout)
    scale = {"us": 0.001, "ms": 1, "s": 1000}[p99[2]]
    per_second = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])
    return Load(per_second, count / max(used, 0.01), float(p99[1]) * scale)


def segments(text):
    """The addresses of a playlist's whole segments, oldest first."""
    return [f"{TRACK}/{line}" for line in text.splitlines() if re.fullmatch(r"\d+\.m4s", line)]


def parts(text):
    return [f"{TRACK}/{uri}" for uri in re.findall(r'#EXT-X-PART:.*?URI="([^"]+)",INDEPENDENT=YES', text)]


def subject(viewer, kind):
    """What to ask for now, and its bytes."""
    playlist = f"{TRACK}/media.m3u8"
    text = viewer.get(playlist)[0].decode()
    address = {
        "segment, RAM": lambda: segments(text)[-1],
        "segment, extents": lambda: segments(text)[0],
        "part, RAM": lambda: parts(text)[-1],
        "playlist": lambda: playlist,
    }[kind]()
    return address, viewer.get(address)[0]


def compare(box, nginx, kind, connections, options):
    """The loads of box and nginx in turns, and the bytes of what was asked for."""
    loads, size = [], 0
    for turn in range(options.rounds):
        viewer = Viewer(box.port)
        address, data = subject(viewer, kind)
        size = len(data)
        copy = nginx.put("file", data)
        own = f"http://127.0.0.1:{box.port}{address}"
        riserd = box.process.pid

        def box_took():
            return cpu.of(riserd).both

        def measure(url, took):
            return load(url, connections, options.seconds, took)

        # Whoever is second has the caches warm.
        if turn % 2:
            nginx_load = measure(copy, nginx.took)
            address, data = subject(Viewer(box.port), kind)
            loads.append((measure(f"http://127.0.0.1:{box.port}{address}", box_took), nginx_load))
        else:
            loads.append((measure(own, box_took), measure(copy, nginx.took)))
    return loads, size


def row(name, connections, size, loads):
    def of(which, field):
        return report.median(getattr(pair[which], field) for pair in loads)

    ratio = report.median(ours.per_cpu_second / theirs.per_cpu_second for ours, theirs in loads)
    cells = [f"{of(0, 'per_cpu_second'):.0f}", f"{of(1, 'per_cpu_second'):.0f}", f"{ratio:.2f}", f"{BARS[name]:.2f}"]
    cells += [f"{of(0, 'per_second'):.0f}", f"{of(1, 'per_second'):.0f}"]
    cells += [f"{of(0, 'p99_ms'):.0f}", f"{of(1, 'p99_ms'):.0f}"]
    return ratio, [name, str(connections), f"{size / 1000:.0f}", *cells]


def main():
    options = argparse.ArgumentParser(prog="tools/bench serve", description=__doc__.partition("\n")[0])
    options.add_argument("--seconds", type=int, default=4, help="of each load (4)")
    options.add_argument("--rounds", type=int, default=3, help="of each pair (3)")
    options.add_argument("--connections", type=int, nargs="+", default=[200, 1000], help="at once (200 1000)")
    options = options.parse_args()
    report.head("serve: the box beside nginx, one load at a time")
    gates, rows = {}, []
    with Box(CHANNEL, dvr='size = "1GiB"') as box, Nginx() as nginx:
        box.settled()
        viewer = Viewer(box.port)

        def has_past():
            return len(segments(viewer.get(f"{TRACK}/media.m3u8")[0].decode())) * 1.6 > PAST

        wait_for("a past that is not in RAM", has_past, 90)
        for name, bar in BARS.items():
            for connections in options.connections:
                loads, size = compare(box, nginx, name, connections, options)
                ratio, cells = row(name, connections, size, loads)
                gates[f"{name}, {connections} connections"] = ratio / bar
                rows.append(cells)
        resident = box.resident() / 1e6
    header = ["what", "at once", "kB", "per CPU s", "nginx", "ratio", "bar", "per s", "nginx", "p99 ms", "nginx"]
    report.table(header, rows)
    print(f"most memory of riserd: {resident:.0f} MB")
    report.judge_gates("serve", gates)


if __name__ == "__main__":
    report.run(main)
