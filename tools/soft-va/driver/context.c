/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Contexts, and their pictures from BeginPicture to EndPicture. */
#include <stdlib.h>
#include <string.h>

#include "parameters.h"

/* What one picture of vacompositor may consist of. */
#define LAYERS 16

struct context {
    VAEntrypoint entrypoint;
    VASurfaceID target;

    const struct encoder *codec; /* NULL: video processing */
    void *encoder;
    struct settings in_use;
    struct asked asked;
    unsigned number; /* in the log: handles are given out again, this is not */
    long frames;

    VAProcPipelineParameterBuffer layers[LAYERS];
    unsigned layer_count;
    struct layout from, to; /* of the last picture processed */
    struct scaler *scaler;
};

static const char *const mode_names[] = {[RATE_CQP] = "cqp", [RATE_CBR] = "cbr", [RATE_VBR] = "vbr"};

static const char *profile_name(VAProfile profile) {
    switch (profile) {
    case VAProfileH264ConstrainedBaseline: return "constrained-baseline";
    case VAProfileH264High: return "high";
    default: return "main";
    }
}

VAStatus create_context(VADriverContextP va, VAConfigID config_id, int width, int height, int flag,
                        VASurfaceID *targets, int count, VAContextID *id) {
    (void)flag, (void)targets, (void)count;
    struct driver *driver = driver_of(va);
    const struct config *config = handles_get(&driver->handles, KIND_CONFIG, config_id);
    if (!config) return VA_STATUS_ERROR_INVALID_CONFIG;
    if (width < 0 || height < 0 || (unsigned)width > driver->knobs.max_width ||
        (unsigned)height > driver->knobs.max_height) {
        return VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED;
    }
    struct context *context = calloc(1, sizeof *context);
    if (!context) return VA_STATUS_ERROR_ALLOCATION_FAILED;
    context->entrypoint = config->entrypoint;
    context->target = VA_INVALID_SURFACE;
    if (config->profile != VAProfileNone) {
        static atomic_uint numbers;
        context->number = atomic_fetch_add(&numbers, 1);
        context->codec = config->profile == VAProfileHEVCMain ? &encoder_h265 : &encoder_h264;
        struct settings *settings = &context->asked.settings;
        settings->profile = config->profile;
        settings->mode = config->rate_control & VA_RC_CBR ? RATE_CBR : config->rate_control & VA_RC_VBR ? RATE_VBR : RATE_CQP;
        settings->rate_numerator = 30;
        settings->rate_denominator = 1;
    }
    *id = handles_add(&driver->handles, KIND_CONTEXT, context);
    if (*id != VA_INVALID_ID) return VA_STATUS_SUCCESS;
    free(context);
    return VA_STATUS_ERROR_ALLOCATION_FAILED;
}

void context_free(struct driver *driver, struct context *context) {
    if (context->encoder) {
        context->codec->close(context->encoder);
        requests_log(&driver->knobs, "encoder=%u event=close frames=%ld", context->number, context->frames);
    }
    scaler_free(context->scaler);
    free(context);
}

VAStatus destroy_context(VADriverContextP va, VAContextID id) {
    struct driver *driver = driver_of(va);
    struct context *context = handles_take(&driver->handles, KIND_CONTEXT, id);
    if (!context) return VA_STATUS_ERROR_INVALID_CONTEXT;
    context_free(driver, context);
    return VA_STATUS_SUCCESS;
}

VAStatus begin_picture(VADriverContextP va, VAContextID id, VASurfaceID target) {
    struct driver *driver = driver_of(va);
    struct context *context = handles_get(&driver->handles, KIND_CONTEXT, id);
    if (!context) return VA_STATUS_ERROR_INVALID_CONTEXT;
    if (!handles_get(&driver->handles, KIND_SURFACE, target)) return VA_STATUS_ERROR_INVALID_SURFACE;
    context->target = target;
    context->layer_count = 0;
    parameters_begin(&context->asked);
    return VA_STATUS_SUCCESS;
}

static VAStatus layer(struct context *context, const struct buffer *buffer) {
    if (buffer->type != VAProcPipelineParameterBufferType) return VA_STATUS_SUCCESS;
    if (buffer->element_size < sizeof *context->layers) return VA_STATUS_ERROR_INVALID_BUFFER;
    if (context->layer_count == LAYERS) return VA_STATUS_ERROR_MAX_NUM_EXCEEDED;
    memcpy(&context->layers[context->layer_count++], buffer->data, sizeof *context->layers);
    return VA_STATUS_SUCCESS;
}

/* Buffers are read here and not in EndPicture: a client may destroy them in between. */
VAStatus render_picture(VADriverContextP va, VAContextID id, VABufferID *buffers, int count) {
    struct driver *driver = driver_of(va);
    struct context *context = handles_get(&driver->handles, KIND_CONTEXT, id);
    if (!context) return VA_STATUS_ERROR_INVALID_CONTEXT;
    for (int i = 0; i < count; i++) {
        const struct buffer *buffer = handles_get(&driver->handles, KIND_BUFFER, buffers[i]);
        if (!buffer) return VA_STATUS_ERROR_INVALID_BUFFER;
        VAStatus status = context->codec ? parameters_read(&context->asked, buffer) : layer(context, buffer);
        if (status != VA_STATUS_SUCCESS) return status;
    }
    return VA_STATUS_SUCCESS;
}

