"""What a long recording costs: growth curves, start to live, readers at random rewind points, export beside ffmpeg.

The curves: recordings of 1 hour, 1 day and 7 days of five tracks, in segments of 1.6 s and parts of 200 ms. Parts are tiny,
so that the disk suffices: each part line is one record of 4 KiB, and an extent of 4 MiB holds 127 segments. Keys,
records and history are those of a real recording; for a start a ring of 14,000 extents, as many as 7 days of 12 Mbit/s
have of 64 MiB, is measured apart. Before each row the page cache is emptied of the store, and the store was
ended as by kill -9. Then a box starts on the 7 days, in a ring widened to 14,000 extents.

Five channels: each films 360p at 8 Mbit/s; what riserd takes once their shares of RAM are full.

Readers and export: ten minutes of 720p30 film in three renditions and sound, 12 Mbit/s, made by repeating a few seconds
that a box encoded. 200 viewers on one connection each play picture and sound from random points at live pace and jump
after five segments; then they ask as fast as they can. `download.mp4` of the whole asset against `ffmpeg -c copy` of
its HLS presentation to a file on the same disk, cold and from the page cache.
"""

import argparse
import http.client
import json
import shutil
import statistics
import subprocess
import time

import report
from box import Box, Failed, wait_for
from clip import clip
from measure import cool, measure, mebi, scratch
from start import playable

EXTENT = 4 << 20
HOUR = 2250
PARTS = 8
LENGTHS = [("1 hour", HOUR), ("1 day", 24 * HOUR), ("7 days", 168 * HOUR)]
# Extents of 64 MiB that hold 7 days of 12 Mbit/s.
EXTENTS = 14_000
SMALL_EXTENT = 64 << 10
# Medians of a shared machine differ by half; a cost that grew with the length would be 168 times as much.
SAME = 2.0
START = 2.0
CHANNELS = 5
# Seconds in which any share of RAM is full.
FILL = 45
VIEWERS = 200
MINUTES = 10
FILM = "film"
LIVE = """[channel.input]
kind = "test"
width = 640
height = 360
[[channel.ladder]]
height = 360
bitrate = 600000
[[channel.ladder]]
height = 180
bitrate = 200000
"""
LADDER = [(720, 7_000_000), (360, 3_500_000), (180, 1_300_000)]


