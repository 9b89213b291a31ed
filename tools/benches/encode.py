"""CPU time of the whole box for a 720p30 file to 720p, 360p, 180p and AAC while nobody watches.

Beside it gst-launch-1.0 with the same elements and settings into fakesinks, and ffmpeg with the same x264 settings
into nothing, both at the pace of the live box: every side decodes the same file, scales 720 > 360 > 180 and is
measured over the same seconds of it. The sides alternate and a ratio is that of one round, whose sides ran under
similar load; medians count. At full speed the peers save what waking up for every frame costs; those rows are there
to see, a live box cannot run like that. The ratio's sides run on one processor, the first: on two, a side that works in
parallel is charged more for the same work where they are siblings of one core, as on most rented machines.

What the renditions look like is compared with what ffmpeg made of the same pictures with the same settings (SSIM), and
what more renditions and more channels cost is shown.
"""

import argparse
import os
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import cost
import cpu
import peers
import quality
import report
from box import CACHE, Box, Failed, wait_for
from clip import clip
from peers import LADDER

# The first seconds, in which the box also encodes its slate and writes its store's files, are not measured.
SETTLE = 6

BAR_GST = 0.85
BAR_FFMPEG = 0.95
# SSIM that differs by less is the same: another picture of the film's is as far away.
SAME = 0.001


def settle(running):
    wait_for("the settled box", lambda: time.monotonic() > running.began + SETTLE, SETTLE + 1)


def box(file, seconds, board):
    """CPU per second of media, and what the box chose."""
    with Box([cost.text(file, LADDER)], board=board) as running:
        chosen = peers.chosen_by(running.settled())
        settle(running)
        before, began = cpu.of_tree(running.process.pid), time.monotonic()
        skipped = running.running()["channels"][0]["input"]["skipped"]
        time.sleep(seconds)
        used, took = cpu.of_tree(running.process.pid).since(before), time.monotonic() - began
        after = running.running()
    if any(process["restarts"] for process in after["processes"]):
        raise Failed("the box's worker was started again meanwhile")
    lost = (after["channels"][0]["input"]["skipped"] - skipped) / 30
    return used.per(took - lost), chosen


def paced(command, seconds):
    """CPU per second of a peer that runs at the pace of the media."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(SETTLE)
        before, began = cpu.of_tree(process.pid), time.monotonic()
        time.sleep(seconds)
        if process.poll() is not None:
            raise Failed(f"{command[0]} ended before its time with status {process.returncode}")
        return cpu.of_tree(process.pid).since(before).per(time.monotonic() - began)
    finally:
        process.kill()
        process.wait()


def at_full_speed(command, length):
    """CPU per second of a file of `length` seconds, from start to end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise Failed(f"{command[0]} ended with status {status}")
    return cpu.Cpu(usage.ru_utime, usage.ru_stime).per(length)


def length(file):
    """Seconds of a media file."""
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(file)]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        raise Failed(f"{file} cannot be read: {answer.stderr.strip()}")
    return float(answer.stdout)


def compare_cost(file, whole, options):
    """Prints what each side takes of one processor; returns the ratio to each peer."""
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    runs = {"Riser": [], "gst-launch": [], "ffmpeg": [], "gst-launch, full speed": [], "ffmpeg, full speed": []}
    for nth in range(options.rounds):
        used, chosen = box(file, options.seconds, options.board)
        runs["Riser"].append(used)
        runs["gst-launch"].append(paced(peers.gst_launch(file, chosen, True), options.seconds))
        runs["ffmpeg"].append(paced(peers.ffmpeg(file, chosen, True), options.seconds))
        runs["gst-launch, full speed"].append(at_full_speed(peers.gst_launch(file, chosen, False), whole))
        runs["ffmpeg, full speed"].append(at_full_speed(peers.ffmpeg(file, chosen, False), whole))
        each = ", ".join(f"{side} {run[-1].both * 1000:.0f}" for side, run in runs.items())
        print(f"round {nth + 1}, {chosen.words}, load {report.load():.1f}: {each}", flush=True)

    ratios = {
        side: report.median([own.both / run.both for own, run in zip(runs["Riser"], side_runs)])
        for side, side_runs in runs.items()
    }
    bars = {"gst-launch": BAR_GST, "ffmpeg": BAR_FFMPEG}
    rows = []
    for side, side_runs in runs.items():
        times = ([run.user for run in side_runs], [run.system for run in side_runs], [run.both for run in side_runs])
        row = [side, *(f"{report.median(time) * 1000:.0f}" for time in times)]
        row.append("" if side == "Riser" else f"{ratios[side]:.3f}")
        bar = bars.get(side)
        rows.append(row + ([f"{bar:.2f}", report.verdict(ratios[side] <= bar)] if bar else ["", ""]))
    print()
    report.table(["ms of CPU per second", "user", "sys", "both", "Riser to it", "bar", ""], rows)
    print()
    os.sched_setaffinity(0, processors)
    return ratios


def compare_looks(file, board):
    """Prints how the box's pictures and ffmpeg's look beside the film's; whether the box's are as good everywhere."""
    with TemporaryDirectory(dir=CACHE) as folder:
        folder = Path(folder)
        with Box([cost.text(file, LADDER)], board=board) as running:
            chosen = peers.chosen_by(running.settled())
            settle(running)
            made = quality.recorded(running, LADDER, folder)
        peer = folder / "ffmpeg.mp4"
        at_full_speed(peers.ffmpeg(file, chosen, False, peer), 1)
        seen = list(quality.seen(made, peer, file, folder))
    rows = []
    for height, (own, other) in seen:
        measures = (f"{own.ssim:.4f}", f"{other.ssim:.4f}", f"{own.bits / 1000:.0f}", f"{other.bits / 1000:.0f}")
        rows.append([f"{height}p", *measures, report.verdict(own.ssim >= other.ssim - SAME)])
    report.table(["SSIM at 720p", "Riser", "ffmpeg", "Riser kbit/s", "ffmpeg", ""], rows)
    print()
    return all(own.ssim >= other.ssim - SAME for _, (own, other) in seen)


def grow(file, seconds, board):
    """Prints what more renditions and more channels cost, on all processors."""
    header = ["of 720p30", "ms of CPU per second", "riserd MiB", "worker MiB", "left out per second"]
    report.table(header, list(cost.rows(file, seconds, board)))
    print()


def main():
    options = argparse.ArgumentParser(prog="tools/bench encode", description=__doc__.partition("\n")[0])
    options.add_argument("--seconds", type=int, default=20, help="media measured in each run")
    options.add_argument("--rounds", type=int, default=3, help="runs of each side")
    options.add_argument("--clip", help="a 720p30 file with sound in place of the usual one")
    options.add_argument("--board", help="a board of board-configs, such as va-x86-64 on a machine with an Intel or AMD GPU")
    options = options.parse_args()
    file = clip(options.clip)
    whole = length(file)
    if whole < SETTLE + options.seconds + 1:
        raise Failed(f"{file} lasts {whole:.0f} s, {SETTLE} s and --seconds must fit into it")

    report.head(f"encode: {file.name}, {options.rounds} rounds of {options.seconds} s")
    ratios = compare_cost(file, whole, options)
    alike = compare_looks(file, options.board)
    grow(file, options.seconds, options.board)
    report.judge("encode", ratios["gst-launch"], BAR_GST, ratios["ffmpeg"] <= BAR_FFMPEG and alike)


if __name__ == "__main__":
    report.run(main)
