"""The command lines that do what the box does: the same elements or encoders, with the same settings."""

import os
import re
from typing import NamedTuple

from box import Failed

# Height and bits per second.
LADDER = ((720, 3_000_000), (360, 800_000), (180, 300_000))
SOUND = 128_000
# One key frame per segment of 1.6 s.
KEY_FRAMES = 48
NODE = "/dev/dri/renderD128"


class Chosen(NamedTuple):
    """What a box encodes with: `encoder` is x264's preset, or the element of the plugin `va` or `vaapi`."""

    family: str
    encoder: str
    # Of each rendition, with x264.
    threads: tuple
    words: str


def chosen_by(status):
    channel = status["channels"][0]
    family, words = channel["encoder_family"], channel["encoder"]
    if family == "software" and (preset := re.search(r"x264 (\w+)", words)):
        threads = re.search(r"(\d+) threads", words)
        threads = (int(threads[1]) if threads else 1, *(1 for _ in LADDER[1:]))
        return Chosen(family, preset[1], threads, f"x264 {preset[1]}")
    if family in ("va", "vaapi") and (element := re.search(r"va\w+h264\w*enc", words)):
        return Chosen(family, element[0], (), element[0])
    raise Failed(f"there is no peer for a box that encodes with {words}")


def width(height):
    return height * 16 // 9


def gst_launch(file, chosen, paced):
    """The pipeline of the box's own elements; of x264 its scaler is replaced by GStreamer's."""
    sink = f"fakesink sync={str(paced).lower()}"
    pipeline = f"filesrc location={file} ! decodebin name=file "
    if chosen.family == "software":
        first, scale, memory = "deinterlace ! videoconvert ! video/x-raw,format=I420", "videoscale", ""
    else:
        memory = {"va": "(memory:VAMemory)", "vaapi": "(memory:VASurface)"}[chosen.family]
        scale = {"va": "vapostproc", "vaapi": "vaapipostproc"}[chosen.family]
        first = f"{scale} ! video/x-raw{memory},format=NV12"
    pipeline += f"file. ! queue ! {first} ! tee name=t0 "
    for rung, (height, bits) in enumerate(LADDER):
        if rung > 0:
            pipeline += f"t{rung - 1}. ! queue ! {scale} "
            pipeline += f"! video/x-raw{memory},width={width(height)},height={height} ! tee name=t{rung} "
        pipeline += f"t{rung}. ! queue ! {_element(chosen, rung, bits // 1000)} "
        pipeline += f"! h264parse ! video/x-h264,stream-format=avc,alignment=au ! {sink} "
    pipeline += "file. ! queue ! audioconvert ! audioresample ! audio/x-raw,rate=48000,channels=2 "
    pipeline += f"! avenc_aac bitrate={SOUND} ! {sink}"
    return ["gst-launch-1.0", "-q", *pipeline.split()]


def _element(chosen, rung, kilobits):
    if chosen.family == "va":
        rate = f"rate-control=cbr bitrate={kilobits} cpb-size={kilobits}"
        return f"{chosen.encoder} {rate} key-int-max={KEY_FRAMES} b-frames=0 ref-frames=1"
    if chosen.family == "vaapi":
        rate = f"rate-control=cbr bitrate={kilobits} cpb-length=1000"
        return f"{chosen.encoder} {rate} keyframe-period={KEY_FRAMES} max-bframes=0 refs=1"
    rate = f"bitrate={kilobits} vbv-buf-capacity=1000 key-int-max={KEY_FRAMES}"
    speed = f"tune=zerolatency speed-preset={chosen.encoder} threads={chosen.threads[rung]}"
    return f"x264enc {speed} {rate} bframes=0 option-string=scenecut=0"


def ffmpeg(file, chosen, paced, made=None):
    """Into nothing, or into the file `made`."""
    software = chosen.family == "software"
    chain, last = ("", "0:v") if software else ("[0:v]format=nv12,hwupload[u];", "u")
    for rung, (height, _) in enumerate(LADDER):
        size = f"{width(height)}:{height}"
        scale = f"scale={size}:flags=bilinear," if software else f"scale_vaapi={size},"
        more = rung + 1 < len(LADDER)
        chain += f"[{last}]{scale if rung else ''}" + (f"split[v{rung}][s{rung}];" if more else f"null[v{rung}]")
        last = f"s{rung}"
    command = ["ffmpeg", "-v", "error", "-nostdin", *(["-re"] if paced else [])]
    command += [] if software else ["-init_hw_device", f"vaapi=gpu:{NODE}", "-filter_hw_device", "gpu"]
    command += ["-i", str(file), "-filter_complex", chain]
    for rung, (_, bits) in enumerate(LADDER):
        command += ["-map", f"[v{rung}]"]
        if software:
            command += [f"-threads:v:{rung}", str(chosen.threads[rung])]
        for option in ("b", "maxrate", "bufsize"):
            command += [f"-{option}:v:{rung}", str(bits)]
    command += ["-map", "0:a", "-c:a", "aac", "-b:a", str(SOUND), "-ac", "2", "-ar", "48000", "-g", str(KEY_FRAMES), "-bf", "0"]
    if software:
        command += ["-c:v", "libx264", "-preset", chosen.encoder, "-tune", "zerolatency", "-sc_threshold", "0"]
    else:
        command += ["-c:v", "h264_vaapi", "-rc_mode", "CBR", "-async_depth", "1"]
    return command + (["-y", str(made)] if made else ["-f", "null", "-"])
