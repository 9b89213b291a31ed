"""CPU time of the whole box for a 720p30 file to 720p, 360p, 180p and AAC while nobody watches.

Beside it gst-launch-1.0 with the same elements and settings into fakesinks, and ffmpeg with the same x264 settings
into nothing, both at the pace of the live box: every side decodes the same file, scales 720 > 360 > 180 and is
measured over the same seconds of it. The sides alternate and a ratio is that of one round, whose sides ran under
similar load; medians count. At full speed the peers save what waking up for every frame costs; those rows are there
to see, a live box cannot run like that.

Every side runs on one processor, the first. On two, a side that works in parallel is charged more for the same work
where they are siblings of one core, as on most rented machines.
"""

import argparse
import os
import re
import subprocess
import time

import cpu
import report
from box import Box, Failed, wait_for
from clip import clip

# Height and bits per second.
LADDER = ((720, 3_000_000), (360, 800_000), (180, 300_000))
SOUND = 128_000
# One key frame per segment of 1.6 s.
KEY_FRAMES = 48
# The first seconds, in which the box also encodes its slate and writes its store's files, are not measured.
SETTLE = 6

BAR_GST = 0.85
BAR_FFMPEG = 0.95


def width(height):
    return height * 16 // 9


def box(file, seconds):
    """CPU per second of media, and what the box chose: x264's preset, and the threads of each rendition."""
    ladder = "".join(f"[[channel.ladder]]\nheight = {height}\nbitrate = {bits}\n" for height, bits in LADDER)
    settings = f'[channel.input]\nkind = "file"\npath = "{file}"\n[channel.audio]\nbitrate = {SOUND}\n{ladder}'
    with Box(settings) as running:
        status = running.settled()
        encoder = status["channels"][0]["encoder"]
        preset, threads = re.search(r"x264 (\w+)", encoder), re.search(r"(\d+) threads", encoder)
        if not preset:
            raise Failed(f"the box encodes with {encoder}, not with x264")
        chosen = preset[1], [int(threads[1]) if threads else 1, *[1 for _ in LADDER[1:]]]
        wait_for("the settled box", lambda: time.monotonic() > running.began + SETTLE, SETTLE + 1)
        before, began = cpu.of_tree(running.process.pid), time.monotonic()
        skipped = running.running()["channels"][0]["input"]["skipped"]
        time.sleep(seconds)
        used, took = cpu.of_tree(running.process.pid).since(before), time.monotonic() - began
        after = running.running()
    if any(process["restarts"] for process in after["processes"]):
        raise Failed("the box's worker was started again meanwhile")
    lost = (after["channels"][0]["input"]["skipped"] - skipped) / 30
    return used.per(took - lost), chosen


def gst_launch(file, chosen, paced):
    """The pipeline of the box's own elements; its scaler is replaced by GStreamer's."""
    preset, threads = chosen
    sink = f"fakesink sync={str(paced).lower()}"
    pipeline = f"filesrc location={file} ! decodebin name=file "
    pipeline += "file. ! queue ! deinterlace ! videoconvert ! video/x-raw,format=I420 ! tee name=t0 "
    for rung, (height, bits) in enumerate(LADDER):
        if rung > 0:
            pipeline += f"t{rung - 1}. ! queue ! videoscale "
            pipeline += f"! video/x-raw,width={width(height)},height={height} ! tee name=t{rung} "
        pipeline += f"t{rung}. ! queue ! x264enc tune=zerolatency speed-preset={preset} bitrate={bits // 1000} "
        pipeline += f"vbv-buf-capacity=1000 key-int-max={KEY_FRAMES} bframes=0 option-string=scenecut=0 "
        pipeline += f"threads={threads[rung]} ! video/x-h264,stream-format=avc,alignment=au ! {sink} "
    pipeline += "file. ! queue ! audioconvert ! audioresample ! audio/x-raw,rate=48000,channels=2 "
    pipeline += f"! avenc_aac bitrate={SOUND} ! {sink}"
    return ["gst-launch-1.0", "-q", *pipeline.split()]


def ffmpeg(file, chosen, paced):
    preset, threads = chosen
    chain, last = "", "0:v"
    for rung, (height, _) in enumerate(LADDER):
        scale = f"scale={width(height)}:{height}:flags=bilinear," if rung else ""
        more = rung + 1 < len(LADDER)
        chain += f"[{last}]{scale}" + (f"split[v{rung}][s{rung}];" if more else f"null[v{rung}]")
        last = f"s{rung}"
    command = ["ffmpeg", "-v", "error", "-nostdin", *(["-re"] if paced else []), "-i", str(file)]
    command += ["-filter_complex", chain]
    for rung, (_, bits) in enumerate(LADDER):
        command += ["-map", f"[v{rung}]", f"-threads:v:{rung}", str(threads[rung])]
        for option in ("b", "maxrate", "bufsize"):
            command += [f"-{option}:v:{rung}", str(bits)]
    command += ["-map", "0:a", "-c:a", "aac", "-b:a", str(SOUND), "-ac", "2", "-ar", "48000"]
    command += ["-c:v", "libx264", "-preset", preset, "-tune", "zerolatency", "-g", str(KEY_FRAMES)]
    command += ["-sc_threshold", "0", "-bf", "0", "-f", "null", "-"]
    return command


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


def main():
    options = argparse.ArgumentParser(prog="tools/bench encode", description=__doc__.partition("\n")[0])
    options.add_argument("--seconds", type=int, default=20, help="media measured in each run")
    options.add_argument("--rounds", type=int, default=3, help="runs of each side")
    options.add_argument("--clip", help="a 720p30 file with sound in place of the usual one")
    options = options.parse_args()
    file = clip(options.clip)
    whole = length(file)
    if whole < SETTLE + options.seconds + 1:
        raise Failed(f"{file} lasts {whole:.0f} s, {SETTLE} s and --seconds must fit into it")

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    report.head(f"encode: {file.name}, {options.rounds} rounds of {options.seconds} s")
    runs = {"Riser": [], "gst-launch": [], "ffmpeg": [], "gst-launch, full speed": [], "ffmpeg, full speed": []}
    for nth in range(options.rounds):
        used, chosen = box(file, options.seconds)
        runs["Riser"].append(used)
        runs["gst-launch"].append(paced(gst_launch(file, chosen, True), options.seconds))
        runs["ffmpeg"].append(paced(ffmpeg(file, chosen, True), options.seconds))
        runs["gst-launch, full speed"].append(at_full_speed(gst_launch(file, chosen, False), whole))
        runs["ffmpeg, full speed"].append(at_full_speed(ffmpeg(file, chosen, False), whole))
        each = ", ".join(f"{side} {run[-1].both * 1000:.0f}" for side, run in runs.items())
        print(f"round {nth + 1}, x264 {chosen[0]}, load {report.load():.1f}: {each}", flush=True)

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
    report.judge("encode", ratios["gst-launch"], BAR_GST, ratios["ffmpeg"] <= BAR_FFMPEG)


if __name__ == "__main__":
    report.run(main)