def curves(folder):
    """The table of the curves, by length; the store of the last length stays."""
    measured = {}
    for name, segments in LENGTHS:
        shutil.rmtree(folder / "long", ignore_errors=True)
        measure("fill", folder / "long", EXTENT, segments, PARTS)
        measured[name] = measure("growth", folder / "long", EXTENT)
    many = folder / "many"
    measure("fill", many, SMALL_EXTENT, EXTENTS * 10 // PARTS, PARTS)
    measured[f"{EXTENTS} extents"] = measure("growth", many, SMALL_EXTENT)
    shutil.rmtree(many)

    def row(title, unit, value):
        return [f"{title}, {unit}", *(value(seen) for seen in measured.values())]

    def spread(key, scale):
        return lambda seen: f"{seen[key]['p50'] / scale:.2f} / {seen[key]['p99'] / scale:.2f}"

    def millis(key):
        return lambda seen: f"{seen[key] / 1000:.0f}"

    rows = [row("segments", "extents", lambda seen: f"{seen['segments']}, {seen['extents']}")]
    rows += [row("opening to first part pushed", "ms", millis("first_part"))]
    rows += [row("opening to whole history", "ms", millis("whole"))]
    rows += [row("opening to compared catalogue", "ms", millis("checked"))]
    rows += [row("playlist of an hour", "p50 / p99 ms", spread("playlist", 1000))]
    rows += [row("seek, cold", "p50 / p99 ms", spread("seek", 1000))]
    rows += [row("seek, again", "p50 / p99 ms", spread("seek_warm", 1000))]
    rows += [row("segment to its acknowledgement", "p50 / p99 ms", spread("segment", 1000))]
    rows += [row("the same with an expiry", "p50 / p99 ms", spread("expiry", 1000))]
    rows += [row("RSS, all of it listed", "MiB", lambda seen: mebi(seen["resident_at_end"][1]))]
    report.table(["", *measured], rows)
    return measured


def start(folder, window):
    """Seconds from the start of a box on the long recording to its first playable part, and its RSS."""
    state = folder / "week"
    state.mkdir(exist_ok=True)
    if not (state / "store").exists():
        (folder / "long").rename(state / "store")
        measure("widen", state / "store", EXTENT, EXTENTS)
    cool(state)
    dvr = f'size = "{EXTENTS * EXTENT >> 20}MiB"\nextent = "{EXTENT >> 20}MiB"\nwindow = "{window}"'
    with Box(LIVE, dvr=dvr, state=state) as running:
        listed, played = wait_for("a part of the new line", lambda: live(running), 20)
        wait_for("a listed past", lambda: past(running) > 1000, 20)
        time.sleep(5)
        return listed - running.began, played - running.began, running.resident(), past(running)


def live(running):
    """As `playable`; none while only the past is listed."""
    try:
        return playable(running)
    except Failed:
        return None


def past(running):
    """Segments in the media playlist of a channel's first rendition that can be had."""
    text = get(running, "/live/main/360p/media.m3u8").decode()
    return text.count("#EXTINF") - text.count("#EXT-X-GAP")


def get(running, address):
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    connection.request("GET", address)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise Failed(f"{address} was answered with {answer.status}")
    return body


def film(folder, footage):
    """A state folder with the long recording of real media as an asset; what it holds, and the ring's size."""
    source, state = folder / "source", folder / "film"
    ladder = "".join(f"[[channel.ladder]]\nheight = {height}\nbitrate = {rate}\n" for height, rate in LADDER)
    channel = f'[channel.input]\nkind = "file"\npath = "{footage}"\n{ladder}'
    with Box(channel, dvr='size = "256MiB"\nextent = "64MiB"', state=source) as running:
        running.running()
        wait_for("a recording of some seconds", lambda: get_count(running) >= 14, 60)
    state.mkdir()
    made = measure("repeat", source / "store", state / "store", 64 << 20, MINUTES)
    registry = json.loads((source / "registry.json").read_text())
    held = {"grid": made["grid"], "first": made["first"], "last": made["last"]}
    asset = {"name": FILM, "channel": "main", "range": held, "locator": FILM, "created": int(time.time() * 1000)}
    registry["objects"]["assets"][FILM] = asset
    registry["objects"]["channels"] = {}
    (state / "registry.json").write_text(json.dumps(registry))
    shutil.rmtree(source)
    return state, made


def allowed(channels):
    """Bytes that riserd may have resident."""
    return (150 + 16 * channels) << 20


def crowded(footage):
    """riserd's RSS with five channels that have filled their share of RAM, and what they record in Mbit/s."""

    def channel(nth):
        return (
            f'name = "c{nth}"\n[channel.input]\nkind = "file"\npath = "{footage}"\n'
            "[[channel.ladder]]\nheight = 360\nbitrate = 8000000\n"
        )

    with Box([channel(nth) for nth in range(CHANNELS)], dvr='size = "2GiB"') as running:

        def all_run():
            status = running.status()
            return status and all(one["state"] == "running" for one in status["channels"])

        wait_for("five running channels", all_run, 60)
        time.sleep(FILL)
        status = running.status()["store"]
        return running.resident(), status["rate"] * 8 / 1e6


def get_count(running):
    try:
        return get(running, "/live/main/720p/media.m3u8").count(b"#EXTINF")
    except (Failed, OSError):
        return 0


def readers(running, made, seconds, paced):
    tracks = ",".join(made["tracks"])
    how = "paced" if paced else "flat-out"
    wish = [f"127.0.0.1:{running.port}", seconds, VIEWERS, how, tracks, f"/vod/{FILM}", made["first"], made["last"]]
    return measure("viewers", *wish)


def download(running, file):
    """Bytes and seconds of a download into a file."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    connection.request("GET", f"/vod/{FILM}/download.mp4")
    answer = connection.getresponse()
    if answer.status != 200:
        raise Failed(f"the download was answered with {answer.status}: {answer.read()[:200]}")
    promised = int(answer.headers["content-length"])
    with open(file, "wb", buffering=0) as out:
        shutil.copyfileobj(answer, out, 1 << 20)
    size = file.stat().st_size
    if size != promised:
        raise Failed(f"the download gave {size} bytes of {promised}")
    return size, time.monotonic() - began


def remux(source, file):
    """The same of ffmpeg."""
    command = ["ffmpeg", "-v", "error", "-y", "-i", source, "-map", "0:v", "-map", "0:a:0", "-c", "copy", file]
    began = time.monotonic()
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Failed(f"ffmpeg: {done.stderr.strip()[-500:]}")
    return file.stat().st_size, time.monotonic() - began


def export(running, folder, state, runs):
    """MB/s of each side, cold and from the page cache."""
    ours, theirs = folder / "ours.mp4", folder / "theirs.mp4"
    hls = f"http://127.0.0.1:{running.port}/vod/{FILM}/master.m3u8"
    sides = {"Riser, download.mp4": (download, running, ours), "ffmpeg -c copy of the HLS": (remux, hls, theirs)}
    rates = {}
    for cold in (True, False):
        for nth in range(runs):
            for name, (make, source, file) in sides.items():
                file.unlink(missing_ok=True)
                if cold:
                    cool(state / "store" / "extents")
                size, took = make(source, file)
                rates.setdefault((name, cold), []).append(size / took / 1e6)
    theirs.unlink()
    size, took = remux(ours, folder / "local.mp4")
    rates["ffmpeg -c copy of our file", False] = [size / took / 1e6]
    return {key: statistics.median(seen) for key, seen in rates.items()}, ours.stat().st_size


def played(folder, footage, seconds, runs):
    """The tables of readers and export; the ratio of the worse export, and riserd's RSS."""
    state, made = film(folder, footage)
    dvr = f'size = "{made["extents"] * 64}MiB"\nextent = "64MiB"\nwindow = "4h"\nreserve = "256MiB"'
    with Box(LIVE, dvr=dvr, state=state) as running:
        running.running()
        cool(state / "store" / "extents")
        seen = {"at live pace": readers(running, made, seconds, True)}
        seen["as fast as they can"] = readers(running, made, 5, False)
        # Whatever was listed of the asset was fetched by now.
        rates, size = export(running, folder, state, runs)
        resident = running.resident()
    rows = []
    for name, measured in seen.items():
        request = measured["request"]
        cells = [f"{request[key] / 1000:.1f}" for key in ("p50", "p99", "max")]
        per_second = request["count"] / measured["seconds"]
        rows.append([name, *cells, f"{per_second:.0f}", f"{measured['bytes'] / measured['seconds'] / 1e6:.0f}"])
    print()
    report.table([f"{VIEWERS} viewers, ms per segment", "p50", "p99", "max", "requests/s", "MB/s"], rows)
    print()
    names = dict.fromkeys(name for name, _ in rates)
    cell = {True: "cold", False: "cached"}
    rows = [[name, *(f"{rates[name, cold]:.0f}" if (name, cold) in rates else "-" for cold in cell)] for name in names]
    report.table([f"export of {size / 1e6:.0f} MB, MB/s", *cell.values()], rows)
    us, them = "Riser, download.mp4", "ffmpeg -c copy of the HLS"
    return min(rates[us, cold] / rates[them, cold] for cold in cell), resident


def main():
    options = argparse.ArgumentParser(prog="tools/bench dvr", description=__doc__.partition("\n")[0])
    options.add_argument("--clip", help="a 720p30 file of your own")
    options.add_argument("--seconds", type=int, default=20, help="time of the paced viewers")
    options.add_argument("--runs", type=int, default=2, help="exports of each side, cold and cached")
    options = options.parse_args()
    footage = clip(options.clip)
    report.head("dvr: 1 hour, 1 day, 7 days of five tracks")
    with scratch() as folder:
        measured = curves(folder)
        print()
        starts = {"4 hours": start(folder, "4h"), "7 days": start(folder, "7d")}
        rows = [
            [f"rewind of {name}", f"{listed:.2f}", f"{played:.2f}", mebi(resident), str(count)]
            for name, (listed, played, resident, count) in starts.items()
        ]
        report.table(["box on 7 days", "s to playlist", "s to part", "RSS MiB", "segments listed"], rows)
        shutil.rmtree(folder / "week")
        several, rate = crowded(footage)
        print(f"\n{CHANNELS} channels, {rate:.1f} Mbit/s recorded together: RSS {mebi(several)} MiB")
        ratio, resident = played(folder, footage, options.seconds, options.runs)
    hour, week = measured["1 hour"], measured["7 days"]
    gates = {}
    for key in ("playlist", "seek", "expiry"):
        grown = week[key]["p50"] / hour[key]["p50"]
        gates[f"{key}, 7 days to 1 hour"] = (f"{grown:.2f}", f"<= {SAME}", SAME / grown)
    seconds = starts["4 hours"][1]
    gates["start to live on 7 days"] = (f"{seconds:.2f} s", f"<= {START}", START / seconds)
    residents = [("on 7 days", 1, starts["4 hours"][2]), ("with 200 viewers and exports", 1, resident)]
    for name, channels, most in [*residents, (f"with {CHANNELS} channels", CHANNELS, several)]:
        bound = allowed(channels)
        gates[f"RSS of riserd {name}"] = (f"{mebi(most)} MiB", f"<= {mebi(bound)}", bound / most)
    gates["export, Riser to ffmpeg"] = (f"{ratio:.2f}", ">= 1.0", ratio)
    print()
    rows = [[name, seen, gate, report.verdict(held >= 1)] for name, (seen, gate, held) in gates.items()]
    report.table(["gate", "measured", "asked", ""], rows)
    print()
    report.judge_gates("dvr", {name: held for name, (_, _, held) in gates.items()})


if __name__ == "__main__":
    report.run(main)
