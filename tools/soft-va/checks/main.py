#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Runs the checks whose names contain one of the words given, or all, two at a time; one line for each.

  main.py FOLDER [WORD...]    FOLDER is emptied and keeps what the checks wrote
"""

import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
import encoding  # noqa: E402
import faults  # noqa: E402
import processing  # noqa: E402
from stage import RUN, Failure, Stage  # noqa: E402

# All that the checks need: a scan of these is a second, of all that a system may have ten.
PLUGINS = ("app", "coreelements", "isomp4", "va", "vaapi", "videoconvertscale", "videoparsersbad", "videotestsrc")


def link_plugins(folder: Path) -> Path:
    said = subprocess.run(["gst-inspect-1.0", "coreelements"], capture_output=True, text=True, check=True).stdout
    where = Path(re.search(r"Filename +(\S+)", said)[1]).parent
    folder.mkdir(parents=True)
    for name in PLUGINS:
        (folder / f"libgst{name}.so").symlink_to(where / f"libgst{name}.so")
    return folder


def judge(name: str, check, arguments: tuple, folder: Path, plugins: Path) -> tuple[bool, str]:
    began = time.monotonic()
    stage = Stage(folder / re.sub(r"[^A-Za-z0-9]+", "-", name), plugins)
    try:
        said, passed = check(stage, *arguments) or "", True
    except (Failure, subprocess.SubprocessError, OSError, LookupError, ValueError) as error:
        said, passed = f"{type(error).__name__}: {error}", False
    return passed, f"{'ok' if passed else 'FAILED':7}{time.monotonic() - began:6.1f} s  {name}{': ' if said else ''}{said}"


def main() -> int:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, words = Path(sys.argv[1]).resolve(), sys.argv[2:]
    shutil.rmtree(folder, ignore_errors=True)
    plugins = link_plugins(folder / "plugins")
    subprocess.run([RUN, "--", "true"], check=True)
    chosen = [check for part in (faults, encoding, processing) for check in part.checks()]
    chosen = [check for check in chosen if not words or any(word in check[0] for word in words)]
    results = []
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(judge, *check, folder, plugins) for check in chosen]
        for future in waiting:
            passed, line = future.result()
            print(line, flush=True)
            results.append(passed)
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
