"""Processor time of processes, from /proc (proc(5))."""

import os
from pathlib import Path
from typing import NamedTuple

TICK = os.sysconf("SC_CLK_TCK")


class Cpu(NamedTuple):
    """Seconds in user and in kernel mode."""

    user: float
    system: float

    @property
    def both(self):
        return self.user + self.system

    def since(self, before):
        return Cpu(self.user - before.user, self.system - before.system)

    def per(self, seconds):
        return Cpu(self.user / seconds, self.system / seconds)


def _stat(pid):
    """The fields of /proc/PID/stat from the third (state) on; none where the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None


def children(root):
    """The processes that a process has begun and that still run."""
    stats = {int(entry): _stat(entry) for entry in os.listdir("/proc") if entry.isdigit()}
    return [pid for pid, stat in stats.items() if stat and int(stat[1]) == root]


def of(pid):
    """What a process alone took, with all its threads."""
    user, system = map(int, _stat(pid)[11:13])
    return Cpu(user / TICK, system / TICK)


def of_tree(root):
    """What a process, its descendants and those of them that have ended took since they began."""
    stats = {int(entry): stat for entry in os.listdir("/proc") if entry.isdigit() and (stat := _stat(entry))}
    tree = {root}
    while more := {pid for pid, stat in stats.items() if int(stat[1]) in tree} - tree:
        tree |= more
    ticks = [tuple(map(int, stats[pid][11:15])) for pid in tree if pid in stats]
    user, system = sum(tick[0] + tick[2] for tick in ticks), sum(tick[1] + tick[3] for tick in ticks)
    return Cpu(user / TICK, system / TICK)
