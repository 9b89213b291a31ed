"""What each protocol's segment costs: processor time of the box for a segment of the timeline, beside the stored one as it lies.

A box records footage at 5 Mbit/s; segments of the past are asked for in turn, more than is kept in RAM, so that each is read from
the disk's cache and made anew: multiplexed, wrapped or encrypted. Client (wrk), server and encoder share the cores; the encoder's
worker does not count. Each ratio is the median of rounds in which both take turns.
"""

import argparse
import re
import tempfile
from pathlib import Path

import cpu
import report
from box import CACHE, Box, Failed, wait_for
from clip import clip
from serve import BYTES, LIVE, SECONDS, TRACK, load, segments
from viewer import Viewer

# How many times as much as the stored segment each may cost; segments of the timeline in one of its own.
BARS = {"TS": (3.0, 3), "Smooth": (3.0, 1), "HDS": (3.0, 1), "AES-128": (2.0, 1), "cenc": (2.0, 1), "cbcs": (2.0, 1)}
KEY = "key = 'house'"
DELIVERY = f"""
[[channel.delivery]]
protection = "clear"
[[channel.delivery]]
protection = "aes-128"
{KEY}
[[channel.delivery]]
protection = "cenc"
{KEY}
[[channel.delivery]]
protection = "cbcs"
{KEY}
[[content_key]]
name = "house"
id = "6e5a1d26-2757-47d7-8046-eaa5d1d34b5a"
key_file = "%s"
"""


def numbered(path, suffix):
    """The addresses of a playlist's segments, oldest first."""

    def addresses(viewer):
        text = viewer.get(f"{path}/media.m3u8")[0].decode()
        return [f"{path}/{line}" for line in text.splitlines() if line.endswith(suffix) and line[0] != "#"]

    return addresses


def smooth(viewer):
    base = "/live/main/smooth.ism"
    text = viewer.get(f"{base}/Manifest")[0].decode()
    stream = re.search(r'<StreamIndex Type="video" Name="([^"]+)".*?</StreamIndex>', text, re.S)
    bitrate = re.search(r'Bitrate="(\d+)"', stream[0])[1]
    time, found = None, []
    for line in re.findall(r"<c [^>]*>", stream[0]):
        field = {name: int(value) for name, value in re.findall(r'(\w)="(\d+)"', line)}
        time = field.get("t", time)
        for _ in range(field.get("r", 1)):
            found.append(f"{base}/QualityLevels({bitrate})/Fragments({stream[1]}={time})")
            time += field["d"]
    return found


def hds(viewer):
    """From the first fragment that the bootstrap names (Adobe, "HTTP Dynamic Streaming Specification", 2.11.2.2) on."""
    base = "/live/main/hds/720p"
    bootstrap = viewer.get(f"{base}.abst")[0]
    first = bootstrap.index(b"afrt") + 4 + 4 + 4 + 1 + 4
    number = int.from_bytes(bootstrap[first : first + 4], "big")
    count = len(segments(viewer.get(f"{TRACK}/media.m3u8")[0].decode()))
    return [f"{base}/Seg1-Frag{number + nth}" for nth in range(count)]


LISTS = {
    "TS": numbered("/live/main/ts/720p", ".ts"),
    "Smooth": smooth,
    "HDS": hds,
    "AES-128": numbered("/live/main/aes-128/720p", ".m4s"),
    "cenc": numbered("/live/main/cenc/720p", ".m4s"),
    "cbcs": numbered("/live/main/cbcs/720p", ".m4s"),
}


def cost(box, addresses, together, options):
    """Milliseconds of the box's processor time for a segment of the timeline."""
    past = addresses[: -int(LIVE / SECONDS / together) - 2]
    # Not the oldest ones: they go while they are asked for.
    past = past[len(past) // 10 :]
    if len(past) * together * SECONDS * 5e6 / 8 < BYTES * 0.8:
        raise Failed(f"{past[:1]} and those behind it are too few: {len(past)}")
    pid = box.process.pid
    done = load(box.port, past, options.connections, options.seconds, lambda: cpu.of(pid).both)
    return 1000 / done.per_cpu_second / together


def main():
    options = argparse.ArgumentParser(prog="tools/bench package", description=__doc__.partition("\n")[0])
    options.add_argument("--seconds", type=int, default=4, help="of each load (4)")
    options.add_argument("--rounds", type=int, default=3, help="of each pair (3)")
    options.add_argument("--connections", type=int, default=20, help="at once (20)")
    options = options.parse_args()
    report.head("package: each protocol's segment beside the stored one")
    CACHE.mkdir(parents=True, exist_ok=True)
    gates, rows = {}, []
    with tempfile.NamedTemporaryFile("w", dir=CACHE, suffix=".key") as key:
        key.write("000102030405060708090a0b0c0d0e0f")
        key.flush()
        channel = f'[channel.input]\nkind = "file"\npath = "{clip()}"\n[[channel.ladder]]\nheight = 720\nbitrate = 5000000'
        with Box(channel + DELIVERY % Path(key.name), dvr='size = "1GiB"') as box:
            box.settled()
            viewer = Viewer(box.port)
            print("recording more than is kept in RAM", flush=True)
            plain = numbered(TRACK, ".m4s")
            wait_for("a past", lambda: len(plain(viewer)) * SECONDS * 5e6 / 8 > 1.3 * BYTES + LIVE * 5e6 / 8, 400)
            for name, (bar, together) in BARS.items():
                pairs = []
                for _ in range(options.rounds):
                    fresh = Viewer(box.port)
                    stored = cost(box, plain(fresh), 1, options)
                    pairs.append((cost(box, LISTS[name](fresh), together, options), stored))
                ratio = report.median(own / stored for own, stored in pairs)
                own, stored = (report.median(pair[which] for pair in pairs) for which in (0, 1))
                rows.append([name, f"{own:.2f}", f"{stored:.2f}", f"{ratio:.2f}", f"{bar:.2f}"])
                gates[name] = bar / ratio
    report.table(["segment", "ms", "stored ms", "ratio", "bar"], rows)
    report.judge_gates("package", gates)


if __name__ == "__main__":
    report.run(main)
