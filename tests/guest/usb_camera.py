"""A USB camera in software: a UVC device of Motion-JPEG behind the kernel's virtual host controller (module vhci_hcd).

To the kernel it is plugged into a port, asked for its descriptors and bound to uvcvideo, as any other is. dummy_hcd would not
do: it has no isochronous transfers, and the kernel's own UVC gadget has no others.
"""

import socket
import struct
import threading
import time
from pathlib import Path

CONTROLLER = Path("/sys/devices/platform/vhci_hcd.0")
# The protocol is Documentation/usb/usbip_protocol.rst: each message has a head of 48 bytes.
HEAD = struct.Struct(">IIIII28s")
SUBMIT, UNLINK = 1, 2
ANSWER = struct.Struct(">10I8x")
HIGH_SPEED = 3
STALL, RESET = -32, -104
IN = 1
STREAM = 1
# More than uvcvideo puts into one transfer, 32 packets of 512 bytes, would have to be told apart by its length.
PAYLOAD = 32 * 512
HEADER = 2
END_OF_FRAME, TOGGLE, HEADER_END = 0x02, 0x01, 0x80
SECOND = 10_000_000


class UsbCamera:
    """One camera of one mode; pictures are dated with the wall clock, so that they fall on the slots of a channel's grid."""

    def __init__(self, port: int, model: str, serial: str, mode: tuple[int, int, int], pictures: list[bytes]):
        """Ports are counted from 0; the mode is width, height and pictures a second."""
        self._port, self._mode, self._pictures = port, mode, pictures
        self._strings = ["", "Riser", model, serial]
        self._line: socket.socket | None = None
        self._lock = threading.Lock()
        # Transfers that wait for a picture: number and length.
        self._waiting: list[tuple[int, int]] = []
        # How often a picture was given later than half of its time, or not at all: an emulated machine is not always in time.
        self.late = 0

    def plug(self) -> None:
        """In; the kernel finds out what it is by itself."""
        ours, theirs = socket.socketpair()
        self._line, self._waiting = ours, []
        for task in (self._answer, self._give):
            threading.Thread(target=task, args=(ours,), daemon=True).start()
        with theirs:
            (CONTROLLER / "attach").write_text(f"{self._port} {theirs.fileno()} {self._port + 1} {HIGH_SPEED}")

    def unplug(self) -> None:
        """Out, at whatever moment."""
        line, self._line = self._line, None
        line.shutdown(socket.SHUT_RDWR)

    def _answer(self, line: socket.socket) -> None:
        with line, line.makefile("rb") as asked:
            while len(head := asked.read(HEAD.size)) == HEAD.size:
                kind, number, _, direction, endpoint, rest = HEAD.unpack(head)
                if kind == UNLINK:
                    self._unlink(line, number, *struct.unpack_from(">I", rest))
                    continue
                length, setup = struct.unpack_from(">4xI12x8s", rest)
                data = asked.read(length) if direction != IN else b""
                with self._lock:
                    if endpoint == STREAM:
                        self._waiting.append((number, length))
                        continue
                    given = self._control(setup)
                    if given is None:
                        self._send(line, number, STALL)
                    else:
                        self._send(line, number, 0, given[:length] if direction == IN else b"", len(data))

    def _unlink(self, line: socket.socket, number: int, victim: int) -> None:
        with self._lock:
            left = [waiting for waiting in self._waiting if waiting[0] != victim]
            status = RESET if len(left) < len(self._waiting) else 0
            self._waiting = left
            line.sendall(struct.pack(">IIIIIi24x", 4, number, 0, 0, 0, status))

    def _send(self, line: socket.socket, number: int, status: int, data: bytes = b"", taken: int = 0) -> None:
        line.sendall(ANSWER.pack(3, number, 0, 0, 0, status & 0xFFFFFFFF, len(data) or taken, 0, 0, 0) + data)

    def _give(self, line: socket.socket) -> None:
        rate, toggle = self._mode[2], 0
        last = int(time.time() * rate)
        while line is self._line:
            time.sleep(max(0, (last + 1) / rate - time.time()))
            now = time.time() * rate
            self.late += int(now - last - 0.5)
            last = max(last + 1, int(now))
            picture = self._pictures[last % len(self._pictures)]
            with self._lock:
                room = [length - HEADER for _, length in self._waiting]
                # A camera that nobody listens to drops its pictures.
                if sum(room) < len(picture):
                    continue
                while picture:
                    number, length = self._waiting.pop(0)
                    now, picture = picture[: length - HEADER], picture[length - HEADER :]
                    flags = HEADER_END | toggle | (0 if picture else END_OF_FRAME)
                    try:
                        self._send(line, number, 0, bytes((HEADER, flags)) + now)
                    except OSError:
                        return
                toggle ^= TOGGLE

    def _control(self, setup: bytes) -> bytes | None:
        """What is answered to a request; none where it is refused."""
        kind, request, value, interface, _ = struct.unpack("<BBHHH", setup)
        if kind == 0x80 and request == 6:
            return self._descriptor(value >> 8, value & 0xFF)
        if kind in (0x80, 0x81, 0x82) and request == 0:
            return bytes(2)
        if kind & 0x60 == 0:
            return b""
        # Probe and commit, which know one answer only.
        if (kind, interface) == (0x21, 1) and value >> 8 in (1, 2):
            return b""
        if (kind, interface) == (0xA1, 1) and value >> 8 in (1, 2):
            return {0x85: struct.pack("<H", 26), 0x86: b"\x03"}.get(request, self._probe())
        return None

    def _probe(self) -> bytes:
        return struct.pack("<HBBIHHHHHII", 1, 1, 1, SECOND // self._mode[2], 0, 0, 0, 0, 0, self._largest(), PAYLOAD)

    def _largest(self) -> int:
        return self._mode[0] * self._mode[1] * 2

    def _descriptor(self, kind: int, index: int) -> bytes | None:
        if kind == 1:
            serial = 3 if self._strings[3] else 0
            return struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x200, 0xEF, 2, 1, 64, 0x1D6B, 0x102, 0x100, 1, 2, serial, 1)
        if kind == 2:
            return self._configuration()
        if kind == 3 and index < len(self._strings):
            text = self._strings[index].encode("utf-16-le") if index else struct.pack("<H", 0x409)
            return bytes((len(text) + 2, 3)) + text
        return None

    def _configuration(self) -> bytes:
        """A camera terminal to a streaming interface with one bulk endpoint (Class Definition for Video Devices 1.0)."""
        width, height, rate = self._mode
        bits = self._largest() * 8 * rate
        terminals = struct.pack("<BBBBHBBHHHB3x", 18, 0x24, 2, 1, 0x201, 0, 0, 0, 0, 0, 3)
        terminals += struct.pack("<BBBBHBBB", 9, 0x24, 3, 2, 0x101, 0, 1, 0)
        control = struct.pack("<BBBHHIBB", 13, 0x24, 1, 0x100, 13 + len(terminals), 48_000_000, 1, 1) + terminals
        modes = struct.pack("<11B", 11, 0x24, 6, 1, 1, 1, 1, 0, 0, 0, 0)
        modes += struct.pack("<BBBBBHHIIIIBI", 30, 0x24, 7, 1, 0, width, height, bits, bits, self._largest(),
                             SECOND // rate, 1, SECOND // rate)
        modes += bytes((6, 0x24, 0x0D, 1, 1, 4))
        stream = struct.pack("<BBBBHBBBBBBBB", 14, 0x24, 1, 1, 14 + len(modes), 0x80 | STREAM, 0, 2, 0, 0, 0, 1, 0) + modes
        parts = bytes((8, 0x0B, 0, 2, 0x0E, 3, 0, 0))
        parts += bytes((9, 4, 0, 0, 0, 0x0E, 1, 0, 0)) + control
        parts += bytes((9, 4, 1, 0, 1, 0x0E, 2, 0, 0)) + stream
        parts += struct.pack("<BBBBHB", 7, 5, 0x80 | STREAM, 2, 512, 0)
        return struct.pack("<BBHBBBBB", 9, 2, 9 + len(parts), 2, 1, 0, 0x80, 250) + parts
