# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Discovery, and every knob."""

import os
import signal
import subprocess
import time

from stage import ENCODERS, PLAYER, Failure, Stage, encoder, expect, source, within

BOTH = {"vaapi": ["vaapih264enc", "vaapih265enc", "vaapipostproc", "vaapisink"],
        "va": ["vacompositor", "vah264enc", "vah265enc", "vapostproc"]}
# What the vaapi plugin of 1.22 takes without being told to take all drivers.
LISTED = "Intel iHD driver for Intel(R) Gen Graphics - 0 (software, no hardware)"


def profiles(stage: Stage):
    """What vainfo sees, without GStreamer."""
    expect(0, stage.run("vainfo", "--display", "drm", "--device", "/dev/dri/renderD128"), "vainfo")
    for words in ("H264High ", "HEVCMain ", "VideoProc", "EncSlice"):
        if words not in stage.output():
            raise Failure(f"vainfo did not name {words}")


def discovery(stage: Stage, plugin: str, **knobs):
    expect(BOTH[plugin], stage.features(plugin, **knobs), "elements")


def all_plugins(stage: Stage):
    """With every plugin of the system: none that also looks for render nodes trips over this one."""
    for plugin, wanted in BOTH.items():
        expect(wanted, stage.features(plugin, plugins=False), f"elements of {plugin}")
    if "segmentation fault" in stage.output() or "CRITICAL" in stage.output():
        raise Failure(stage.last_words())


def hidden(stage: Stage, gone: dict[str, list[str]], **knobs):
    """The elements that must be missing, and no others."""
    for plugin, wanted in BOTH.items():
        expect([name for name in wanted if name not in gone[plugin]], stage.features(plugin, **knobs), f"elements of {plugin}")


def whitelist(stage: Stage):
    """An honest vendor is turned away, one that the plugin knows is not; neither with GST_VAAPI_ALL_DRIVERS."""
    expect([], stage.features("vaapi", SOFT_VA_VENDOR="Some other driver"), "elements with another vendor")
    expect(BOTH["vaapi"], stage.features("vaapi", SOFT_VA_VENDOR=LISTED), "elements with the vendor listed")
    for element in ENCODERS:
        made = stage.encode(f"{element}.mp4", f"{source(320, 180, 8)} ! {encoder(element)}", SOFT_VA_VENDOR=LISTED)
        expect(8, len(made.frames), f"frames of {element}")


def gone(stage: Stage, element: str):
    """Registered, but its plugin loads without it: the factory is found and makes nothing."""
    stage.run("gst-inspect-1.0", element, SOFT_VA_INIT_FAILS="after-scan")
    if "element plugin couldn't be loaded" not in stage.output():
        raise Failure(stage.last_words())
    if not stage.requests("fault"):
        raise Failure("nobody tried to open the driver")


