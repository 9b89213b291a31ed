"""Debian's kernel image, fetched and unpacked into the cache, never installed."""

import fcntl
import lzma
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

# Seconds after which what lies in the cache is taken to be forgotten.
UNUSED = 24 * 3600


class GuestError(Exception):
    """One line for the person at the terminal, and the exit status that goes with it."""

    def __init__(self, message: str, status: int = 125):
        super().__init__(message)
        self.status = status


def tool(name: str, package: str) -> str:
    """Path of a program the harness calls; some lie where only root looks."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if path is None:
        raise GuestError(f"{name} is missing: apt-get install {package}")
    return path


def output(*command: str, cwd: Path | None = None) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise GuestError(f"{command[0]} {command[1]} failed: {last}")
    return done.stdout


@contextmanager
def locked(folder: Path):
    """Holds the cache folder against other runs of the harness."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Kernel:
    """An unpacked kernel package: `image` to boot, modules under `root`/lib/modules."""

    def __init__(self, root: Path):
        self.root = root
        self.image = root / "vmlinux"
        (self.modules,) = (root / "lib/modules").iterdir()
        self.release = self.modules.name
        self._needs = {}
        for line in (self.modules / "modules.dep").read_text().splitlines():
            path, needs = line.split(":")
            self._needs[path] = needs.split()
        self._paths = {_name(path): path for path in self._needs}
        builtin = (self.modules / "modules.builtin").read_text().splitlines()
        self._builtin = {_name(path) for path in builtin}

    def load_order(self, names: list[str]) -> list[str]:
        """Paths below `modules` to load for `names`, each after what it needs. Built-in ones need nothing."""
        order: list[str] = []
        for name in names:
            if _canonical(name) in self._builtin:
                continue
            path = self._paths.get(_canonical(name))
            if path is None:
                raise GuestError(f"kernel {self.release} has no module {name}")
            for needed in [*reversed(self._needs[path]), path]:
                if needed not in order:
                    order.append(needed)
        return order


def _canonical(name: str) -> str:
    return name.replace("-", "_")


def _name(path: str) -> str:
    return _canonical(Path(path).name.split(".")[0])


def fetch(cache: Path) -> Kernel:
    """The kernel linux-image-amd64 stands for today, from the cache or from the Debian archive. Call it `locked`."""
    tool("apt-get", "apt")
    shown = output("apt-cache", "show", "--no-all-versions", "linux-image-amd64")
    found = re.search(r"^Depends: (linux-image-\S+) \(= (\S+)\)", shown, re.MULTILINE)
    if found is None:
        raise GuestError("apt-cache show linux-image-amd64 names no kernel package")
    package, version = found.groups()
    root = cache / f"{package}_{version}"
    if not root.is_dir():
        with tempfile.TemporaryDirectory(dir=cache) as work:
            _unpack(f"{package}={version}", Path(work))
            (Path(work) / "kernel").rename(root)
    return Kernel(root)


def prune(cache: Path, used: list[Path]) -> None:
    """Removes what a newer kernel left behind. No guest still runs on what none has used for a day. Call it `locked`."""
    for path in used:
        os.utime(path)
    for path in [*cache.glob("linux-image-*"), *cache.glob("initramfs-*"), *cache.glob("tmp*")]:
        if time.time() - path.stat().st_mtime < UNUSED:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _unpack(package: str, work: Path) -> None:
    output("apt-get", "download", "-qq", package, cwd=work)
    (archive,) = work.glob("*.deb")
    root = work / "kernel"
    output("dpkg-deb", "-x", str(archive), str(root))
    (bzimage,) = root.glob("boot/vmlinuz-*")
    (root / "vmlinux").write_bytes(_payload(bzimage.read_bytes()))
    output(tool("depmod", "kmod"), "-b", str(root), bzimage.name.removeprefix("vmlinuz-"))
    for unused in ("boot", "usr"):
        shutil.rmtree(root / unused)


def _payload(bzimage: bytes) -> bytes:
    """The ELF image inside a bzImage (Documentation/arch/x86/boot.rst): emulated, its own decompressor takes seconds."""
    setup_sectors = bzimage[0x1F1]
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    packed = bzimage[start : start + length]
    if not packed.startswith(b"\xfd7zXZ"):
        raise GuestError("the kernel image is not xz-compressed as Debian 12's is")
    return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(packed)
