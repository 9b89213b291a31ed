/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The table of pixel formats, and conversion over swscale. */
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixfmt.h>
#include <libswscale/swscale.h>

#include "formats.h"

#define YUV(name, bits) .image = {.fourcc = VA_FOURCC_##name, .byte_order = VA_LSB_FIRST, .bits_per_pixel = bits}
#define RGB(name, bits, red, green, blue, alpha)                                                                        \
    .image = {.fourcc = VA_FOURCC_##name,                                                                               \
              .byte_order = VA_LSB_FIRST,                                                                               \
              .bits_per_pixel = 32,                                                                                     \
              .depth = bits,                                                                                            \
              .red_mask = red,                                                                                          \
              .green_mask = green,                                                                                      \
              .blue_mask = blue,                                                                                        \
              .alpha_mask = alpha},                                                                                     \
    .rt_format = VA_RT_FORMAT_RGB32, .planes = 1, .plane = {{4, 0, 0}}

/* The first one of each rt_format is its default. YV12 has its planes swapped where swscale sees them. */
const struct format formats[FORMATS] = {
    {YUV(NV12, 12), VA_RT_FORMAT_YUV420, AV_PIX_FMT_NV12, 2, {{1, 0, 0}, {2, 1, 1}}},
    {YUV(I420, 12), VA_RT_FORMAT_YUV420, AV_PIX_FMT_YUV420P, 3, {{1, 0, 0}, {1, 1, 1}, {1, 1, 1}}},
    {YUV(YV12, 12), VA_RT_FORMAT_YUV420, AV_PIX_FMT_YUV420P, 3, {{1, 0, 0}, {1, 1, 1}, {1, 1, 1}}},
    {YUV(YUY2, 16), VA_RT_FORMAT_YUV422, AV_PIX_FMT_YUYV422, 1, {{2, 0, 0}}},
    {RGB(BGRA, 32, 0x00ff0000, 0x0000ff00, 0x000000ff, 0xff000000), .swscale = AV_PIX_FMT_BGRA},
    {RGB(RGBA, 32, 0x000000ff, 0x0000ff00, 0x00ff0000, 0xff000000), .swscale = AV_PIX_FMT_RGBA},
    {RGB(BGRX, 24, 0x00ff0000, 0x0000ff00, 0x000000ff, 0), .swscale = AV_PIX_FMT_BGR0},
    {RGB(RGBX, 24, 0x000000ff, 0x0000ff00, 0x00ff0000, 0), .swscale = AV_PIX_FMT_RGB0},
};

const struct format *format_of(uint32_t fourcc) {
    for (size_t i = 0; i < FORMATS; i++) {
        if (formats[i].image.fourcc == fourcc) return &formats[i];
    }
    return NULL;
}

const struct format *format_default(unsigned rt_format) {
    for (size_t i = 0; i < FORMATS; i++) {
        if (formats[i].rt_format & rt_format) return &formats[i];
    }
    return NULL;
}

static unsigned align(unsigned value, unsigned to) { return (value + to - 1) / to * to; }

void layout_init(struct layout *layout, const struct format *format, unsigned width, unsigned height) {
    *layout = (struct layout){.format = format, .width = width, .height = height};
    size_t size = 0;
    for (unsigned i = 0; i < format->planes; i++) {
        /* Padded as on real hardware, so that a client which takes the width for the pitch is found out. */
        layout->pitch[i] = align((align(width, 2) >> format->plane[i].shift_x) * format->plane[i].bytes, 64) + 64;
        layout->offset[i] = (unsigned)size;
        size += (size_t)layout->pitch[i] * (align(height, 16) >> format->plane[i].shift_y);
    }
    layout->size = size;
}

