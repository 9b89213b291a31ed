"""What a viewer has seen of a recording, over all lives of the machine, and whether it is still there.

A segment, and every moment of it, counts when all tracks have it: nobody can play less, and the box records a part when the
last track has brought it.
"""

import hashlib
import subprocess
from pathlib import Path

from recorder import RATE
from viewer import Client, Playlist, Refused, chunks, parse, tracks

ASSET = "/vod/night"
TRACKS = ["90p", "audio"]
# Of the sound, in each second.
BLOCKS = 48_000 / 1024

Look = dict[str, Playlist]


class Recording:
    """The viewer's memory."""

    def __init__(self):
        # The last look before a pull, and the segment in which the life before it had ended.
        self._seen: Look = {name: Playlist() for name in TRACKS}
        self._ended = 0
        # By track and number: durations as they were listed, and digests of what was fetched.
        self._acknowledged: dict[tuple[str, int], str] = {}
        self._digests: dict[tuple[str, int], bytes] = {}

    def goes_on(self, viewer: Client) -> bool:
        """Whether there is anything newer than was seen before the last pull."""
        if tracks(viewer.fetch(f"{ASSET}/master.m3u8").decode()) != TRACKS:
            return False
        now, newest = self.look(viewer), _newest(self._seen)
        return _seconds(now, newest, _newest(now)) > 0

    def watch(self, viewer: Client) -> None:
        """Fetches the segments that have come."""
        for number in sorted(_whole(self.look(viewer))):
            for name in TRACKS:
                if (name, number) not in self._digests:
                    self._digests[name, number] = _digest(viewer, name, number)

    def look(self, viewer: Client) -> Look:
        """All that can be seen now."""
        return {name: parse(viewer.fetch(f"{ASSET}/{name}/media.m3u8").decode()) for name in TRACKS}

    def remember(self, look: Look) -> int:
        """What was seen last before a pull; how many segments of it can be played."""
        self._ended, self._seen = _newest(self._seen), look
        whole = _whole(look)
        # Its last part may not have been on the disk when it was seen.
        newest = max(whole, default=0)
        for name, playlist in look.items():
            self._digests.pop((name, newest), None)
            for number in whole - {newest}:
                self._acknowledged[name, number] = playlist.whole()[number].duration
        return len(whole)

    def check(self, viewer: Client, pulls: int, problems: list[str]) -> tuple[int, float, float]:
        """Compares with the last look, after so many pulls: segments of then that can be played, seconds lost, seconds
        lost of the track that was furthest ahead of the others."""
        now, upto = self.look(viewer), _newest(self._seen)
        problems += self._missing(now)
        for name, playlist in now.items():
            if playlist.breaks != pulls:
                problems.append(f"{name}: {playlist.breaks} discontinuities after {pulls} pulls")
        kept = {number for number in _whole(now) if number <= upto}
        for number in sorted(kept):
            for name in TRACKS:
                problems += self._fetch(viewer, name, number)
        lost = _seconds(self._seen, self._ended, upto) - _seconds(now, self._ended, upto)
        tracks = (self._seen[name].seconds(self._ended, upto) - now[name].seconds(self._ended, upto) for name in TRACKS)
        return len(kept), lost, max(tracks)

    def _missing(self, now: Look) -> list[str]:
        problems, whole = [], {name: playlist.whole() for name, playlist in now.items()}
        for (name, number), duration in self._acknowledged.items():
            segment = whole[name].get(number)
            if segment is None:
                problems.append(f"{name}: segment {number} is lost")
            elif segment.duration != duration:
                problems.append(f"{name}: segment {number} has {segment.duration} s, had {duration}")
        return problems

    def _fetch(self, viewer: Client, name: str, number: int) -> list[str]:
        try:
            digest = _digest(viewer, name, number)
        except Refused as refused:
            return [f"{name}: segment {number} is listed, but {refused}"]
        if self._digests.setdefault((name, number), digest) != digest:
            return [f"{name}: segment {number} is not what it was"]
        return []

    def play(self, viewer: Client, scratch: Path) -> str:
        """Decodes all that can be played; how much that is."""
        now, said = self.look(viewer), []
        numbers = sorted(_whole(now))
        for name in TRACKS:
            segments = [now[name].whole()[number] for number in numbers]
            film = scratch / f"{name}.mp4"
            with open(film, "wb") as file:
                for init in {segment.init: None for segment in segments}:
                    file.write(viewer.fetch(f"{ASSET}/{name}/{init}"))
                for number in numbers:
                    file.write(viewer.fetch(f"{ASSET}/{name}/{number}.m4s"))
            seconds, frames = sum(float(segment.duration) for segment in segments), _decoded(film)
            # Segments of sound end with a whole block.
            rate, slack = (BLOCKS, len(segments)) if name == "audio" else (RATE, 0)
            if abs(frames - round(seconds * rate)) > slack:
                raise Refused(f"{name}: {frames} frames in {seconds:.1f} s at {rate:.2f}/s")
            said.append(f"{name} {frames} frames in {seconds:.1f} s")
        return f"all {len(numbers)} segments decode: " + ", ".join(said)


def _newest(look: Look) -> int:
    """The segment that is being made."""
    return max(playlist.next for playlist in look.values())


def _whole(look: Look) -> set[int]:
    return set.intersection(*(set(playlist.whole()) for playlist in look.values()))


def _seconds(look: Look, after: int, upto: int) -> float:
    return min(playlist.seconds(after, upto) for playlist in look.values())


def _digest(viewer: Client, name: str, number: int) -> bytes:
    segment = viewer.fetch(f"{ASSET}/{name}/{number}.m4s")
    chunks(segment)
    return hashlib.sha256(segment).digest()


def _decoded(film: Path) -> int:
    """Frames of a film, every one decoded."""
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", film]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        raise Refused(f"{film.name}: {done.stderr.strip()}")
    return int(done.stdout.strip().rstrip(","))
