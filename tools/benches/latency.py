"""From the capture of a part's first picture to the part's last byte at an LL-HLS client, 200 ms parts, test signal.

The client reloads the playlist with blocking requests and asks for the part of the preload hint in time, as players
do; both clocks are this machine's. When a part's first picture was captured stands in its prft box. The first picture
waits for the others of its part, so 167 ms of every figure are the part itself; the last picture's row is without
them. After that hls.js plays the same channel in Chromium; its latency is read twenty times a second, its median is judged.
"""

import argparse
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import report
from box import ROOT, Box, Failed
from viewer import Viewer, best_video

BAR = 0.8
BAR_HLS = 1.0
MASTER = "/live/main/master.m3u8"
CHANNEL = 'part_ms = 200\n[channel.input]\nkind = "test"'
# Seconds from 1900, where NTP counts from, to 1970.
NTP_EPOCH = 2_208_988_800


def captured(part):
    """When a part's first sample was captured: nanoseconds since the epoch, from prft (ISO/IEC 14496-12, 8.16.5)."""
    at = part.find(b"prft")
    if at < 0:
        raise Failed("a part has no prft box")
    ntp = int.from_bytes(part[at + 12 : at + 20], "big")
    return ((ntp >> 32) - NTP_EPOCH) * 1_000_000_000 + ((ntp & 0xFFFFFFFF) * 1_000_000_000 >> 32)


def watch(port, seconds):
    """Per part, seconds from the capture of its first and of its last picture to its last byte."""
    reloading, loading = Viewer(port), Viewer(port)
    address, rate = best_video(MASTER, reloading.get(MASTER)[0].decode())
    playlist = reloading.playlist(address)
    first, last = [], []
    with ThreadPoolExecutor(1) as pool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            segment, part = playlist.next
            hinted = pool.submit(loading.get, playlist.hint)
            playlist = reloading.playlist(address, f"?_HLS_msn={segment}&_HLS_part={part}")
            body, arrived = hinted.result()
            delay = (arrived - captured(body)) / 1e9
            first.append(delay)
            last.append(delay - (playlist.parts[-1].duration - 1 / rate))
    return first, last


def chromium(port, seconds):
    """What the browser test of the viewer page measured."""
    command = ["node", ROOT / "tests" / "browser" / "play.mjs", "--url", f"http://127.0.0.1:{port}"]
    command += ["--player", "hls", "--seconds", str(seconds), "--out", ROOT / "target" / "bench"]
    played = subprocess.run(command, capture_output=True, text=True)
    try:
        result = json.loads(played.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise Failed(f"the browser test broke off: {played.stderr.strip()}")
    if not result["ok"]:
        raise Failed(f"the browser test failed: {result['failure']}")
    if result["latency"]["p50"] is None:
        raise Failed("hls.js knew no latency")
    return result


def main():
    options = argparse.ArgumentParser(prog="tools/bench latency", description=__doc__.partition("\n")[0])
    options.add_argument("--seconds", type=int, default=30, help="time of each of the two measurements")
    options = options.parse_args()
    report.head(f"latency: test signal 720p30, parts of 200 ms, {options.seconds} s each")
    with Box(CHANNEL) as running:
        encoder = running.settled()["channels"][0]["encoder"]
        first, last = watch(running.port, options.seconds)
        browser_load = report.load()
        browser = chromium(running.port, options.seconds)
        skipped = running.running()["channels"][0]["input"]["skipped"]
    print(f"{encoder}; {len(first)} parts, {skipped} pictures skipped, load {browser_load:.1f} then {report.load():.1f}")

    def row(name, p50, p95, worst, *bar):
        return [name, *(f"{1000 * time:.0f}" for time in (p50, p95, worst)), *bar]

    def spread(times):
        return report.median(times), report.percentile(times, 95), max(times)

    def known(percentiles):
        return percentiles["p50"], percentiles["p95"], percentiles["max"]

    p95, hls, screen = report.percentile(first, 95), browser["latency"], browser["delay"]
    rows = [row("first picture's capture to last byte", *spread(first), "p95 800", report.verdict(p95 <= BAR))]
    rows += [row("last picture's capture to last byte", *spread(last), "", "")]
    rows += [row("hls.latency in Chromium", *known(hls), "p50 1000", report.verdict(hls["p50"] < BAR_HLS))]
    rows += [row("capture to screen in Chromium", *known(screen), "", "")]
    report.table(["ms", "median", "p95", "max", "bar", ""], rows)
    print()
    report.judge("latency", p95 / BAR, 1.0, hls["p50"] < BAR_HLS)


if __name__ == "__main__":
    report.run(main)
