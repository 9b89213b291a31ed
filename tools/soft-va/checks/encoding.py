# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What the four encoders make of pictures."""

import hashlib
import re

from stage import ENCODERS, Failure, Stage, Stream, difference, encoder, expect, source, within

# Nothing that a codec could foresee, so a rate is what rate control makes it.
NOISE = "snow"
# The first second may use up the buffer on top.
SETTLED = (30, 90)
# Of a forced key unit 1.22 makes an IDR here only; elsewhere it is an I-picture, which is no place to start.
FORCES_IDR = ("vaapih264enc",)


def stream(stage: Stage, element: str):
    """Codec, size, number of frames, an IDR at the asked period, the same picture."""
    made = stage.encode("a.mp4", f"{source(640, 360, 70)} ! {encoder(element, 30)}")
    expect(ENCODERS[element]["codec"], made.video["codec_name"], "codec")
    expect((640, 360), made.size, "size")
    expect(70, len(made.frames), "frames")
    expect([0, 30, 60], made.keys, "key frames")
    expect([0, 30, 60], [int(line["frame"]) for line in stage.requests("idr")], "IDRs asked of the driver")
    made.decodes()
    stage.play(f"{source(640, 360, 1, pixels='I420')} ! filesink location={stage.path('raw')}")
    apart = difference(stage.path("raw").read_bytes(), made.picture())
    within(0, apart, 3, "mean difference to the source")
    return f"difference {apart:.2f}"


def size(stage: Stage, element: str, width: int, height: int):
    rate = "30000/1001"
    made = stage.encode("a.mp4", f"{source(width, height, 8, rate=rate)} ! {encoder(element)}")
    expect((width, height), made.size, "size")
    asked = stage.requests("open")[0]
    expect((f"{width}x{height}", rate), (asked["size"], asked["rate"]), "size and frame rate asked of the driver")
    expect(8, len(made.frames), "frames")
    made.decodes()


def constant(stage: Stage, element: str):
    """CBR: the rate asked for."""
    made = stage.encode("a.mp4", f"{source(320, 180, 90, NOISE)} ! {encoder(element, rate_control='cbr', bitrate=1500)}")
    asked = stage.requests("open")[0]
    expect("cbr", asked["mode"], "mode")
    within(1490, int(asked["target"]) / 1000, 1510, "kbit/s asked")
    within(1200, made.kbit(*SETTLED), 1800, "kbit/s")
    return f"{made.kbit(*SETTLED):.0f} of 1500 kbit/s"


def variable(stage: Stage, element: str):
    """VBR: the target asked for, below a peak."""
    made = stage.encode("a.mp4", f"{source(320, 180, 90, NOISE)} ! {encoder(element, rate_control='vbr', bitrate=1500)}")
    asked = stage.requests("open")[0]
    target, peak = int(asked["target"]) / 1000, int(asked["peak"]) / 1000
    expect("vbr", asked["mode"], "mode")
    if not 0 < target < peak:
        raise Failure(f"target {target:g}, peak {peak:g}")
    within(target * 0.8, made.kbit(*SETTLED), target * 1.25, "kbit/s")
    return f"{made.kbit(*SETTLED):.0f} kbit/s, asked of the driver: target {target:.0f}, peak {peak:.0f}"


def quantiser(stage: Stage, element: str):
    """CQP: a coarser quantiser makes a smaller stream."""
    sizes = []
    for qp in (20, 40):
        properties = {"init_qp": qp} if element.startswith("vaapi") else {"qpi": qp, "qpp": qp}
        made = stage.encode(f"{qp}.mp4", f"{source(320, 180, 30, NOISE)} ! {encoder(element, **properties)}")
        sizes.append(made.kbit(0, 30))
    expect({"cqp"}, {line["mode"] for line in stage.requests("open")}, "mode")
    within(0, sizes[1], sizes[0] / 2, "kbit/s at QP 40")
    return f"QP 20: {sizes[0]:.0f}, QP 40: {sizes[1]:.0f} kbit/s"


def profile(stage: Stage, element: str, name: str, said: str):
    made = stage.encode("a.mp4", f"{source(320, 180, 8)} ! {encoder(element).replace(' !', f' ! video/x-h264,profile={name} !')}")
    expect(said, made.video["profile"], "profile")
    expect(name, stage.requests("open")[0]["profile"], "profile asked of the driver")
    made.decodes()


def slices(stage: Stage, element: str):
    made = stage.encode("a.mp4", f"{source(640, 360, 8)} ! {encoder(element, num_slices=4)}")
    expect("4", stage.requests("open")[0]["slices"], "slices asked of the driver")
    made.decodes()


def named(text: str, element: str) -> str:
    return text.replace(element, f"{element} name=encoder")


def bitrate_change(stage: Stage, element: str):
    """The property is set at frame 60 of 150."""
    pipeline = f"{source(320, 180, 150, NOISE)} ! {encoder(element, 300, rate_control='cbr', bitrate=2500)}"
    # No mp4mux: of new parameter sets it makes a sample description that begins one frame early.
    pipeline = f"{named(pipeline, element)} ! filesink location={stage.path('a')}"
    stage.play(pipeline, "--bitrate", "60", "1000")
    changes = stage.requests("change")
    expect(1, len(changes), "changes asked of the driver")
    within(990, int(changes[0]["target"]) / 1000, 1010, "kbit/s asked")
    made, at = Stream(stage.path("a")), int(changes[0]["frame"])
    within(60, at, 62, "frame of the change")
    before, after = made.kbit(30, at), made.kbit(at + 30, 150)
    within(2000, before, 3000, "kbit/s before")
    within(800, after, 1250, "kbit/s after")
    expect([0, at], made.keys, "key frames")
    made.decodes()
    return f"{before:.0f}, then {after:.0f} kbit/s from frame {at}, with an IDR"


