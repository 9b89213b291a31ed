"""The DVR store on this disk: the raw limit, our extents with sled's catalogue, and segments as values of sled 0.34.7.

Segments of five tracks, 100 KB to 1.2 MB each of bytes that do not compress, at full speed: a ring of 384 MiB turns
over 20 times, with two reads of random whole segments for every five written. sled's flush does not fsync, so its
first row is not durable; the second syncs its files, too. Bytes written are those of /proc/self/io less the cancelled
ones; the kernel counts some of them twice on large pages, so the raw row says what 1.0 would be. Of what sled
deletes soon, much is cancelled before it is written at all.

The catalogue: what a segment's last part line costs at live pace until it is acknowledged, and four hours of five tracks
read from a recording of 200,000 ticks (a million segments), the page cache emptied before, and again.
"""

import argparse
from pathlib import Path

import report
from measure import measure, mebi, mega, scratch

# Bytes a second that a box records: 12 Mbit/s.
RECORDED = 1.5e6
INGEST = 20
AMPLIFICATION = 1.15
RESIDENT = 64 << 20
SCAN = 0.150
# A gate that is met or not.
EVER = float("inf")
EXTENT = 4 << 20
TICKS = 200_000
PARTS = 8


def amplification(measured):
    return measured["written"] / measured["payload"]


def row(name, measured, turnovers):
    reads = measured.get("read")
    cells = [name, f"{mega(measured):.0f}", f"{amplification(measured):.2f}", f"{turnovers:.0f}"]
    low, high = min(measured["disk"]), max(measured["disk"])
    cells += [mebi(high) if mebi(low) == mebi(high) else f"{mebi(low)}-{mebi(high)}", mebi(measured["resident"])]
    return cells + ([f"{reads['p50']:.0f}", f"{reads['p99']:.0f}"] if reads else ["-", "-"])


def payload(folder, seconds):
    """The table of the media bytes; the raw row and ours."""
    raw = measure("limits", folder / "limits")
    ours = measure("ring", folder / "ring")
    values = measure("values", folder / "values", seconds)
    synced = measure("synced", folder / "synced", seconds)
    size = ours["ring"]["asked"]
    rows = [row("raw write and fdatasync", raw, raw["payload"] / size)]
    rows += [row("Riser: extents and sled's catalogue", ours, ours["payload"] / size)]
    rows += [row("segments in sled 0.34.7, not durable", values, values["turnovers"])]
    rows += [row("segments in sled 0.34.7, files synced", synced, synced["turnovers"])]
    report.table(["", "MB/s", "WA", "turnovers", "disk MiB", "RSS MiB", "read p50 us", "p99 us"], rows)
    kept = f"{ours['live']} segments of each track kept at the end"
    print(f"Riser: {ours['read']['count']} reads, {ours['bad']} bad, {ours['gone']} overtaken by expiry; {kept}")
    return raw, ours


def catalogue(folder):
    """The table of the catalogue; how long a cold scan takes in seconds."""
    pace = measure("pace", folder / "pace")
    filled = measure("fill", folder / "filled", EXTENT, TICKS, PARTS)
    scan = measure("scan", folder / "filled", EXTENT)

    def spread(name, measured):
        return [name, *(f"{measured[key] / 1000:.2f}" for key in ("p50", "p99", "max"))]

    rows = [spread(f"segment tick of {size}, to its acknowledgement", pace[size]["tick"]) for size in pace]
    rows += [spread("4 h x 5 tracks, cold", scan["cold"]), spread("4 h x 5 tracks, again", scan["warm"])]
    print()
    report.table(["ms", "p50", "p99", "max"], rows)
    index = f"{filled['segments']} ticks in {mebi(filled['index'])} MiB of catalogue"
    print(f"{index}; opened cold in {scan['opened'] / 1000:.0f} ms, compared after {scan['checked'] / 1000:.0f} ms")
    return scan["cold"]["p50"] / 1e6


def main():
    options = argparse.ArgumentParser(prog="tools/bench store", description=__doc__.partition("\n")[0])
    options.add_argument("--disk", type=Path, help="a folder on the disk to measure (target/bench)")
    options.add_argument("--seconds", type=int, default=30, help="time box of each of sled's rows")
    options = options.parse_args()
    report.head("store: 20 turnovers of 384 MiB")
    with scratch(options.disk) as folder:
        raw, ours = payload(folder, options.seconds)
        scan = catalogue(folder)
    speed = mega(ours) * 1e6 / RECORDED
    more = amplification(ours) / amplification(raw)
    ring = ours["ring"]
    exact = ring["asked"] == ring["before"] == ring["after"]
    whole = not (ours["bad"] or ours["dropped"])
    gates = {
        "ingest": (f"{speed:.0f} x 1.5 MB/s", f">= {INGEST}", speed / INGEST),
        "write amplification over raw": (f"{more:.3f}", f"<= {AMPLIFICATION}", AMPLIFICATION / more),
        "disk of the ring": (f"{ring['after']} B", f"= {ring['asked']}", EVER if exact else 0),
        "RSS": (f"{mebi(ours['resident'])} MiB", f"<= {mebi(RESIDENT)}", RESIDENT / ours["resident"]),
        "cold scan, median": (f"{scan * 1000:.0f} ms", f"<= {SCAN * 1000:.0f}", SCAN / scan),
        "bad reads and lost segments": (f"{ours['bad']} + {ours['dropped']}", "= 0", EVER if whole else 0),
    }
    print()
    rows = [[name, seen, gate, report.verdict(held >= 1)] for name, (seen, gate, held) in gates.items()]
    report.table(["gate", "measured", "asked", ""], rows)
    print()
    report.judge_gates("store", {name: held for name, (_, _, held) in gates.items()})


if __name__ == "__main__":
    report.run(main)
