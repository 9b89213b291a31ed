#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Plays a pipeline to its end or its first error, and does to its element named `encoder` what gst-launch-1.0 cannot.

It also ends where gst-launch-1.0 of 1.22 at times does not: after an error before the first picture.

  player.py [--bitrate FRAME KBIT] [--key FRAME] [--rounds N] PIPELINE

--bitrate and --key act before the frame of that number goes into the encoder. With --rounds the pipeline is played and
taken down N times, and each time a line tells the memory the process holds, in KiB. Exit status: 0 at the end of the
stream, 1 after an error, 3 when there is no such pipeline.
"""

import argparse
import ctypes
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import GLib, Gst, GstVideo  # noqa: E402


def resident() -> int:
    # What the allocator keeps at hand is not held by anybody.
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def act_on_frames(encoder: Gst.Element, arguments: argparse.Namespace) -> int:
    """The probe's number; until it is removed, it and the element keep each other alive."""
    count = 0

    def on_frame(_pad, _info):
        nonlocal count
        if arguments.bitrate and count == arguments.bitrate[0]:
            encoder.set_property("bitrate", arguments.bitrate[1])
        if count == arguments.key:
            event = GstVideo.video_event_new_upstream_force_key_unit(Gst.CLOCK_TIME_NONE, True, 1)
            encoder.get_static_pad("src").send_event(event)
        count += 1
        return Gst.PadProbeReturn.OK

    return encoder.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, on_frame)


def play(arguments: argparse.Namespace) -> bool:
    pipeline = Gst.parse_launch(arguments.pipeline)
    encoder = pipeline.get_by_name("encoder")
    probe = encoder and act_on_frames(encoder, arguments)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    if message.type == Gst.MessageType.ERROR:
        print(f"error from {message.src.get_name()}: {message.parse_error().gerror.message}", file=sys.stderr)
    pipeline.set_state(Gst.State.NULL)
    if encoder:
        encoder.get_static_pad("sink").remove_probe(probe)
    return message.type == Gst.MessageType.EOS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bitrate", type=int, nargs=2, metavar=("FRAME", "KBIT"))
    parser.add_argument("--key", type=int, metavar="FRAME")
    parser.add_argument("--rounds", type=int, default=1, metavar="N")
    parser.add_argument("pipeline")
    arguments = parser.parse_args()
    Gst.init(None)
    for _ in range(arguments.rounds):
        try:
            if not play(arguments):
                return 1
        except GLib.Error as error:
            print(error.message, file=sys.stderr)
            return 3
        if arguments.rounds > 1:
            print("resident", resident(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
