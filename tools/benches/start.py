"""From the start of the process with the test signal to the first playable part.

Playable: the client has the playlists, and of the best picture and of the sound the init segment and the first part,
to the last byte. Every run begins with an empty state folder and the default settings; the page cache and
GStreamer's registry are warm. Beside it gst-launch-1.0 from its start to the first byte of its first encoded picture
of the same size and settings. The bar is 1.5 s, said as a ratio to that.
"""

import argparse
import re
import subprocess
import time

import report
from box import Box, Failed
from viewer import Viewer, audio, best_video

BAR = 1.5
MASTER = "/live/main/master.m3u8"


def box():
    """Seconds to the master playlist and to the last byte of the first parts, and x264's preset."""
    with Box('[channel.input]\nkind = "test"', dvr=None) as running:
        listed, played = playable(running)
        preset = re.search(r"x264 (\w+)", running.running()["channels"][0]["encoder"])
    return listed - running.began, played - running.began, preset[1] if preset else "ultrafast"


def playable(running):
    """When a box had answered with the master playlist, and with the last byte of the first parts (time.monotonic)."""
    viewer, text = first_answer(running)
    listed = time.monotonic()
    for address in (best_video(MASTER, text)[0], audio(MASTER, text)):
        playlist = viewer.playlist(address)
        first = next((part for part in playlist.parts if part.independent), None)
        if not first:
            raise Failed(f"{address} begins with no independent part")
        for needed, box_type in ((playlist.init, b"moov"), (first.address, b"moof")):
            if box_type not in viewer.get(needed)[0]:
                raise Failed(f"{needed} has no {box_type.decode()}")
    return listed, time.monotonic()


def first_answer(running):
    """A connection that is served, and the master playlist it gave."""
    while time.monotonic() < running.began + 20:
        viewer = Viewer(running.port)
        try:
            while True:
                status, body, _ = viewer.ask(MASTER)
                if status == 200:
                    return viewer, body.decode()
                time.sleep(0.002)
        except OSError:
            if running.process.poll() is not None:
                raise Failed(f"riserd ended by itself with status {running.process.returncode}")
            time.sleep(0.002)
    raise Failed("no master playlist within 20 s")


def gst_launch(preset):
    """Seconds to the first byte of the first picture."""
    pipeline = "videotestsrc ! video/x-raw,format=I420,width=1280,height=720,framerate=30/1 "
    pipeline += f"! x264enc tune=zerolatency speed-preset={preset} bitrate=3000 vbv-buf-capacity=1000 "
    pipeline += "key-int-max=96 bframes=0 option-string=scenecut=0 threads=2 "
    pipeline += "! video/x-h264,stream-format=byte-stream,alignment=au ! fdsink fd=1"
    began = time.monotonic()
    process = subprocess.Popen(["gst-launch-1.0", "-q", *pipeline.split()], stdout=subprocess.PIPE)
    try:
        if not process.stdout.read(1):
            raise Failed("gst-launch-1.0 gave no picture")
        return time.monotonic() - began
    finally:
        process.kill()
        process.communicate()


def main():
    options = argparse.ArgumentParser(prog="tools/bench start", description=__doc__.partition("\n")[0])
    options.add_argument("--runs", type=int, default=9, help="starts of each side")
    options = options.parse_args()
    report.head(f"start: test signal 720p30, {options.runs} runs of each side")
    # The first start of each side fills the page cache and is not counted.
    preset = box()[2]
    gst_launch(preset)
    listed, played, peer = [], [], []
    for _ in range(options.runs):
        one = box()
        listed.append(one[0])
        played.append(one[1])
        peer.append(gst_launch(preset))

    def row(name, times, *bar):
        return [name, *(f"{1000 * time:.0f}" for time in (min(times), report.median(times), max(times))), *bar]

    median = report.median(played)
    rows = [row("Riser, master playlist", listed, "", "")]
    rows += [row("Riser, first playable part", played, f"{BAR * 1000:.0f}", report.verdict(median <= BAR))]
    rows += [row(f"gst-launch, first picture (x264 {preset})", peer, "", "")]
    report.table(["ms from the start of the process", "min", "median", "max", "bar", ""], rows)
    print()
    report.judge("start", median / report.median(peer), BAR / report.median(peer))


if __name__ == "__main__":
    report.run(main)
