/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the files of the driver share: its objects, the table of their handles, and what each file gives the others. */
#ifndef SOFT_VA_DRIVER_H
#define SOFT_VA_DRIVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <va/va.h>
#include <va/va_backend.h>
#include <va/va_backend_vpp.h>

#include "encoder.h"
#include "formats.h"

/* ---- knobs.c: the environment, read once when the driver is opened ---- */

#define NEVER (-1L)

struct knobs {
    char vendor[128];
    bool init_fails;
    bool without_h264, without_h265, without_postproc;
    bool slice, low_power; /* the encode entrypoints offered */
    bool without_derive, without_packed_headers;
    unsigned max_width, max_height;
    long max_surfaces;
    long frame_ms;
    long fail_at, hang_at, abort_at; /* frame of an encoder, from 0, or NEVER */
    unsigned fault_width, fault_height; /* 0: faults are for encoders of any size */
    char fault_once[256];
    char log[256];
};

/* False, and a line on standard error, when one cannot be understood. */
bool knobs_read(struct knobs *knobs);
/* One line in the log of requests; does nothing without SOFT_VA_LOG. */
void requests_log(const struct knobs *knobs, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What the knobs do to a frame, before it is encoded. */
VAStatus faults_strike(const struct knobs *knobs, unsigned encoder, unsigned width, unsigned height, long frame);

/* ---- handles.c ---- */

enum kind { KIND_NONE, KIND_CONFIG, KIND_SURFACE, KIND_IMAGE, KIND_BUFFER, KIND_CONTEXT };

struct handle {
    enum kind kind;
    void *object;
};

struct handles {
    pthread_mutex_t lock;
    struct handle *slots;
    size_t count;
};

void handles_init(struct handles *handles);
/* VA_INVALID_ID when there is no memory. */
VAGenericID handles_add(struct handles *handles, enum kind kind, void *object);
/* NULL when there is no such object. A client may not destroy what it still uses, so the object outlives the call. */
void *handles_get(struct handles *handles, enum kind kind, VAGenericID id);
/* As handles_get, and the handle is free afterwards. */
void *handles_take(struct handles *handles, enum kind kind, VAGenericID id);
/* Calls back for every object left, then forgets them all. */
void handles_clear(struct handles *handles, void (*left)(void *with, enum kind kind, void *object), void *with);

/* ---- objects ---- */

struct driver {
    struct knobs knobs;
    struct handles handles;
    atomic_long surfaces;
    uint32_t fourccs[FORMATS]; /* lent to clients */
};

static inline struct driver *driver_of(VADriverContextP va) { return va->pDriverData; }

struct config {
    VAProfile profile;
    VAEntrypoint entrypoint;
    uint32_t rate_control;
};

/* Memory that a surface and the images derived from it share. */
struct pixels {
    atomic_int references;
    uint8_t data[];
};

struct pixels *pixels_new(size_t size);
struct pixels *pixels_share(struct pixels *pixels);
void pixels_release(struct pixels *pixels);

struct surface {
    struct layout layout;
    struct pixels *pixels;
};

struct image {
    VAImage description;
};

struct buffer {
    VABufferType type;
    unsigned element_size, elements;
    uint8_t *data;
    struct pixels *pixels; /* owns data when set */
    VACodedBufferSegment segment; /* of a coded buffer */
};

void surface_free(struct surface *surface);
void image_free(struct image *image);
void buffer_free(struct buffer *buffer);
struct frame surface_frame(const struct surface *surface);

/* ---- the driver's functions, by file ---- */

/* config.c */
bool config_offers(const struct knobs *knobs, VAProfile profile, VAEntrypoint entrypoint);
VAStatus query_config_profiles(VADriverContextP va, VAProfile *profiles, int *count);
VAStatus query_config_entrypoints(VADriverContextP va, VAProfile profile, VAEntrypoint *entrypoints, int *count);
VAStatus get_config_attributes(VADriverContextP va, VAProfile profile, VAEntrypoint entrypoint, VAConfigAttrib *list,
                               int count);
VAStatus create_config(VADriverContextP va, VAProfile profile, VAEntrypoint entrypoint, VAConfigAttrib *list, int count,
                       VAConfigID *id);
VAStatus destroy_config(VADriverContextP va, VAConfigID id);
VAStatus query_config_attributes(VADriverContextP va, VAConfigID id, VAProfile *profile, VAEntrypoint *entrypoint,
                                 VAConfigAttrib *list, int *count);
#define CONFIG_ATTRIBUTES 16

/* surfaces.c */
VAStatus create_surfaces(VADriverContextP va, int width, int height, int format, int count, VASurfaceID *ids);
VAStatus create_surfaces2(VADriverContextP va, unsigned format, unsigned width, unsigned height, VASurfaceID *ids,
                          unsigned count, VASurfaceAttrib *list, unsigned attributes);
VAStatus destroy_surfaces(VADriverContextP va, VASurfaceID *ids, int count);
VAStatus query_surface_attributes(VADriverContextP va, VAConfigID id, VASurfaceAttrib *list, unsigned *count);
VAStatus sync_surface(VADriverContextP va, VASurfaceID id);
VAStatus sync_surface2(VADriverContextP va, VASurfaceID id, uint64_t timeout);
VAStatus query_surface_status(VADriverContextP va, VASurfaceID id, VASurfaceStatus *status);

/* images.c */
VAStatus query_image_formats(VADriverContextP va, VAImageFormat *list, int *count);
VAStatus create_image(VADriverContextP va, VAImageFormat *format, int width, int height, VAImage *image);
VAStatus derive_image(VADriverContextP va, VASurfaceID id, VAImage *image);
VAStatus destroy_image(VADriverContextP va, VAImageID id);
VAStatus get_image(VADriverContextP va, VASurfaceID id, int x, int y, unsigned width, unsigned height, VAImageID image);
VAStatus put_image(VADriverContextP va, VASurfaceID id, VAImageID image, int src_x, int src_y, unsigned src_width,
                   unsigned src_height, int dst_x, int dst_y, unsigned dst_width, unsigned dst_height);

/* buffers.c */
VAStatus create_buffer(VADriverContextP va, VAContextID context, VABufferType type, unsigned size, unsigned elements,
                       void *data, VABufferID *id);
VAStatus buffer_set_num_elements(VADriverContextP va, VABufferID id, unsigned elements);
VAStatus map_buffer(VADriverContextP va, VABufferID id, void **data);
VAStatus unmap_buffer(VADriverContextP va, VABufferID id);
VAStatus destroy_buffer(VADriverContextP va, VABufferID id);
VAStatus buffer_info(VADriverContextP va, VABufferID id, VABufferType *type, unsigned *size, unsigned *elements);
VAStatus sync_buffer(VADriverContextP va, VABufferID id, uint64_t timeout);

/* context.c */
struct context;
void context_free(struct driver *driver, struct context *context);
VAStatus create_context(VADriverContextP va, VAConfigID config, int width, int height, int flag, VASurfaceID *targets,
                        int count, VAContextID *id);
VAStatus destroy_context(VADriverContextP va, VAContextID id);
VAStatus begin_picture(VADriverContextP va, VAContextID id, VASurfaceID target);
VAStatus render_picture(VADriverContextP va, VAContextID id, VABufferID *buffers, int count);
VAStatus end_picture(VADriverContextP va, VAContextID id);

/* process.c */
VAStatus query_filters(VADriverContextP va, VAContextID id, VAProcFilterType *filters, unsigned *count);
VAStatus query_filter_caps(VADriverContextP va, VAContextID id, VAProcFilterType type, void *caps, unsigned *count);
VAStatus query_pipeline_caps(VADriverContextP va, VAContextID id, VABufferID *filters, unsigned count,
                             VAProcPipelineCaps *caps);
struct scaler;
VAStatus process(struct scaler **scaler, const VAProcPipelineParameterBuffer *parameters, const struct surface *source,
                 const struct surface *target);

#endif
