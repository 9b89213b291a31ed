/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Pixel formats, how pictures of them lie in memory, and conversion between them. */
#ifndef SOFT_VA_FORMATS_H
#define SOFT_VA_FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <va/va.h>

struct format {
    VAImageFormat image;
    unsigned rt_format; /* VA_RT_FORMAT_... of surfaces with it */
    int swscale; /* enum AVPixelFormat */
    unsigned planes;
    struct {
        unsigned bytes; /* of one sample, all its components */
        unsigned shift_x, shift_y; /* subsampling */
    } plane[3];
};

#define FORMATS 8
extern const struct format formats[FORMATS];

const struct format *format_of(uint32_t fourcc);
/* The format of surfaces that were asked for without one. */
const struct format *format_default(unsigned rt_format);

struct layout {
    const struct format *format;
    unsigned width, height;
    unsigned pitch[3], offset[3];
    size_t size;
};

void layout_init(struct layout *layout, const struct format *format, unsigned width, unsigned height);

/* A picture, or a part of one. */
struct frame {
    const struct format *format;
    unsigned width, height;
    uint8_t *plane[3];
    int pitch[3];
};

/* False when the rectangle does not lie within the picture. */
bool frame_crop(struct frame *frame, int x, int y, unsigned width, unsigned height);

/* Keeps what swscale computed for the last pair of sizes; NULL to begin with. */
struct scaler;
enum matrix { MATRIX_BT601, MATRIX_BT709 };
bool scale(struct scaler **scaler, const struct frame *from, enum matrix from_matrix, const struct frame *to,
           enum matrix to_matrix);
void scaler_free(struct scaler *scaler);
void paint_black(const struct frame *frame);

#endif
