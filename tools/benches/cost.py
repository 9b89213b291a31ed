"""What more renditions and more channels cost a box: processor time and memory."""

import time
from pathlib import Path

import cpu
from box import Box, wait_for

# The rungs of a ladder, added from the top.
RUNGS = ((720, 3_000_000), (540, 1_800_000), (360, 800_000), (270, 500_000), (180, 300_000))
# What each of several channels makes.
SMALL = ((360, 800_000), (180, 300_000))
CHANNELS = (1, 2, 4)
SETTLE = 8


def text(file, ladder, name=None):
    """The settings of a channel that plays `file`."""
    rungs = "".join(f"[[channel.ladder]]\nheight = {height}\nbitrate = {bits}\n" for height, bits in ladder)
    head = f'name = "{name}"\n' if name else ""
    return f'{head}[channel.input]\nkind = "file"\npath = "{file}"\n[channel.audio]\nbitrate = 128000\n{rungs}'


def resident(pid):
    """MiB of a process that are in memory and not shared with files (proc(5), RssAnon)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("RssAnon:"))) / 1024


def measure(channels, seconds, board):
    """Milliseconds of CPU per second, MiB of riserd, MiB of each worker, pictures left out in a second."""
    with Box(channels, board=board) as running:
        def all_run():
            status = running.status()
            return status and all(one["state"] == "running" for one in status["channels"])

        wait_for("running channels", all_run, 60)
        running.settled()
        time.sleep(SETTLE)

        def skipped():
            return sum(one["input"]["skipped"] for one in running.running()["channels"])

        before, left_out, began = cpu.of_tree(running.process.pid), skipped(), time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - began
        used = cpu.of_tree(running.process.pid).since(before).per(took)
        each = [resident(pid) for pid in cpu.children(running.process.pid)]
        return used.both * 1000, resident(running.process.pid), max(each), (skipped() - left_out) / took


def rows(file, seconds, board):
    """What was made, and its measures as texts."""
    cases = [(f"{count} renditions" if count > 1 else "1 rendition", [text(file, RUNGS[:count])]) for count in range(1, 1 + len(RUNGS))]
    cases += [(f"{count} x 360p, 180p", [text(file, SMALL, f"c{nth}") for nth in range(count)]) for count in CHANNELS]
    for name, channels in cases:
        yield [name, *(f"{figure:.0f}" for figure in measure(channels, seconds, board))]
