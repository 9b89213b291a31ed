/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What a client's parameter buffers ask of an encoder. */
#ifndef SOFT_VA_PARAMETERS_H
#define SOFT_VA_PARAMETERS_H

#include "driver.h"

struct asked {
    struct settings settings; /* of the last sequence parameters and those after them */
    bool idr, intra; /* the rest is of the picture */
    int qp, qp_delta;
    unsigned slices;
    VABufferID coded;
};

void parameters_begin(struct asked *asked);
VAStatus parameters_read(struct asked *asked, const struct buffer *buffer);

#endif
