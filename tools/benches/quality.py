"""What the renditions look like: SSIM of what a box made of the film and of what ffmpeg made of the same pictures.

Every rendition is scaled back to the film's size (bicubic) and compared with the film. Which of its pictures a
rendition begins with is found by looking: whole frames are compared, at 64x36.
"""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from box import Failed

SIZE = (64, 36)
PICTURES = 240
RATE = 30
# A box that has just begun is still within so many of the film's first pictures. The clip repeats itself further on, where
# the same picture was compressed otherwise.
EARLY = 600


class Seen(NamedTuple):
    """SSIM of all planes, and bits per second."""

    ssim: float
    bits: int


def run(*command):
    answer = subprocess.run(command, capture_output=True)
    if answer.returncode:
        raise Failed(f"{command[0]} failed: {answer.stderr.decode(errors='replace')[-400:]}")
    return answer


def of_box(running, height, folder):
    """Pictures of a rendition of a running box, as a file: from its newest segments on, until there are enough."""
    made = folder / f"riser-{height}.mp4"
    playlist = f"http://127.0.0.1:{running.port}/live/main/{height}p/media.m3u8"
    run("ffmpeg", "-v", "error", "-y", "-live_start_index", "-3", "-i", playlist, "-t", str(PICTURES / RATE + 1), "-c", "copy", made)
    return made


def grey(file, count=None):
    """Small grey pictures."""
    scale = f"scale={SIZE[0]}:{SIZE[1]}:flags=area,format=gray"
    limit = ["-frames:v", str(count)] if count else []
    raw = run("ffmpeg", "-v", "error", "-i", file, "-an", "-vf", scale, *limit, "-f", "rawvideo", "-").stdout
    length = SIZE[0] * SIZE[1]
    return [raw[at : at + length] for at in range(0, len(raw), length)]


def apart(one, other):
    return sum(abs(a - b) for a, b in zip(one, other)) / len(one)


def place(pictures, film):
    """The index in `film` of the first of `pictures`, which follow one another as there: where some of them fit best together."""
    looked_at = range(0, len(pictures), 20)

    def distance(at):
        return sum(apart(pictures[nth], film[at + nth]) for nth in looked_at) / len(looked_at)

    found = min(range(len(film) - len(pictures) + 1), key=distance)
    if distance(found) > 4:
        raise Failed("the pictures of a rendition are not those of the film in their order")
    return found


def compare(rendition, skip, film, begin, size):
    """How `PICTURES` of a rendition, all but its first `skip`, look beside the film's from `begin` on."""
    pick = f"trim=start_frame={{0}}:end_frame={{1}},settb=1/{RATE},setpts=N"
    chain = f"[0:v]{pick.format(skip, skip + PICTURES)},scale={size[0]}:{size[1]}:flags=bicubic,format=yuv420p[one];"
    chain += f"[1:v]{pick.format(begin, begin + PICTURES)},format=yuv420p[other];[one][other]ssim"
    told = run("ffmpeg", "-v", "info", "-i", rendition, "-i", film, "-lavfi", chain, "-f", "null", "-").stderr.decode()
    return float(re.search(r"All:([0-9.]+)", told)[1])


def bits(file, skip):
    """Bits per second of the pictures that are compared, of which none may be missing."""
    entries = ["-show_entries", "packet=pts_time,size", "-of", "csv=p=0"]
    told = run("ffprobe", "-v", "error", "-select_streams", "v:0", *entries, file).stdout.decode()
    packets = [line.split(",")[:2] for line in told.split()][skip : skip + PICTURES]
    times = [float(time) for time, _ in packets]
    if len(packets) < PICTURES or any(abs((after - before) * RATE - 1) > 0.2 for before, after in zip(times, times[1:])):
        raise Failed(f"{file.name} lacks pictures, so it cannot be compared: try again on a quiet machine")
    return sum(int(size) for _, size in packets) * 8 * RATE // PICTURES


def recorded(running, ladder, folder):
    """Files of every rendition of a running box, by height; they begin at different pictures of the film."""
    heights = [height for height, _ in ladder]
    with ThreadPoolExecutor(len(heights)) as readers:
        return dict(zip(heights, readers.map(lambda height: of_box(running, height, folder), heights)))


def seen(made, peer, film, folder):
    """For each height of `made` what is `Seen` of that file and of the rendition in `peer`, which ffmpeg made of the whole film."""
    pictures = grey(film, EARLY)
    size = (max(made) * 16 // 9, max(made))
    for index, (height, own) in enumerate(made.items()):
        other = folder / f"ffmpeg-{height}.mp4"
        run("ffmpeg", "-v", "error", "-y", "-i", peer, "-map", f"0:v:{index}", "-c", "copy", other)
        begin = place(grey(own, PICTURES), pictures)
        sides = [(own, 0, bits(own, 0)), (other, begin, bits(other, begin))]
        yield height, [Seen(compare(file, skip, film, begin, size), rate) for file, skip, rate in sides]
