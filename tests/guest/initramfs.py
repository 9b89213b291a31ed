"""The first file system of the guest: busybox, `init` and the modules that reach the host's root."""

import hashlib
import os
import stat
from pathlib import Path

from kernel import GuestError, Kernel

MODULES = ["virtio_pci", "virtio_console", "virtio_net", "9pnet_virtio", "9p", "overlay"]
APPLETS = ["insmod", "ip", "ln", "mkdir", "mount", "sh", "switch_root"]
FOLDERS = ["bin", "dev", "host", "modules", "proc", "root", "sys", "upper"]


def build(kernel: Kernel, init: Path, busybox: Path, cache: Path) -> Path:
    """The archive for these inputs, made unless the cache has it: its name is the digest of its bytes' sources."""
    if busybox.read_bytes().find(b"/lib64/ld-linux") != -1:
        raise GuestError(f"{busybox} is not static: apt-get install busybox-static")
    order = kernel.load_order(MODULES)
    sources = {"init": init, "bin/busybox": busybox}
    sources |= {f"modules/{Path(path).name}": kernel.modules / path for path in order}
    archive = Archive()
    for folder in FOLDERS:
        archive.add(folder, stat.S_IFDIR | 0o755)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    for name, source in sources.items():
        archive.add(name, stat.S_IFREG | 0o755, source.read_bytes())
    for applet in APPLETS:
        archive.add(f"bin/{applet}", stat.S_IFLNK | 0o777, b"busybox")
    archive.add("modules/order", stat.S_IFREG | 0o644, "".join(f"{Path(path).name}\n" for path in order).encode())
    return archive.store(cache)


class Archive:
    """A cpio archive in the "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self):
        self._bytes = bytearray()
        self._inode = 0

    def add(self, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        """Appends one entry owned by root, dated 1970: equal inputs give equal bytes."""
        self._inode += 1
        path = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
        self._bytes += b"070701" + b"".join(b"%08x" % field for field in fields) + path
        self._pad()
        self._bytes += data
        self._pad()

    def _pad(self) -> None:
        self._bytes += bytes(-len(self._bytes) % 4)

    def store(self, cache: Path) -> Path:
        """Ends the archive and writes it to the cache under its digest."""
        self.add("TRAILER!!!", 0)
        path = cache / f"initramfs-{hashlib.sha256(self._bytes).hexdigest()[:16]}.cpio"
        if not path.exists():
            written = path.with_suffix(f".{os.getpid()}")
            written.write_bytes(self._bytes)
            written.rename(path)
        return path
