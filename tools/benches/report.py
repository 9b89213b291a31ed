"""How a benchmark speaks: a head, a table, and one line to be judged by."""

import os
import statistics
import sys

from box import Failed


def median(values):
    return statistics.median(values)


def percentile(values, share):
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def load():
    """The machine's load average over the last minute."""
    return os.getloadavg()[0]


def head(text):
    print(f"{text}; {os.cpu_count()} cores, load average {load():.1f}", flush=True)


def table(header, rows):
    """Prints rows of texts, the first column to the left, the others to the right."""
    rows = [header, *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells).rstrip())


def verdict(holds):
    return "ok" if holds else "short"


def judge(name, ratio, bar, others_hold=True):
    """Prints the last line and ends the program with its status."""
    holds = ratio <= bar and others_hold
    print(f"{name} ratio={ratio:.3f} bar={bar:.3f} {verdict(holds)}")
    sys.exit(0 if holds else 1)


def judge_gates(name, gates):
    """Like `judge`, for gates by name: each how many times it is met; the worst is judged."""
    worst = min(gates, key=gates.get)
    print(f"worst gate: {worst}")
    print(f"{name} ratio={gates[worst]:.3f} bar=1.000 {verdict(gates[worst] >= 1)}")
    sys.exit(0 if gates[worst] >= 1 else 1)


def run(benchmark):
    """Runs a benchmark; one that cannot be made prints no verdict but the reason, and ends with status 1."""
    try:
        benchmark()
    except Failed as reason:
        sys.exit(f"{sys.argv[0]}: {reason}")
