/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Video processing: crop, scale, convert. No filters, no rotation, no blending. */
#include "driver.h"

VAStatus query_filters(VADriverContextP va, VAContextID id, VAProcFilterType *filters, unsigned *count) {
    (void)va, (void)id, (void)filters;
    *count = 0;
    return VA_STATUS_SUCCESS;
}

VAStatus query_filter_caps(VADriverContextP va, VAContextID id, VAProcFilterType type, void *caps, unsigned *count) {
    (void)va, (void)id, (void)type, (void)caps, (void)count;
    return VA_STATUS_ERROR_UNSUPPORTED_FILTER;
}

VAStatus query_pipeline_caps(VADriverContextP va, VAContextID id, VABufferID *filters, unsigned count,
                             VAProcPipelineCaps *caps) {
    (void)id, (void)filters, (void)count;
    struct driver *driver = driver_of(va);
    const struct knobs *knobs = &driver->knobs;
    /* The lists belong to the driver and outlive the call. */
    static VAProcColorStandardType standards[] = {VAProcColorStandardBT601, VAProcColorStandardBT709};
    *caps = (VAProcPipelineCaps){
        .rotation_flags = 1 << VA_ROTATION_NONE,
        .mirror_flags = VA_MIRROR_NONE,
        .input_color_standards = standards,
        .num_input_color_standards = 2,
        .output_color_standards = standards,
        .num_output_color_standards = 2,
        .input_pixel_format = driver->fourccs,
        .num_input_pixel_formats = FORMATS,
        .output_pixel_format = driver->fourccs,
        .num_output_pixel_formats = FORMATS,
        .max_input_width = knobs->max_width,
        .max_input_height = knobs->max_height,
        .min_input_width = 32,
        .min_input_height = 32,
        .max_output_width = knobs->max_width,
        .max_output_height = knobs->max_height,
        .min_output_width = 32,
        .min_output_height = 32,
    };
    return VA_STATUS_SUCCESS;
}

static enum matrix matrix(VAProcColorStandardType standard) {
    return standard == VAProcColorStandardBT709 ? MATRIX_BT709 : MATRIX_BT601;
}

static bool crop(struct frame *frame, const VARectangle *region) {
    return !region || frame_crop(frame, region->x, region->y, region->width, region->height);
}

VAStatus process(struct scaler **scaler, const VAProcPipelineParameterBuffer *parameters, const struct surface *source,
                 const struct surface *target) {
    struct frame from = surface_frame(source), all = surface_frame(target), to = all;
    if (!crop(&from, parameters->surface_region) || !crop(&to, parameters->output_region)) {
        return VA_STATUS_ERROR_INVALID_PARAMETER;
    }
    if (to.width < all.width || to.height < all.height) paint_black(&all);
    bool done = scale(scaler, &from, matrix(parameters->surface_color_standard), &to,
                      matrix(parameters->output_color_standard));
    return done ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_OPERATION_FAILED;
}
