/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Surfaces, and the memory they share with derived images. */
#include <stdlib.h>

#include "driver.h"

struct pixels *pixels_new(size_t size) {
    struct pixels *pixels = calloc(1, sizeof *pixels + size);
    if (pixels) atomic_init(&pixels->references, 1);
    return pixels;
}

struct pixels *pixels_share(struct pixels *pixels) {
    atomic_fetch_add(&pixels->references, 1);
    return pixels;
}

void pixels_release(struct pixels *pixels) {
    if (pixels && atomic_fetch_sub(&pixels->references, 1) == 1) free(pixels);
}

void surface_free(struct surface *surface) {
    pixels_release(surface->pixels);
    free(surface);
}

struct frame surface_frame(const struct surface *surface) {
    const struct layout *layout = &surface->layout;
    struct frame frame = {.format = layout->format, .width = layout->width, .height = layout->height};
    for (unsigned i = 0; i < layout->format->planes; i++) {
        frame.plane[i] = surface->pixels->data + layout->offset[i];
        frame.pitch[i] = (int)layout->pitch[i];
    }
    return frame;
}

static VAStatus create(struct driver *driver, const struct format *format, unsigned width, unsigned height,
                       VASurfaceID *id) {
    long limit = driver->knobs.max_surfaces;
    if (atomic_fetch_add(&driver->surfaces, 1) >= limit && limit != NEVER) goto no_more;
    struct surface *surface = malloc(sizeof *surface);
    if (!surface) goto no_more;
    layout_init(&surface->layout, format, width, height);
    surface->pixels = pixels_new(surface->layout.size);
    if (surface->pixels) {
        *id = handles_add(&driver->handles, KIND_SURFACE, surface);
        if (*id != VA_INVALID_ID) return VA_STATUS_SUCCESS;
    }
    surface_free(surface);
no_more:
    atomic_fetch_sub(&driver->surfaces, 1);
    return VA_STATUS_ERROR_ALLOCATION_FAILED;
}

VAStatus create_surfaces2(VADriverContextP va, unsigned rt_format, unsigned width, unsigned height, VASurfaceID *ids,
                          unsigned count, VASurfaceAttrib *list, unsigned attributes) {
    struct driver *driver = driver_of(va);
    const struct format *format = format_default(rt_format);
    for (unsigned i = 0; i < attributes; i++) {
        if (!(list[i].flags & VA_SURFACE_ATTRIB_SETTABLE)) continue;
        if (list[i].type == VASurfaceAttribPixelFormat) format = format_of((uint32_t)list[i].value.value.i);
        if (list[i].type == VASurfaceAttribMemoryType && list[i].value.value.i != VA_SURFACE_ATTRIB_MEM_TYPE_VA) {
            return VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE;
        }
    }
    if (!format || !(format->rt_format & rt_format)) return VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT;
    if (!width || !height || width > driver->knobs.max_width || height > driver->knobs.max_height) {
        return VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED;
    }
    for (unsigned i = 0; i < count; i++) {
        VAStatus status = create(driver, format, width, height, &ids[i]);
        if (status == VA_STATUS_SUCCESS) continue;
        destroy_surfaces(va, ids, (int)i);
        return status;
    }
    return VA_STATUS_SUCCESS;
}

VAStatus create_surfaces(VADriverContextP va, int width, int height, int format, int count, VASurfaceID *ids) {
    return create_surfaces2(va, (unsigned)format, (unsigned)width, (unsigned)height, ids, (unsigned)count, NULL, 0);
}

VAStatus destroy_surfaces(VADriverContextP va, VASurfaceID *ids, int count) {
    struct driver *driver = driver_of(va);
    VAStatus status = VA_STATUS_SUCCESS;
    for (int i = 0; i < count; i++) {
        struct surface *surface = handles_take(&driver->handles, KIND_SURFACE, ids[i]);
        if (surface) {
            surface_free(surface);
            atomic_fetch_sub(&driver->surfaces, 1);
        } else {
            status = VA_STATUS_ERROR_INVALID_SURFACE;
        }
    }
    return status;
}

static VASurfaceAttrib attribute(VASurfaceAttribType type, uint32_t flags, uint32_t value) {
    return (VASurfaceAttrib){type, flags, {VAGenericValueTypeInteger, {.i = (int)value}}};
}

VAStatus query_surface_attributes(VADriverContextP va, VAConfigID id, VASurfaceAttrib *list, unsigned *count) {
    struct driver *driver = driver_of(va);
    const struct config *config = handles_get(&driver->handles, KIND_CONFIG, id);
    if (!config) return VA_STATUS_ERROR_INVALID_CONFIG;
    VASurfaceAttrib all[FORMATS + 5];
    unsigned known = 0;
    uint32_t both = VA_SURFACE_ATTRIB_GETTABLE | VA_SURFACE_ATTRIB_SETTABLE;
    for (size_t i = 0; i < FORMATS; i++) {
        /* The encoders take the first one only, NV12. */
        if (config->profile != VAProfileNone && i > 0) break;
        all[known++] = attribute(VASurfaceAttribPixelFormat, both, formats[i].image.fourcc);
    }
    all[known++] = attribute(VASurfaceAttribMinWidth, VA_SURFACE_ATTRIB_GETTABLE, 32);
    all[known++] = attribute(VASurfaceAttribMinHeight, VA_SURFACE_ATTRIB_GETTABLE, 32);
    all[known++] = attribute(VASurfaceAttribMaxWidth, VA_SURFACE_ATTRIB_GETTABLE, driver->knobs.max_width);
    all[known++] = attribute(VASurfaceAttribMaxHeight, VA_SURFACE_ATTRIB_GETTABLE, driver->knobs.max_height);
    all[known++] = attribute(VASurfaceAttribMemoryType, both, VA_SURFACE_ATTRIB_MEM_TYPE_VA);
    unsigned room = *count;
    *count = known;
    if (!list) return VA_STATUS_SUCCESS;
    if (room < known) return VA_STATUS_ERROR_MAX_NUM_EXCEEDED;
    for (unsigned i = 0; i < known; i++) list[i] = all[i];
    return VA_STATUS_SUCCESS;
}

/* EndPicture does all the work, so there is never anything to wait for. */
VAStatus sync_surface(VADriverContextP va, VASurfaceID id) {
    return handles_get(&driver_of(va)->handles, KIND_SURFACE, id) ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_SURFACE;
}

VAStatus sync_surface2(VADriverContextP va, VASurfaceID id, uint64_t timeout) {
    (void)timeout;
    return sync_surface(va, id);
}

VAStatus query_surface_status(VADriverContextP va, VASurfaceID id, VASurfaceStatus *status) {
    *status = VASurfaceReady;
    return sync_surface(va, id);
}