def forced_key(stage: Stage, element: str):
    pipeline = f"{named(f'{source(320, 180, 90)} ! {encoder(element, 200)}', element)} ! mp4mux"
    stage.play(f"{pipeline} ! filesink location={stage.path('a.mp4')}", "--key", "45")
    made = Stream(stage.path("a.mp4"))
    intra = [index for index, frame in enumerate(made.frames) if frame["pict_type"] == "I"]
    expect([0, 45], intra, "I-frames")
    idrs = [int(line["frame"]) for line in stage.requests("idr")]
    expect([0, 45] if element in FORCES_IDR else [0], idrs, "IDRs asked of the driver")
    expect(idrs, made.keys, "key frames")
    return "IDR" if made.keys == intra else "I-picture, no IDR"


def same_bytes(stage: Stage, element: str):
    sums = set()
    for name in ("a", "b"):
        stage.play(f"{source(640, 360, 40, NOISE)} ! {encoder(element, rate_control='cbr', bitrate=900)} "
                   f"! filesink location={stage.path(name)}")
        sums.add(hashlib.sha256(stage.path(name).read_bytes()).hexdigest())
    expect(1, len(sums), "different streams from the same pictures")


def together(stage: Stage):
    """One process, each encoder at its own size and rate, over one display for each plugin."""
    sizes = [(640, 360), (480, 270), (426, 240), (320, 180)]
    branches = [f"{source(width, height, 60)} ! queue ! {encoder(element, 20)} ! mp4mux ! "
                f"filesink location={stage.path(f'{element}.mp4')}" for element, (width, height) in zip(ENCODERS, sizes)]
    stage.play(" ".join(branches))
    for element, wanted in zip(ENCODERS, sizes):
        made = Stream(stage.path(f"{element}.mp4"))
        expect((wanted, 60, [0, 20, 40]), (made.size, len(made.frames), made.keys), element)
        made.decodes()


def ladder(stage: Stage, element: str):
    """Four of one kind in one process, from one source."""
    branches = [f"t. ! queue ! {encoder(element, 20)} ! mp4mux ! filesink location={stage.path(f'{n}.mp4')}" for n in range(4)]
    stage.play(f"{source(320, 180, 60)} ! tee name=t {' '.join(branches)}")
    for n in range(4):
        made = Stream(stage.path(f"{n}.mp4"))
        expect((60, [0, 20, 40]), (len(made.frames), made.keys), f"encoder {n}")


def rounds(stage: Stage, element: str):
    """Started and stopped: the memory held after round 30 is that of round 10, and nothing is left in the driver."""
    pipeline = f"{named(f'{source(320, 180, 6)} ! {encoder(element)}', element)} ! fakesink"
    # One arena: how many there are is chance.
    stage.play(pipeline, "--rounds", "30", MALLOC_ARENA_MAX="1")
    held = [int(kib) for kib in re.findall(r"resident (\d+)", stage.output())]
    expect(30, len(held), "rounds")
    within(-1e6, held[29] - held[9], 1024, "KiB more after round 30 than after round 10")
    expect(list(range(30)), [int(line["encoder"]) for line in stage.requests("close")], "encoders closed")
    expect({"0"}, {line["left"] for line in stage.requests("terminate")}, "objects left at the end")
    return f"{held[0]} KiB, round 10: {held[9]}, round 30: {held[29]}"


def reduced(stage: Stage, element: str, what: str):
    """The element adapts to a driver that can do less."""
    stage.play(f"{source(640, 360, 40)} ! {encoder(element, 20)} ! filesink location={stage.path('a')}", SOFT_VA_WITHOUT=what)
    made = Stream(stage.path("a"))
    expect(((640, 360), 40, [0, 20]), (made.size, len(made.frames), made.keys), "size, frames, key frames")
    made.decodes()


def refused(stage: Stage, element: str, what: str):
    """The element ends with an error where the driver can do less."""
    status = stage.attempt(f"{source(640, 360, 40)} ! {encoder(element)} ! fakesink", SOFT_VA_WITHOUT=what)
    expect(1, status, "exit status")


def checks():
    for element in ENCODERS:
        yield f"{element}: stream", stream, (element,)
    for element in ENCODERS:
        for width, height in ((1920, 1080), (854, 480), (642, 362)):
            yield f"{element}: {width}x{height}", size, (element, width, height)
    for element in ENCODERS:
        yield f"{element}: CBR", constant, (element,)
        yield f"{element}: VBR", variable, (element,)
        yield f"{element}: CQP", quantiser, (element,)
        yield f"{element}: bitrate changed while running", bitrate_change, (element,)
        yield f"{element}: forced key unit", forced_key, (element,)
        yield f"{element}: same pictures, same bytes", same_bytes, (element,)
        yield f"{element}: started and stopped", rounds, (element,)
    for element in ("vaapih264enc", "vah264enc"):
        for name, said in (("constrained-baseline", "Constrained Baseline"), ("main", "Main"), ("high", "High")):
            yield f"{element}: profile {name}", profile, (element, name, said)
        yield f"{element}: four slices", slices, (element,)
    yield "all four encoders in one process", together, ()
    for element in ("vaapih264enc", "vah264enc"):
        yield f"four of {element} in one process", ladder, (element,)
    for element in ENCODERS:
        yield f"SOFT_VA_WITHOUT: derive, {element}", reduced, (element, "derive")
        adapts = element.startswith("vaapi")
        yield f"SOFT_VA_WITHOUT: packed-headers, {element}", reduced if adapts else refused, (element, "packed-headers")
