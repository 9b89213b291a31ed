"""What a viewer of a recording sees: its HLS playlists and the bytes of its segments."""

import http.client
import json
import re
import struct
from dataclasses import dataclass, field

# A box that is emulated has this long for one answer.
PATIENCE = 30
# What a client meets where a box, or its machine, is not up.
ABSENT = (OSError, http.client.HTTPException)


class Refused(Exception):
    """An answer other than the one that must come."""


class Client:
    """A connection to one of the box's listeners; it is opened when it is needed."""

    def __init__(self, port: int, token: str = ""):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body of an answer."""
        text = None if body is None else json.dumps(body)
        headers = self._headers | ({} if body is None else {"Content-Type": "application/json"})
        used = self._connection.sock is not None
        try:
            return self._exchange(method, path, text, headers)
        except (ConnectionError, http.client.RemoteDisconnected):
            # Servers close what is not used for a while; who finds it so asks again.
            if not used:
                raise
            return self._exchange(method, path, text, headers)

    def _exchange(self, method, path, text, headers):
        try:
            self._connection.request(method, path, text, headers)
            answer = self._connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except ABSENT:
            self._connection.close()
            raise

    def fetch(self, path: str) -> bytes:
        """What is at a path."""
        status, _, body = self.ask("GET", path)
        if status != 200:
            raise Refused(f"{path}: status {status}: {body[:200]!r}")
        return body


@dataclass
class Segment:
    """A whole segment of a playlist; durations in seconds, as they are written."""

    number: int
    duration: str
    gap: bool
    init: str


@dataclass
class Playlist:
    """A Media Playlist (RFC 8216bis, 4.4.3)."""

    segments: list[Segment] = field(default_factory=list)
    # Durations of the parts behind the last whole segment, and the number of their segment.
    parts: list[str] = field(default_factory=list)
    next: int = 0
    # `EXT-X-DISCONTINUITY` in it.
    breaks: int = 0

    def whole(self) -> dict[int, Segment]:
        """What can be played, by number."""
        return {segment.number: segment for segment in self.segments if not segment.gap}

    def seconds(self, after: int, upto: int) -> float:
        """How much can be played of the segments behind `after` up to and with `upto`, open ones included."""
        whole = sum(float(segment.duration) for number, segment in self.whole().items() if after < number <= upto)
        return whole + (sum(map(float, self.parts)) if after < self.next <= upto else 0)


def parse(text: str) -> Playlist:
    """Reads a playlist."""
    if not text.startswith("#EXTM3U\n"):
        raise Refused("not a playlist")
    playlist, told, init = Playlist(), {}, ""
    for line in text.splitlines():
        tag, _, value = line.partition(":")
        if tag == "#EXT-X-MEDIA-SEQUENCE":
            playlist.next = int(value)
        elif tag == "#EXT-X-MAP":
            init = _attribute(value, "URI")
        elif tag == "#EXT-X-PART":
            playlist.parts.append(_attribute(value, "DURATION"))
        elif line and not line.startswith("#"):
            number = playlist.next
            if line != f"{number}.m4s":
                raise Refused(f"segment {number} is listed as {line}")
            duration = told["#EXTINF"].rstrip(",")
            playlist.segments.append(Segment(number, duration, "#EXT-X-GAP" in told, init))
            playlist.next, playlist.parts, told = number + 1, [], {}
        else:
            playlist.breaks += tag == "#EXT-X-DISCONTINUITY"
            told[tag] = value
    return playlist


def _attribute(attributes: str, name: str) -> str:
    found = re.search(rf'(?:^|,){name}=(?:"([^"]*)"|([^,]*))', attributes)
    if found is None:
        raise Refused(f"{name} is missing in {attributes}")
    return found.group(1) or found.group(2)


def tracks(master: str) -> list[str]:
    """The tracks that a Multivariant Playlist names."""
    named = re.findall(r'^([^#\n]+)/media\.m3u8|URI="([^"/]+)/media\.m3u8"', master, re.MULTILINE)
    return sorted({plain or quoted for plain, quoted in named})


def chunks(segment: bytes) -> int:
    """How many chunks a segment has (ISO/IEC 14496-12); each must be there from its first byte to its last."""
    at, kinds = 0, []
    while at < len(segment):
        size, kind = struct.unpack_from(">I4s", segment.ljust(at + 8, b"\0"), at)
        if size < 8 or at + size > len(segment):
            raise Refused(f"box {kind!r} of {size} bytes at {at} of {len(segment)}")
        kinds.append(kind)
        at += size
    count = kinds.count(b"moof")
    pairs = [kind for kind in kinds if kind in (b"moof", b"mdat")]
    if count == 0 or pairs != [b"moof", b"mdat"] * count:
        raise Refused(f"boxes {kinds}")
    return count