def over_x11(stage: Stage):
    """Without the preloaded render node, over an X server: no fault of it can be taken for one of ours."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x24", "-nolisten", "tcp"]
    with open(stage.path("xvfb"), "wb") as log, subprocess.Popen(command, pass_fds=[write], stdout=log, stderr=log) as server:
        os.close(write)
        try:
            display = os.read(read, 16).decode().strip()
            over = {"route": ("--x11",), "DISPLAY": f":{display}"}
            expect(BOTH["vaapi"], stage.features("vaapi", **over), "elements of vaapi")
            expect([], stage.features("va", **over), "elements of va, which knows no X")
            for element in ("vaapih264enc", "vaapih265enc"):
                made = stage.encode(f"{element}.mp4", f"{source(320, 180, 8)} ! {encoder(element)}", **over)
                expect(8, len(made.frames), f"frames of {element}")
        finally:
            os.close(read)
            server.kill()


def low_power(stage: Stage):
    expect(["vacompositor", "vah264lpenc", "vah265lpenc", "vapostproc"], stage.features("va", SOFT_VA_LOW_POWER="only"), "elements of va")
    made = stage.encode("a.mp4", f"{source(320, 180, 8)} ! {encoder('vaapih264enc')}", SOFT_VA_LOW_POWER="only")
    expect(8, len(made.frames), "frames of vaapih264enc")
    lp = encoder("vah264enc").replace("vah264enc", "vah264lpenc")
    made = stage.encode("b.mp4", f"{source(320, 180, 8)} ! {lp}", SOFT_VA_LOW_POWER="only")
    expect(8, len(made.frames), "frames of vah264lpenc")
    expect(["low-power"] * 2, [line["entrypoint"] for line in stage.requests("open")], "entrypoints")
    features = stage.features("va", SOFT_VA_LOW_POWER="also")
    if not {"vah264enc", "vah264lpenc"} <= set(features):
        raise Failure(f"elements with both: {features}")


def fails(stage: Stage, element: str):
    """An error on the bus, and the pipeline ends."""
    status = stage.attempt(f"{source(320, 180, 90)} ! {encoder(element)} ! fakesink", SOFT_VA_FAIL_AT="20")
    expect(1, status, "exit status")
    expect([("fail", "20")], [(line["fault"], line["frame"]) for line in stage.requests("fault")], "faults")
    return next((line for line in stage.output().splitlines() if line.startswith("error from")), "no error")


def once(stage: Stage):
    """The second process is spared, and a third one not, once the file is gone."""
    mark = stage.path("struck")
    pipeline = f"{source(320, 180, 30)} ! {encoder('vah264enc')} ! fakesink"
    statuses = []
    for again in (False, False, True):
        if again:
            mark.unlink()
        statuses.append(stage.attempt(pipeline, SOFT_VA_FAIL_AT="5", SOFT_VA_FAULT_ONCE=str(mark)))
    expect([1, 0, 1], statuses, "exit statuses")


def of_one_size(stage: Stage):
    """Of two encoders the fault meets the smaller one."""
    small, large = (f"{source(width, height, 30)} ! {encoder('vah264enc')} ! fakesink" for width, height in ((320, 180), (640, 360)))
    expect(0, stage.attempt(large, SOFT_VA_FAIL_AT="5", SOFT_VA_FAULT_SIZE="320x180"), "640x360")
    expect(1, stage.attempt(small, SOFT_VA_FAIL_AT="5", SOFT_VA_FAULT_SIZE="320x180"), "320x180")


def slow(stage: Stage, element: str):
    began = time.monotonic()
    stage.play(f"{source(320, 180, 20)} ! {encoder(element)} ! fakesink", SOFT_VA_FRAME_MS="60")
    within(20 * 0.06, time.monotonic() - began, 60, "seconds for 20 frames")


def hangs(stage: Stage, element: str):
    process = stage.start(*PLAYER, f"{source(320, 180, 90)} ! {encoder(element)} ! fakesink", SOFT_VA_HANG_AT="10")
    try:
        stage.wait_for(lambda: stage.requests("fault"), process, "the hang")
        expect(None, process.poll(), "exit status while it hangs")
        expect("hang", stage.requests("fault")[0]["fault"], "fault")
    finally:
        stage.stop(process)
    expect([], stage.requests("close"), "encoders closed")


def aborts(stage: Stage, element: str):
    status = stage.attempt(f"{source(320, 180, 90)} ! {encoder(element)} ! fakesink", SOFT_VA_ABORT_AT="10")
    expect(-signal.SIGABRT, status, "exit status")


def no_surfaces(stage: Stage, element: str):
    """An error, or an end; never a stream that looks well."""
    status = stage.attempt(f"{source(320, 180, 30)} ! {encoder(element)} ! fakesink", SOFT_VA_MAX_SURFACES="2")
    if status == 0 or status < 0:
        raise Failure(f"exit status {status}")


def largest(stage: Stage, element: str):
    """The limit itself is taken, one block more is not."""
    made = stage.encode("a.mp4", f"{source(640, 368, 4)} ! {encoder(element)}", SOFT_VA_MAX_SIZE="640x368")
    expect((640, 368), made.size, "size")
    status = stage.attempt(f"{source(656, 368, 4)} ! {encoder(element)} ! fakesink", SOFT_VA_MAX_SIZE="640x368")
    # The pads of va's elements have the limit in their template, so there they cannot even be linked.
    expect(1 if element.startswith("vaapi") else 3, status, "exit status with 656x368")


def misspelt(stage: Stage):
    """What cannot be understood starts nothing: no test may pass because it tested nothing."""
    for name, value in (("SOFT_VA_WITHOUT", "h266"), ("SOFT_VA_FAIL_AT", "soon"), ("SOFT_VA_FAILS_AT", "5")):
        expect(2, stage.run("vainfo", **{name: value}), f"exit status with {name}={value}")
        if name not in stage.last_words():
            raise Failure(stage.last_words())


def checks():
    yield "vainfo", profiles, ()
    for plugin in BOTH:
        yield f"elements of {plugin}", discovery, (plugin,)
    yield "elements, with all plugins of the system", all_plugins, ()
    everything = {plugin: names for plugin, names in BOTH.items()}
    yield "SOFT_VA_INIT_FAILS: no elements", lambda stage: hidden(stage, everything, SOFT_VA_INIT_FAILS="1"), ()
    for element in ENCODERS:
        yield f"SOFT_VA_INIT_FAILS after the scan: {element}", gone, (element,)
    for what, missing in (("h264", {"vaapi": ["vaapih264enc"], "va": ["vah264enc"]}),
                       ("h265", {"vaapi": ["vaapih265enc"], "va": ["vah265enc"]}),
                       ("postproc", {"vaapi": ["vaapipostproc"], "va": ["vapostproc", "vacompositor"]})):
        yield f"SOFT_VA_WITHOUT: {what}", lambda stage, missing=missing, what=what: hidden(stage, missing, SOFT_VA_WITHOUT=what), ()
    yield "over X11", over_x11, ()
    yield "SOFT_VA_VENDOR", whitelist, ()
    yield "SOFT_VA_LOW_POWER", low_power, ()
    for element in ENCODERS:
        yield f"SOFT_VA_FAIL_AT: {element}", fails, (element,)
        yield f"SOFT_VA_FRAME_MS: {element}", slow, (element,)
        yield f"SOFT_VA_HANG_AT: {element}", hangs, (element,)
        yield f"SOFT_VA_ABORT_AT: {element}", aborts, (element,)
        yield f"SOFT_VA_MAX_SURFACES: {element}", no_surfaces, (element,)
        yield f"SOFT_VA_MAX_SIZE: {element}", largest, (element,)
    yield "SOFT_VA_FAULT_ONCE", once, ()
    yield "SOFT_VA_FAULT_SIZE", of_one_size, ()
    yield "a knob that cannot be understood", misspelt, ()
