"""Measurements of the store below HTTP, each by a process of its own (firmware/store/examples/measure)."""

import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from box import CACHE, ROOT, Failed

PROGRAM = ROOT / "target" / "release" / "examples" / "measure"
# Nothing here takes longer.
PATIENCE = 280


def measure(*arguments):
    """What a measurement says."""
    command = [PROGRAM, *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise Failed(f"measure {arguments[0]} did not end within {PATIENCE} s")
    if done.returncode:
        raise Failed(f"measure {arguments[0]}: {done.stderr.strip()}")
    return json.loads(done.stdout)


@contextmanager
def scratch(disk=None):
    """An empty folder on the disk that is measured, which goes afterwards."""
    (disk or CACHE).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="measure-", dir=disk or CACHE))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def cool(folder):
    """Drops the files of a folder from the page cache."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def mebi(count):
    return f"{count / 2**20:.0f}"


def mega(measured):
    """MB/s of payload."""
    return measured["payload"] / measured["seconds"] / 1e6
