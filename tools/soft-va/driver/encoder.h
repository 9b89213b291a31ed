/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Between the VA-API side of encoding and the two encoder libraries. */
#ifndef SOFT_VA_ENCODER_H
#define SOFT_VA_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include <va/va.h>

#include "formats.h"

enum rate_mode { RATE_CQP, RATE_CBR, RATE_VBR };

/* All that a client can ask of an encoder. Filled over zeroes, so two of them can be compared as bytes. */
struct settings {
    VAProfile profile;
    unsigned level; /* level_idc, 0: the library's choice */
    unsigned width, height;
    unsigned rate_numerator, rate_denominator; /* frames a second */
    enum rate_mode mode;
    unsigned target, peak; /* bit/s */
    unsigned buffer; /* bits, 0: one second of peak */
    unsigned qp_min, qp_max; /* 0: the library's choice */
    unsigned slices;
    unsigned sar_width, sar_height; /* 0: not said */
    bool cabac;
};

struct picture {
    struct frame frame; /* NV12 */
    bool idr, intra;
    unsigned qp; /* for RATE_CQP */
};

/* Where an encoder puts its NAL units. */
struct coded {
    uint8_t *data;
    size_t capacity, size;
    bool overflow;
};

/* With a start code of 4 bytes, whatever it came with: vaapih265enc aborts the process on one of 3. */
void coded_append(struct coded *coded, const uint8_t *nal, size_t size);

struct encoder {
    const char *name;
    void *(*open)(const struct settings *settings);
    /* One picture in, its NAL units out, at once. */
    bool (*encode)(void *encoder, const struct picture *picture, struct coded *coded);
    void (*close)(void *encoder);
};

extern const struct encoder encoder_h264, encoder_h265;

#endif