bool frame_crop(struct frame *frame, int x, int y, unsigned width, unsigned height) {
    if (x < 0 || y < 0 || !width || !height) return false;
    if ((unsigned)x + width > frame->width || (unsigned)y + height > frame->height) return false;
    for (unsigned i = 0; i < frame->format->planes; i++) {
        unsigned column = (unsigned)x >> frame->format->plane[i].shift_x;
        unsigned row = (unsigned)y >> frame->format->plane[i].shift_y;
        frame->plane[i] += (size_t)row * (size_t)frame->pitch[i] + (size_t)column * frame->format->plane[i].bytes;
    }
    frame->width = width;
    frame->height = height;
    return true;
}

static void copy(const struct frame *from, const struct frame *to) {
    for (unsigned i = 0; i < from->format->planes; i++) {
        unsigned shift_x = from->format->plane[i].shift_x, shift_y = from->format->plane[i].shift_y;
        size_t bytes = (size_t)((from->width + (1u << shift_x) - 1) >> shift_x) * from->format->plane[i].bytes;
        unsigned rows = (from->height + (1u << shift_y) - 1) >> shift_y;
        for (unsigned row = 0; row < rows; row++) {
            memcpy(to->plane[i] + (size_t)row * (size_t)to->pitch[i],
                   from->plane[i] + (size_t)row * (size_t)from->pitch[i], bytes);
        }
    }
}

/* swscale has no YV12: its second plane is I420's third. */
static void as_swscale(const struct frame *frame, uint8_t *plane[4], int pitch[4]) {
    bool swapped = frame->format->image.fourcc == VA_FOURCC_YV12;
    for (unsigned i = 0; i < 4; i++) {
        unsigned from = swapped && i ? 3 - i : i;
        plane[i] = i < 3 && i < frame->format->planes ? frame->plane[from] : NULL;
        pitch[i] = i < 3 && i < frame->format->planes ? frame->pitch[from] : 0;
    }
}

bool scale(struct scaler **scaler, const struct frame *from, enum matrix from_matrix, const struct frame *to,
           enum matrix to_matrix) {
    if (from->format == to->format && from->width == to->width && from->height == to->height &&
        from_matrix == to_matrix) {
        copy(from, to);
        return true;
    }
    struct SwsContext *context = (struct SwsContext *)*scaler;
    context = sws_getCachedContext(context, (int)from->width, (int)from->height, from->format->swscale, (int)to->width,
                                   (int)to->height, to->format->swscale, SWS_BILINEAR | SWS_BITEXACT, NULL, NULL, NULL);
    *scaler = (struct scaler *)context;
    if (!context) return false;
    static const int spaces[] = {[MATRIX_BT601] = SWS_CS_ITU601, [MATRIX_BT709] = SWS_CS_ITU709};
    sws_setColorspaceDetails(context, sws_getCoefficients(spaces[from_matrix]), 0,
                             sws_getCoefficients(spaces[to_matrix]), 0, 0, 1 << 16, 1 << 16);
    uint8_t *in[4], *out[4];
    int in_pitch[4], out_pitch[4];
    as_swscale(from, in, in_pitch);
    as_swscale(to, out, out_pitch);
    return sws_scale(context, (const uint8_t *const *)in, in_pitch, 0, (int)from->height, out, out_pitch) > 0;
}

void scaler_free(struct scaler *scaler) { sws_freeContext((struct SwsContext *)scaler); }

void paint_black(const struct frame *frame) {
    bool yuv = frame->format->rt_format != VA_RT_FORMAT_RGB32;
    for (unsigned i = 0; i < frame->format->planes; i++) {
        unsigned shift_x = frame->format->plane[i].shift_x, shift_y = frame->format->plane[i].shift_y;
        size_t bytes = (size_t)((frame->width + (1u << shift_x) - 1) >> shift_x) * frame->format->plane[i].bytes;
        for (unsigned row = 0; row < (frame->height + (1u << shift_y) - 1) >> shift_y; row++) {
            uint8_t *line = frame->plane[i] + (size_t)row * (size_t)frame->pitch[i];
            memset(line, !yuv ? 0 : i ? 128 : 16, bytes);
            if (frame->format->image.fourcc == VA_FOURCC_YUY2) {
                for (size_t at = 1; at < bytes; at += 2) line[at] = 128;
            }
        }
    }
}
