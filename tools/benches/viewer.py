"""As much of an LL-HLS client as benchmarks need (draft-pantos-hls-rfc8216bis): one connection, playlists by line."""

import http.client
import re
import ssl
import time
from typing import NamedTuple
from urllib.parse import urljoin

from box import Failed


class Part(NamedTuple):
    """`EXT-X-PART`: address, seconds, and whether decoding can begin with it."""

    address: str
    duration: float
    independent: bool


class Playlist(NamedTuple):
    """A Media Playlist's low-latency end."""

    init: str
    parts: list
    hint: str
    # The segment and part that come next.
    next: tuple


class Viewer:
    """One kept connection to the viewers' port of a box on this machine; over TLS it takes any certificate."""

    def __init__(self, port, tls=False):
        if tls:
            context = ssl._create_unverified_context()
            self.connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
        else:
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def ask(self, address):
        """Status, body, and when its last byte had come: nanoseconds since the epoch."""
        self.connection.request("GET", address)
        answer = self.connection.getresponse()
        body = answer.read()
        return answer.status, body, time.time_ns()

    def get(self, address):
        """Body and arrival of what must be there."""
        status, body, arrived = self.ask(address)
        if status != 200:
            raise Failed(f"{address} was answered with {status}: {body[:200].decode(errors='replace')}")
        return body, arrived

    def playlist(self, address, query=""):
        text = self.get(address + query)[0].decode()
        return parse(address, text)


def attribute(line, name):
    """An attribute's value; none where there is none."""
    found = re.search(rf'[:,]{name}=(?:"([^"]*)"|([^,]*))', line)
    return found and (found[1] if found[1] is not None else found[2])


def best_video(master, text):
    """The first variant's playlist and its frames per second."""
    lines = text.splitlines()
    for line, following in zip(lines, lines[1:]):
        if line.startswith("#EXT-X-STREAM-INF:"):
            return urljoin(master, following), float(attribute(line, "FRAME-RATE"))
    raise Failed(f"{master} lists no variant")


def audio(master, text):
    """The playlist of the first audio rendition."""
    for line in text.splitlines():
        if line.startswith("#EXT-X-MEDIA:TYPE=AUDIO"):
            return urljoin(master, attribute(line, "URI"))
    raise Failed(f"{master} lists no sound")


def parse(address, text):
    init, hint, parts, segment, count = None, None, [], 0, 0
    for line in text.splitlines():
        if line.startswith("#EXT-X-MEDIA-SEQUENCE:"):
            segment = int(line.partition(":")[2])
        elif line.startswith("#EXT-X-MAP:"):
            init = urljoin(address, attribute(line, "URI"))
        elif line.startswith("#EXT-X-PART:"):
            independent = attribute(line, "INDEPENDENT") == "YES"
            duration = float(attribute(line, "DURATION"))
            parts.append(Part(urljoin(address, attribute(line, "URI")), duration, independent))
            count += 1
        elif line.startswith("#EXT-X-PRELOAD-HINT:TYPE=PART"):
            hint = urljoin(address, attribute(line, "URI"))
        elif line and not line.startswith("#"):
            segment, count = segment + 1, 0
    return Playlist(init, parts, hint, (segment, count))
