"""What viewers cost: requests per second of the server's processor time, beside nginx with the same bytes in files.

A box records footage at 5 Mbit/s. Segments of 1 MB are asked for at the live edge, where they come from RAM, and in the past:
one by all, which is read once, and each in turn, more than is kept in RAM, so that they come from the extents. Then parts, and
a live playlist, which the box renders and nginx has as a file.
Client (wrk), server and encoder share the cores; the encoder's worker does not count. Each ratio is the median of rounds in
which box and nginx take turns.

On a loopback the kernel's work on a byte is the server's or the client's processor time, depending on whether it goes out
when it is sent or when the client acknowledges what came before; with receive buffers that grow as they like it is one or the other
by chance, and the ratio of the same server to itself varies twofold. So all runs in a network of its own where clients have
128 kB, as much as a client begins with.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import cpu
import report
from box import CACHE, Box, Failed, free_ports, wait_for
from clip import clip
from viewer import Viewer

TRACK = "/live/main/720p"
# Segments so many seconds long, of so many bytes together, are more than the box keeps of what was asked for lately.
SECONDS, BYTES = 1.6, 64e6
# The newest of so many seconds are in RAM.
LIVE = 32
# What is measured, and how many times as much as nginx it has to serve with as much processor time.
BARS = {"segment, live": 1.0, "segment, past": 1.0, "segments, extents": 0.9, "part, live": 1.0, "playlist": 0.7}
TLS_BAR = 0.9
# Asks for one after the other.
SCRIPT = """
wrk.headers["Host"] = "127.0.0.1"
local requests, nth = {}, 0
for path in io.lines("%s") do requests[#requests + 1] = wrk.format("GET", path) end
request = function() nth = nth %% #requests + 1; return requests[nth] end
"""


class Load(NamedTuple):
    """What a server did under load."""

    per_second: float
    per_cpu_second: float
    p99_ms: float


class Nginx:
    """An nginx that serves a folder as it does best: sendfile, kept connections, no log; over TLS where that is asked for."""

    def __init__(self, tls):
        CACHE.mkdir(parents=True, exist_ok=True)
        self.dir = Path(tempfile.mkdtemp(prefix="nginx-", dir=CACHE))
        # Its workers are nobody's.
        self.dir.chmod(0o755)
        (self.dir / "files").mkdir()
        (self.port,) = free_ports(1)
        config = self.dir / "nginx.conf"
        listen = f"listen 127.0.0.1:{self.port};"
        if tls:
            request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=nginx"
            files = ["-out", self.dir / "tls.pem", "-keyout", self.dir / "tls.key"]
            subprocess.run(["openssl", *request.split(), *files], check=True, capture_output=True)
            certificate = f"ssl_certificate {self.dir}/tls.pem; ssl_certificate_key {self.dir}/tls.key;"
            listen = f"listen 127.0.0.1:{self.port} ssl; {certificate}"
        config.write_text(
            f"daemon off; pid {self.dir}/pid; worker_processes 2; error_log {self.dir}/log;\n"
            "worker_rlimit_nofile 8192; events { worker_connections 4096; }\n"
            "http { access_log off; sendfile on; keepalive_requests 1000000000; default_type video/mp4;\n"
            f"client_body_temp_path {self.dir}/body; proxy_temp_path {self.dir}/proxy;\n"
            f"fastcgi_temp_path {self.dir}/fastcgi; uwsgi_temp_path {self.dir}/uwsgi; scgi_temp_path {self.dir}/scgi;\n"
            f"server {{ {listen} root {self.dir}/files; }} }}\n"
        )
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-c", config, "-p", self.dir], stderr=subprocess.DEVNULL)
        wait_for("nginx", lambda: (self.dir / "pid").exists(), 10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.dir)

    def put(self, address, data):
        file = self.dir / "files" / address.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def took(self):
        return cpu.of_tree(self.process.pid).both


def load(port, addresses, connections, seconds, took, tls=False):
    """Asks for the addresses again and again; `took` says what the server's processor time is by now."""
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}{addresses[0]}"
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        (paths, script) = (Path(folder) / "paths", Path(folder) / "turns.lua")
        paths.write_text("".join(f"{address}\n" for address in addresses))
        script.write_text(SCRIPT % paths)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency", "-s", script, url]
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
    """What to ask for now."""
    playlist = f"{TRACK}/media.m3u8"
    text = viewer.get(playlist)[0].decode()
    past = segments(text)[: -int(LIVE / SECONDS)]
    return {
        "segment, live": lambda: segments(text)[-1:],
        # The first of all began late.
        "segment, past": lambda: past[1:2],
        "segments, extents": lambda: past,
        "part, live": lambda: parts(text)[-1:],
        "playlist": lambda: [playlist],
    }[kind]()


