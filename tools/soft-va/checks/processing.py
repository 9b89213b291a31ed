# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Scaling and conversion by the two post-processors, compared with GStreamer's own in software."""

from stage import ENCODERS, Stage, difference, encoder, expect, source, within


def raw(stage: Stage, element: str, pixels: tuple[str, str], size: tuple[int, int]):
    """In memory on both sides."""
    caps = f"video/x-raw,format={pixels[1]},width={size[0]},height={size[1]}"
    for name, chain in (("soft-va", element), ("gstreamer", "videoconvertscale")):
        stage.play(f"{source(640, 360, 2, pixels=pixels[0])} ! {chain} ! {caps} ! filesink location={stage.path(name)}")
    pictures = [stage.path(name).read_bytes() for name in ("soft-va", "gstreamer")]
    apart = difference(*pictures)
    within(0, apart, 3, "mean difference to videoconvertscale")
    return f"difference {apart:.2f}"


def into_encoder(stage: Stage, chain: str, element: str):
    """Surface to surface, none of it through memory."""
    made = stage.encode("a.mp4", f"{source(1280, 720, 40)} ! {chain} ! {encoder(element, 20)}")
    expect((ENCODERS[element]["codec"], (320, 180), 40, [0, 20]),
           (made.video["codec_name"], made.size, len(made.frames), made.keys), "codec, size, frames, key frames")
    expect([("1280x720/NV12", "320x180/NV12")], [(line["from"], line["to"]) for line in stage.requests("process")],
           "processing asked of the driver")
    made.decodes()


def checks():
    for element in ("vaapipostproc", "vapostproc"):
        for pixels in (("NV12", "NV12"), ("BGRx", "NV12"), ("I420", "BGRx")):
            yield f"{element}: 640x360 {pixels[0]} to 320x180 {pixels[1]}", raw, (element, pixels, (320, 180))
        yield f"{element}: 640x360 NV12 to 854x480 NV12", raw, (element, ("NV12", "NV12"), (854, 480))
    for element in ENCODERS:
        if element.startswith("vaapi"):
            chain = "vaapipostproc width=320 height=180"
        else:
            chain = "vapostproc ! video/x-raw(memory:VAMemory),width=320,height=180"
        yield f"{element}: 1280x720 scaled to 320x180 before it", into_encoder, (chain, element)