static void log_settings(struct driver *driver, const struct context *context, const char *event) {
    const struct settings *settings = &context->asked.settings;
    requests_log(&driver->knobs,
                 "encoder=%u event=%s frame=%ld codec=%s profile=%s entrypoint=%s size=%ux%u rate=%u/%u mode=%s "
                 "target=%u peak=%u slices=%u",
                 context->number, event, context->frames, context->codec->name, profile_name(settings->profile),
                 context->entrypoint == VAEntrypointEncSliceLP ? "low-power" : "slice", settings->width,
                 settings->height, settings->rate_numerator, settings->rate_denominator, mode_names[settings->mode],
                 settings->target, settings->peak, settings->slices);
}

/* New settings take effect with an IDR, which the elements ask for at once. The library's encoder is then opened anew:
   told of another bitrate while running, x265 (CBR) and x264 (VBR) report success and go on as before. */
static VAStatus ensure_encoder(struct driver *driver, struct context *context) {
    struct settings *asked = &context->asked.settings;
    if (context->encoder && (!context->asked.idr || !memcmp(asked, &context->in_use, sizeof *asked))) {
        return VA_STATUS_SUCCESS;
    }
    if (!asked->width || !asked->height || (asked->mode != RATE_CQP && asked->target < 1000)) {
        return VA_STATUS_ERROR_INVALID_PARAMETER;
    }
    log_settings(driver, context, context->encoder ? "change" : "open");
    if (context->encoder) context->codec->close(context->encoder);
    context->encoder = context->codec->open(asked);
    if (!context->encoder) return VA_STATUS_ERROR_ALLOCATION_FAILED;
    memcpy(&context->in_use, asked, sizeof *asked);
    return VA_STATUS_SUCCESS;
}

static unsigned clamp(int qp) { return qp < 0 ? 0 : qp > 51 ? 51 : (unsigned)qp; }

static VAStatus encode(struct driver *driver, struct context *context, const struct surface *surface) {
    struct asked *asked = &context->asked;
    struct buffer *buffer = handles_get(&driver->handles, KIND_BUFFER, asked->coded);
    if (!buffer || buffer->type != VAEncCodedBufferType) return VA_STATUS_ERROR_INVALID_BUFFER;
    if (surface->layout.format->image.fourcc != VA_FOURCC_NV12) return VA_STATUS_ERROR_INVALID_IMAGE_FORMAT;
    /* HEVC's sequence parameters give the size rounded up to whole blocks; the surface has the true one. */
    struct settings *settings = &asked->settings;
    if (settings->width > surface->layout.width) settings->width = surface->layout.width;
    if (settings->height > surface->layout.height) settings->height = surface->layout.height;
    /* 4:2:0 in NV12 has whole chroma samples only. */
    settings->width &= ~1u;
    settings->height &= ~1u;
    settings->slices = asked->slices;

    VAStatus status = ensure_encoder(driver, context);
    if (status != VA_STATUS_SUCCESS) return status;
    long frame = context->frames++;
    if (asked->idr) requests_log(&driver->knobs, "encoder=%u event=idr frame=%ld", context->number, frame);
    status = faults_strike(&driver->knobs, context->number, settings->width, settings->height, frame);
    if (status != VA_STATUS_SUCCESS) return status;

    struct picture picture = {.frame = surface_frame(surface),
                              .idr = asked->idr,
                              .intra = asked->intra,
                              .qp = clamp(asked->qp + asked->qp_delta)};
    if (!frame_crop(&picture.frame, 0, 0, context->in_use.width, context->in_use.height)) {
        return VA_STATUS_ERROR_INVALID_SURFACE;
    }
    struct coded coded = {.data = buffer->data, .capacity = (size_t)buffer->element_size * buffer->elements};
    if (!context->codec->encode(context->encoder, &picture, &coded)) return VA_STATUS_ERROR_ENCODING_ERROR;
    if (coded.overflow) return VA_STATUS_ERROR_NOT_ENOUGH_BUFFER;
    buffer->segment = (VACodedBufferSegment){.size = (uint32_t)coded.size, .buf = buffer->data};
    return VA_STATUS_SUCCESS;
}

static VAStatus process_layer(struct driver *driver, struct context *context,
                              const VAProcPipelineParameterBuffer *layer, const struct surface *target) {
    const struct surface *source = handles_get(&driver->handles, KIND_SURFACE, layer->surface);
    if (!source) return VA_STATUS_ERROR_INVALID_SURFACE;
    if (memcmp(&context->from, &source->layout, sizeof context->from) != 0 ||
        memcmp(&context->to, &target->layout, sizeof context->to) != 0) {
        memcpy(&context->from, &source->layout, sizeof context->from);
        memcpy(&context->to, &target->layout, sizeof context->to);
        requests_log(&driver->knobs, "event=process from=%ux%u/%.4s to=%ux%u/%.4s", context->from.width,
                     context->from.height, (const char *)&context->from.format->image.fourcc, context->to.width,
                     context->to.height, (const char *)&context->to.format->image.fourcc);
    }
    return process(&context->scaler, layer, source, target);
}

VAStatus end_picture(VADriverContextP va, VAContextID id) {
    struct driver *driver = driver_of(va);
    struct context *context = handles_get(&driver->handles, KIND_CONTEXT, id);
    if (!context) return VA_STATUS_ERROR_INVALID_CONTEXT;
    const struct surface *surface = handles_get(&driver->handles, KIND_SURFACE, context->target);
    if (!surface) return VA_STATUS_ERROR_INVALID_SURFACE;
    context->target = VA_INVALID_SURFACE;
    if (context->codec) return encode(driver, context, surface);
    for (unsigned i = 0; i < context->layer_count; i++) {
        VAStatus status = process_layer(driver, context, &context->layers[i], surface);
        if (status != VA_STATUS_SUCCESS) return status;
    }
    return VA_STATUS_SUCCESS;
}