def compare(box, nginx, kind, connections, options):
    """The loads of box and nginx in turns, and the mean size of what was asked for."""
    loads, sizes = [], []

    def of_box():
        addresses, riserd = subject(Viewer(box.port, options.tls), kind), box.process.pid
        return load(box.port, addresses, connections, options.seconds, lambda: cpu.of(riserd).both, options.tls)

    def of_nginx():
        viewer = Viewer(box.port, options.tls)
        addresses = subject(viewer, kind)
        for address in addresses:
            data = viewer.get(address)[0]
            sizes.append(len(data))
            nginx.put(address, data)
        return load(nginx.port, addresses, connections, options.seconds, nginx.took, options.tls)

    for turn in range(options.rounds):
        if turn % 2:
            nginx_load = of_nginx()
            loads.append((of_box(), nginx_load))
        else:
            loads.append((of_box(), of_nginx()))
    return loads, sum(sizes) / len(sizes)


def row(name, bar, connections, size, loads):
    def of(which, field):
        return report.median(getattr(pair[which], field) for pair in loads)

    ratio = report.median(ours.per_cpu_second / theirs.per_cpu_second for ours, theirs in loads)
    cells = [f"{of(0, 'per_cpu_second'):.0f}", f"{of(1, 'per_cpu_second'):.0f}", f"{ratio:.2f}", f"{bar:.2f}"]
    cells += [f"{of(0, 'per_second'):.0f}", f"{of(1, 'per_second'):.0f}"]
    cells += [f"{of(0, 'p99_ms'):.0f}", f"{of(1, 'p99_ms'):.0f}"]
    return ratio, [name, str(connections), f"{size / 1000:.0f}", *cells]


def in_own_network():
    """Runs this again in a network namespace that has nothing but a loopback, unless it is there."""
    if os.environ.get("RISER_OWN_NETWORK"):
        return
    prepare = "ip link set lo up && sysctl -qw net.ipv4.tcp_rmem='4096 131072 131072' && exec \"$@\""
    command = ["unshare", "--net", "sh", "-c", prepare, "sh", sys.executable, *sys.argv]
    os.execvpe(command[0], command, {**os.environ, "RISER_OWN_NETWORK": "1"})


def main():
    options = argparse.ArgumentParser(prog="tools/bench serve", description=__doc__.partition("\n")[0])
    options.add_argument("--seconds", type=int, default=4, help="of each load (4)")
    options.add_argument("--rounds", type=int, default=3, help="of each pair (3)")
    options.add_argument("--connections", type=int, nargs="+", default=[200, 1000], help="at once (200 1000)")
    options.add_argument("--tls", action="store_true", help="HTTPS, with a bar of 0.9 at the most")
    options = options.parse_args()
    in_own_network()
    report.head("serve: the box beside nginx, one load at a time" + (", over TLS" if options.tls else ""))
    gates, rows = {}, []
    channel = f'[channel.input]\nkind = "file"\npath = "{clip()}"\n[[channel.ladder]]\nheight = 720\nbitrate = 5000000'
    viewers = "own_certificate = true" if options.tls else ""
    with Box(channel, dvr='size = "1GiB"', viewers=viewers) as box, Nginx(options.tls) as nginx:
        box.settled()
        viewer = Viewer(box.port, options.tls)
        print("recording more than is kept in RAM", flush=True)

        def has_past():
            text = viewer.get(f"{TRACK}/media.m3u8")[0].decode()
            return len(segments(text)) * SECONDS * 5e6 / 8 > BYTES + LIVE * 5e6 / 8

        wait_for("a past that is not in RAM", has_past, 300)
        for name, bar in BARS.items():
            bar = min(bar, TLS_BAR) if options.tls else bar
            for connections in options.connections:
                loads, size = compare(box, nginx, name, connections, options)
                ratio, cells = row(name, bar, connections, size, loads)
                gates[f"{name}, {connections} connections"] = ratio / bar
                rows.append(cells)
        resident = box.resident() / 1e6
    header = ["what", "at once", "kB", "per CPU s", "nginx", "ratio", "bar", "per s", "nginx", "p99 ms", "nginx"]
    report.table(header, rows)
    print(f"most memory of riserd: {resident:.0f} MB")
    report.judge_gates("serve", gates)


if __name__ == "__main__":
    report.run(main)
