/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Tells before anything is started whether the knobs can be understood: the driver's own refusal, in the midst of a scan for
   plugins, would stay in GStreamer's registry. */
#include "driver.h"

int main(void) {
    struct knobs knobs;
    return knobs_read(&knobs) ? 0 : 2;
}
