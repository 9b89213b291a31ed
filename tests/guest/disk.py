"""A disk with a write cache that power cuts empty: an NBD server (fixed newstyle, one client) on a Unix socket.

What a write leaves is volatile until the next FLUSH, or at once durable with FUA. Of what is volatile at a pull, each
block of 4 KiB ends as one of the versions it had since it was last durable, in no order with the others.
"""

import random
import socket
import struct
import threading
import time
from dataclasses import dataclass
from pathlib import Path

# Bytes that a power cut leaves whole: what a drive writes at once.
BLOCK = 4096
# https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
_INIT, _OPTION, _OPTION_REPLY = b"NBDMAGIC", b"IHAVEOPT", 0x3E889045565A9
_REQUEST, _REPLY = 0x25609513, 0x67446698
_FIXED_NEWSTYLE, _NO_ZEROES = 1, 2
_ABORT, _INFO, _GO = 2, 6, 7
_ACK, _EXPORT, _UNSUPPORTED = 1, 3, 0x80000001
_READ, _WRITE, _DISCONNECT, _FLUSH = 0, 1, 2, 3
# There are flags; FLUSH and FUA are understood.
_FLAGS = 1 | 4 | 8
_FUA = 1
_EIO, _EINVAL = 5, 22
_LONGEST = 32 << 20


@dataclass
class Cut:
    """What a pull found that was not durable, and how much of it stayed, in blocks."""

    # "write" or "flush": the request that was not answered.
    at: str
    volatile: int
    kept: int


class Disk:
    """`image` as a disk. With `lies`, it acknowledges FLUSH and FUA and does nothing. Each WRITE and FLUSH takes `delay`
    seconds more, and is refused where it `fails`."""

    def __init__(self, image: Path, address: Path):
        self.lies, self.fails = False, False
        self.delay = 0.0
        # Set once the power is off.
        self.off = threading.Event()
        self._countdown: int | None = None
        self._last = ""
        self._file = open(image, "r+b", buffering=0)
        self._size = image.stat().st_size
        self._volatile: dict[int, list[bytes]] = {}
        self._lock = threading.Lock()
        self._client: socket.socket | None = None
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(address))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, name="disk", daemon=True)
        self._thread.start()

    def pull_after(self, requests: int) -> None:
        """Cuts the power at the so-manieth WRITE or FLUSH from now: behind the one, before the other."""
        with self._lock:
            self._countdown = requests

    def settle(self, chance: random.Random, keep: float) -> Cut:
        """What stays, once the machine is gone: a volatile block with probability `keep`, in any version. Power on."""
        with self._lock:
            cut = Cut(self._last, len(self._volatile), 0)
            for block, versions in self._volatile.items():
                if chance.random() < keep:
                    self._store(block, chance.choice(versions))
                    cut.kept += 1
            self._volatile.clear()
            self.off.clear()
        return cut

    def close(self) -> None:
        """Ends the server, once the machine is gone; what is volatile is lost."""
        with self._lock:
            if self._client is not None:
                self._client.shutdown(socket.SHUT_RDWR)
                self._client = None
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self._file.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                with self._lock:
                    self._client = client
                try:
                    if self._greet(client):
                        self._transmit(client)
                except OSError:
                    # The client ended without a word, as a machine without power does.
                    pass
                with self._lock:
                    if self._client is client:
                        self._client = None

    def _greet(self, client: socket.socket) -> bool:
        """The handshake; whether requests follow."""
        client.sendall(_INIT + _OPTION + struct.pack(">H", _FIXED_NEWSTYLE | _NO_ZEROES))
        _exactly(client, 4)
        while True:
            magic, option, length = struct.unpack(">8sII", _exactly(client, 16))
            if magic != _OPTION or length > BLOCK:
                raise ConnectionError("not an NBD client")
            _exactly(client, length)
            if option in (_INFO, _GO):
                _answer(client, option, _EXPORT, struct.pack(">HQH", 0, self._size, _FLAGS))
                _answer(client, option, _ACK)
                if option == _GO:
                    return True
            elif option == _ABORT:
                _answer(client, option, _ACK)
                return False
            else:
                _answer(client, option, _UNSUPPORTED)

    def _transmit(self, client: socket.socket) -> None:
        while True:
            magic, flags, kind, cookie, offset, length = struct.unpack(">IHHQQI", _exactly(client, 28))
            if magic != _REQUEST or length > _LONGEST:
                raise ConnectionError("not an NBD request")
            if kind == _DISCONNECT:
                return
            data = _exactly(client, length) if kind == _WRITE else b""
            if kind in (_WRITE, _FLUSH) and self.delay > 0:
                time.sleep(self.delay)
            aligned = offset % BLOCK == 0 and length % BLOCK == 0 and offset + length <= self._size
            with self._lock:
                error, answer = self._do(kind, offset, length, data, bool(flags & _FUA)) if aligned else (_EINVAL, b"")
            if self.off.is_set():
                # The machine's power goes in the same instant: it may not live to see an error.
                while client.recv(_LONGEST):
                    pass
                return
            client.sendall(struct.pack(">IIQ", _REPLY, error, cookie) + answer)

    def _do(self, kind: int, offset: int, length: int, data: bytes, through: bool) -> tuple[int, bytes]:
        """One request: its error number and, where it reads, what it read."""
        if self.off.is_set():
            return 0, b""
        if kind == _READ:
            return 0, self._read(offset, length)
        if self.fails and kind in (_WRITE, _FLUSH):
            return _EIO, b""
        if kind == _WRITE:
            self._write(offset // BLOCK, data, through and not self.lies)
            self._count("write")
            return 0, b""
        if kind == _FLUSH:
            self._count("flush")
            if not self.lies and not self.off.is_set():
                self._flush()
            return 0, b""
        return _EINVAL, b""

    def _count(self, request: str) -> None:
        self._last = request
        if self._countdown is not None:
            self._countdown -= 1
            if self._countdown <= 0:
                self._countdown = None
                self.off.set()

    def _flush(self) -> None:
        for block, versions in self._volatile.items():
            self._store(block, versions[-1])
        self._volatile.clear()

    def _read(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        data = bytearray(self._file.read(length))
        for at in range(0, length, BLOCK):
            versions = self._volatile.get((offset + at) // BLOCK)
            if versions:
                data[at : at + BLOCK] = versions[-1]
        return bytes(data)

    def _write(self, first: int, data: bytes, through: bool) -> None:
        for at in range(0, len(data), BLOCK):
            block, version = first + at // BLOCK, data[at : at + BLOCK]
            if through:
                self._volatile.pop(block, None)
                self._store(block, version)
            else:
                self._volatile.setdefault(block, []).append(version)

    def _store(self, block: int, version: bytes) -> None:
        self._file.seek(block * BLOCK)
        self._file.write(version)


def _answer(client: socket.socket, option: int, kind: int, data: bytes = b"") -> None:
    client.sendall(struct.pack(">QIII", _OPTION_REPLY, option, kind, len(data)) + data)


def _exactly(client: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        piece = client.recv(length - len(data))
        if not piece:
            raise ConnectionError("the client is gone")
        data += piece
    return bytes(data)
