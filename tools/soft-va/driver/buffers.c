/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Buffers: parameters on their way in, coded pictures on their way out, the memory of images. */
#include <stdlib.h>
#include <string.h>

#include "driver.h"

void buffer_free(struct buffer *buffer) {
    if (buffer->pixels) pixels_release(buffer->pixels);
    else free(buffer->data);
    free(buffer);
}

VAStatus create_buffer(VADriverContextP va, VAContextID context, VABufferType type, unsigned size, unsigned elements,
                       void *data, VABufferID *id) {
    (void)context;
    struct driver *driver = driver_of(va);
    if (!size || !elements || elements > UINT32_MAX / size) return VA_STATUS_ERROR_INVALID_PARAMETER;
    struct buffer *buffer = calloc(1, sizeof *buffer);
    if (!buffer) return VA_STATUS_ERROR_ALLOCATION_FAILED;
    buffer->type = type;
    buffer->element_size = size;
    buffer->elements = elements;
    buffer->data = calloc(elements, size);
    if (buffer->data) {
        if (data) memcpy(buffer->data, data, (size_t)size * elements);
        *id = handles_add(&driver->handles, KIND_BUFFER, buffer);
        if (*id != VA_INVALID_ID) return VA_STATUS_SUCCESS;
    }
    buffer_free(buffer);
    return VA_STATUS_ERROR_ALLOCATION_FAILED;
}

VAStatus buffer_set_num_elements(VADriverContextP va, VABufferID id, unsigned elements) {
    struct buffer *buffer = handles_get(&driver_of(va)->handles, KIND_BUFFER, id);
    if (!buffer) return VA_STATUS_ERROR_INVALID_BUFFER;
    if (elements > buffer->elements) return VA_STATUS_ERROR_INVALID_PARAMETER;
    buffer->elements = elements;
    return VA_STATUS_SUCCESS;
}

VAStatus map_buffer(VADriverContextP va, VABufferID id, void **data) {
    struct buffer *buffer = handles_get(&driver_of(va)->handles, KIND_BUFFER, id);
    if (!buffer) return VA_STATUS_ERROR_INVALID_BUFFER;
    if (buffer->type == VAEncCodedBufferType) {
        buffer->segment.buf = buffer->data;
        *data = &buffer->segment;
    } else {
        *data = buffer->data;
    }
    return VA_STATUS_SUCCESS;
}

VAStatus unmap_buffer(VADriverContextP va, VABufferID id) {
    return handles_get(&driver_of(va)->handles, KIND_BUFFER, id) ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_BUFFER;
}

VAStatus destroy_buffer(VADriverContextP va, VABufferID id) {
    struct buffer *buffer = handles_take(&driver_of(va)->handles, KIND_BUFFER, id);
    if (!buffer) return VA_STATUS_ERROR_INVALID_BUFFER;
    buffer_free(buffer);
    return VA_STATUS_SUCCESS;
}

VAStatus buffer_info(VADriverContextP va, VABufferID id, VABufferType *type, unsigned *size, unsigned *elements) {
    const struct buffer *buffer = handles_get(&driver_of(va)->handles, KIND_BUFFER, id);
    if (!buffer) return VA_STATUS_ERROR_INVALID_BUFFER;
    *type = buffer->type;
    *size = buffer->element_size;
    *elements = buffer->elements;
    return VA_STATUS_SUCCESS;
}

VAStatus sync_buffer(VADriverContextP va, VABufferID id, uint64_t timeout) {
    (void)timeout;
    return unmap_buffer(va, id);
}
