"""How soon a crowd at the live edge has each part: viewers of low-latency HLS who all wait for the same playlist, on loopback.

Every 200 ms all of them get the playlist that names the next part, and fetch it. Client, server and encoder share the cores, so
crowds of several sizes are measured: the bar is for the largest. A part's birth is the first answer that names it.
"""

import argparse
import json
import resource
import subprocess

import report
from box import ROOT, Box, Failed, wait_for
from viewer import Viewer

PLAYLIST = "/live/main/180p/media.m3u8"
# Milliseconds after a part's birth in which 99 of 100 have it.
BAR = 50
# Parts of this are small: it is not the cores' memory that is measured.
CHANNEL = '[channel.input]\nkind = "test"\nwidth = 320\nheight = 180\n[[channel.ladder]]\nheight = 180\nbitrate = 100000'
# Bytes that each viewer may cost.
BYTES = 64 << 10


def main():
    options = argparse.ArgumentParser(prog="tools/bench blocking", description=__doc__.partition("\n")[0])
    options.add_argument("--viewers", type=int, nargs="+", default=[200, 500, 1000, 2000], help="at once (200 500 1000 2000)")
    options.add_argument("--seconds", type=int, default=60, help="of each crowd (60)")
    options = options.parse_args()
    report.head("blocking: a crowd at the live edge of low-latency HLS")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rows, gates = [], {}
    with Box(CHANNEL, dvr='size = "64MiB"\nextent = "4MiB"\nwindow = "1min"') as box:
        box.settled()
        viewer = Viewer(box.port)
        wait_for("a live edge", lambda: viewer.get(PLAYLIST)[0].count(b"#EXTINF") > 3, 30)
        before = box.resident()
        for viewers in options.viewers:
            crowd = [ROOT / "target" / "release" / "examples" / "crowd", f"127.0.0.1:{box.port}", PLAYLIST]
            done = subprocess.run(
                [*crowd, str(viewers), str(options.seconds)], capture_output=True, text=True, timeout=options.seconds + 60
            )
            if done.returncode:
                raise Failed(f"{viewers} viewers: {done.stderr.strip()} {done.stdout.strip()}")
            told = json.loads(done.stdout)
            grown = box.resident() - before
            cells = [f"{told[name]:.1f}" for name in ("p50", "p99", "p999")]
            missed = f"{100 * told['missed'] / max(1, told['missed'] + told['fetched']):.2f} %"
            rows.append([str(viewers), str(told["parts"]), *cells, missed, f"{grown / 1e6:.0f}"])
            gates[f"p99 of {viewers} viewers"] = BAR / max(told["p99"], 0.001)
        gates["memory"] = options.viewers[-1] * BYTES / max(grown, 1)
    report.table(["viewers", "parts", "p50 ms", "p99 ms", "p99.9 ms", "missed", "MB grown"], rows)
    print(f"bar: p99 of {BAR} ms, {BYTES >> 10} KiB for each viewer")
    report.judge_gates("blocking", gates)


if __name__ == "__main__":
    report.run(main)
