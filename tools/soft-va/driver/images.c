/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Images: pictures in memory that a client may read and write. */
#include <stdlib.h>

#include "driver.h"

VAStatus query_image_formats(VADriverContextP va, VAImageFormat *list, int *count) {
    (void)va;
    for (size_t i = 0; i < FORMATS; i++) list[i] = formats[i].image;
    *count = FORMATS;
    return VA_STATUS_SUCCESS;
}

void image_free(struct image *image) { free(image); }

/* An image over the pixels, which it then owns. */
static VAStatus create(struct driver *driver, const struct layout *layout, struct pixels *pixels, VAImage *description) {
    struct image *image = calloc(1, sizeof *image);
    struct buffer *buffer = calloc(1, sizeof *buffer);
    if (!image || !buffer || !pixels) goto no_memory;
    *buffer = (struct buffer){.type = VAImageBufferType,
                              .element_size = (unsigned)layout->size,
                              .elements = 1,
                              .data = pixels->data,
                              .pixels = pixels};
    VAImage *all = &image->description;
    all->format = layout->format->image;
    all->width = (uint16_t)layout->width;
    all->height = (uint16_t)layout->height;
    all->data_size = (uint32_t)layout->size;
    all->num_planes = layout->format->planes;
    for (unsigned i = 0; i < layout->format->planes; i++) {
        all->pitches[i] = layout->pitch[i];
        all->offsets[i] = layout->offset[i];
    }
    all->buf = handles_add(&driver->handles, KIND_BUFFER, buffer);
    if (all->buf == VA_INVALID_ID) goto no_memory;
    all->image_id = handles_add(&driver->handles, KIND_IMAGE, image);
    if (all->image_id == VA_INVALID_ID) {
        handles_take(&driver->handles, KIND_BUFFER, all->buf);
        goto no_memory;
    }
    *description = *all;
    return VA_STATUS_SUCCESS;
no_memory:
    pixels_release(pixels);
    free(buffer);
    free(image);
    return VA_STATUS_ERROR_ALLOCATION_FAILED;
}

VAStatus create_image(VADriverContextP va, VAImageFormat *asked, int width, int height, VAImage *image) {
    const struct format *format = format_of(asked->fourcc);
    if (!format) return VA_STATUS_ERROR_INVALID_IMAGE_FORMAT;
    if (width <= 0 || height <= 0 || width > UINT16_MAX || height > UINT16_MAX) {
        return VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED;
    }
    struct layout layout;
    layout_init(&layout, format, (unsigned)width, (unsigned)height);
    return create(driver_of(va), &layout, pixels_new(layout.size), image);
}

VAStatus derive_image(VADriverContextP va, VASurfaceID id, VAImage *image) {
    struct driver *driver = driver_of(va);
    if (driver->knobs.without_derive) return VA_STATUS_ERROR_OPERATION_FAILED;
    const struct surface *surface = handles_get(&driver->handles, KIND_SURFACE, id);
    if (!surface) return VA_STATUS_ERROR_INVALID_SURFACE;
    return create(driver, &surface->layout, pixels_share(surface->pixels), image);
}

VAStatus destroy_image(VADriverContextP va, VAImageID id) {
    struct image *image = handles_take(&driver_of(va)->handles, KIND_IMAGE, id);
    if (!image) return VA_STATUS_ERROR_INVALID_IMAGE;
    destroy_buffer(va, image->description.buf);
    image_free(image);
    return VA_STATUS_SUCCESS;
}

static bool image_frame(struct driver *driver, VAImageID id, struct frame *frame) {
    const struct image *image = handles_get(&driver->handles, KIND_IMAGE, id);
    const struct buffer *buffer = image ? handles_get(&driver->handles, KIND_BUFFER, image->description.buf) : NULL;
    if (!buffer) return false;
    const VAImage *all = &image->description;
    *frame = (struct frame){.format = format_of(all->format.fourcc), .width = all->width, .height = all->height};
    for (unsigned i = 0; i < all->num_planes; i++) {
        frame->plane[i] = buffer->data + all->offsets[i];
        frame->pitch[i] = (int)all->pitches[i];
    }
    return true;
}

static VAStatus convert(const struct frame *from, const struct frame *to) {
    struct scaler *scaler = NULL;
    bool done = scale(&scaler, from, MATRIX_BT601, to, MATRIX_BT601);
    scaler_free(scaler);
    return done ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_OPERATION_FAILED;
}

VAStatus get_image(VADriverContextP va, VASurfaceID id, int x, int y, unsigned width, unsigned height,
                   VAImageID image) {
    struct driver *driver = driver_of(va);
    const struct surface *surface = handles_get(&driver->handles, KIND_SURFACE, id);
    struct frame to;
    if (!surface) return VA_STATUS_ERROR_INVALID_SURFACE;
    if (!image_frame(driver, image, &to)) return VA_STATUS_ERROR_INVALID_IMAGE;
    struct frame from = surface_frame(surface);
    if (!frame_crop(&from, x, y, width, height) || !frame_crop(&to, 0, 0, width, height)) {
        return VA_STATUS_ERROR_INVALID_PARAMETER;
    }
    return convert(&from, &to);
}

VAStatus put_image(VADriverContextP va, VASurfaceID id, VAImageID image, int src_x, int src_y, unsigned src_width,
                   unsigned src_height, int dst_x, int dst_y, unsigned dst_width, unsigned dst_height) {
    struct driver *driver = driver_of(va);
    const struct surface *surface = handles_get(&driver->handles, KIND_SURFACE, id);
    struct frame from;
    if (!surface) return VA_STATUS_ERROR_INVALID_SURFACE;
    if (!image_frame(driver, image, &from)) return VA_STATUS_ERROR_INVALID_IMAGE;
    struct frame to = surface_frame(surface);
    if (!frame_crop(&from, src_x, src_y, src_width, src_height) ||
        !frame_crop(&to, dst_x, dst_y, dst_width, dst_height)) {
        return VA_STATUS_ERROR_INVALID_PARAMETER;
    }
    return convert(&from, &to);
}
