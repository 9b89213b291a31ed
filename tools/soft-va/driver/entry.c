/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What libva loads: the table of functions, with an honest "unimplemented" where it insists on one. */
#include <stdlib.h>

#include "driver.h"

struct left {
    struct driver *driver;
    unsigned long count;
};

static void free_left(void *with, enum kind kind, void *object) {
    struct left *left = with;
    left->count++;
    switch (kind) {
    case KIND_CONFIG: free(object); break;
    case KIND_SURFACE: surface_free(object); break;
    case KIND_IMAGE: image_free(object); break;
    case KIND_BUFFER: buffer_free(object); break;
    case KIND_CONTEXT: context_free(left->driver, object); break;
    case KIND_NONE: break;
    }
}

static VAStatus terminate(VADriverContextP va) {
    struct driver *driver = driver_of(va);
    struct left left = {driver, 0};
    handles_clear(&driver->handles, free_left, &left);
    requests_log(&driver->knobs, "event=terminate left=%lu", left.count);
    free(driver);
    va->pDriverData = NULL;
    return VA_STATUS_SUCCESS;
}

static VAStatus query_surface_error(VADriverContextP va, VASurfaceID id, VAStatus status, void **info) {
    (void)va, (void)id, (void)status, (void)info;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus put_surface(VADriverContextP va, VASurfaceID id, void *drawable, short src_x, short src_y,
                            unsigned short src_width, unsigned short src_height, short dst_x, short dst_y,
                            unsigned short dst_width, unsigned short dst_height, VARectangle *clips, unsigned count,
                            unsigned flags) {
    (void)va, (void)id, (void)drawable, (void)src_x, (void)src_y, (void)src_width, (void)src_height, (void)dst_x;
    (void)dst_y, (void)dst_width, (void)dst_height, (void)clips, (void)count, (void)flags;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus set_image_palette(VADriverContextP va, VAImageID id, unsigned char *palette) {
    (void)va, (void)id, (void)palette;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus query_subpicture_formats(VADriverContextP va, VAImageFormat *list, unsigned *flags, unsigned *count) {
    (void)va, (void)list, (void)flags;
    *count = 0;
    return VA_STATUS_SUCCESS;
}

static VAStatus create_subpicture(VADriverContextP va, VAImageID image, VASubpictureID *id) {
    (void)va, (void)image, (void)id;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus destroy_subpicture(VADriverContextP va, VASubpictureID id) {
    (void)va, (void)id;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus set_subpicture_image(VADriverContextP va, VASubpictureID id, VAImageID image) {
    (void)va, (void)id, (void)image;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus set_subpicture_chromakey(VADriverContextP va, VASubpictureID id, unsigned min, unsigned max,
                                         unsigned mask) {
    (void)va, (void)id, (void)min, (void)max, (void)mask;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus set_subpicture_alpha(VADriverContextP va, VASubpictureID id, float alpha) {
    (void)va, (void)id, (void)alpha;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus associate_subpicture(VADriverContextP va, VASubpictureID id, VASurfaceID *surfaces, int count,
                                     short src_x, short src_y, unsigned short src_width, unsigned short src_height,
                                     short dst_x, short dst_y, unsigned short dst_width, unsigned short dst_height,
                                     unsigned flags) {
    (void)va, (void)id, (void)surfaces, (void)count, (void)src_x, (void)src_y, (void)src_width, (void)src_height;
    (void)dst_x, (void)dst_y, (void)dst_width, (void)dst_height, (void)flags;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus deassociate_subpicture(VADriverContextP va, VASubpictureID id, VASurfaceID *surfaces, int count) {
    (void)va, (void)id, (void)surfaces, (void)count;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus query_display_attributes(VADriverContextP va, VADisplayAttribute *list, int *count) {
    (void)va, (void)list;
    *count = 0;
    return VA_STATUS_SUCCESS;
}

static VAStatus get_display_attributes(VADriverContextP va, VADisplayAttribute *list, int count) {
    (void)va;
    for (int i = 0; i < count; i++) list[i].flags = VA_DISPLAY_ATTRIB_NOT_SUPPORTED;
    return VA_STATUS_SUCCESS;
}

static VAStatus set_display_attributes(VADriverContextP va, VADisplayAttribute *list, int count) {
    (void)va, (void)list, (void)count;
    return VA_STATUS_ERROR_ATTR_NOT_SUPPORTED;
}

static void fill(struct VADriverVTable *table) {
    table->vaTerminate = terminate;
    table->vaQueryConfigProfiles = query_config_profiles;
    table->vaQueryConfigEntrypoints = query_config_entrypoints;
    table->vaGetConfigAttributes = get_config_attributes;
    table->vaCreateConfig = create_config;
    table->vaDestroyConfig = destroy_config;
    table->vaQueryConfigAttributes = query_config_attributes;
    table->vaCreateSurfaces = create_surfaces;
    table->vaCreateSurfaces2 = create_surfaces2;
    table->vaDestroySurfaces = destroy_surfaces;
    table->vaQuerySurfaceAttributes = query_surface_attributes;
    table->vaSyncSurface = sync_surface;
    table->vaSyncSurface2 = sync_surface2;
    table->vaQuerySurfaceStatus = query_surface_status;
    table->vaQuerySurfaceError = query_surface_error;
    table->vaPutSurface = put_surface;
    table->vaQueryImageFormats = query_image_formats;
    table->vaCreateImage = create_image;
    table->vaDeriveImage = derive_image;
    table->vaDestroyImage = destroy_image;
    table->vaSetImagePalette = set_image_palette;
    table->vaGetImage = get_image;
    table->vaPutImage = put_image;
    table->vaCreateContext = create_context;
    table->vaDestroyContext = destroy_context;
    table->vaCreateBuffer = create_buffer;
    table->vaBufferSetNumElements = buffer_set_num_elements;
    table->vaMapBuffer = map_buffer;
    table->vaUnmapBuffer = unmap_buffer;
    table->vaDestroyBuffer = destroy_buffer;
    table->vaBufferInfo = buffer_info;
    table->vaSyncBuffer = sync_buffer;
    table->vaBeginPicture = begin_picture;
    table->vaRenderPicture = render_picture;
    table->vaEndPicture = end_picture;
    table->vaQuerySubpictureFormats = query_subpicture_formats;
    table->vaCreateSubpicture = create_subpicture;
    table->vaDestroySubpicture = destroy_subpicture;
    table->vaSetSubpictureImage = set_subpicture_image;
    table->vaSetSubpictureChromakey = set_subpicture_chromakey;
    table->vaSetSubpictureGlobalAlpha = set_subpicture_alpha;
    table->vaAssociateSubpicture = associate_subpicture;
    table->vaDeassociateSubpicture = deassociate_subpicture;
    table->vaQueryDisplayAttributes = query_display_attributes;
    table->vaGetDisplayAttributes = get_display_attributes;
    table->vaSetDisplayAttributes = set_display_attributes;
}

/* libva tries the entry of its own minor version first and goes down to this one, so it serves every libva 1.x. */
__attribute__((visibility("default"))) VAStatus __vaDriverInit_1_0(VADriverContextP va);

VAStatus __vaDriverInit_1_0(VADriverContextP va) {
    struct driver *driver = calloc(1, sizeof *driver);
    if (!driver) return VA_STATUS_ERROR_ALLOCATION_FAILED;
    /* A knob that is not understood would let a test pass that tested nothing. */
    if (!knobs_read(&driver->knobs)) abort();
    if (driver->knobs.init_fails) {
        requests_log(&driver->knobs, "event=fault fault=init");
        free(driver);
        return VA_STATUS_ERROR_OPERATION_FAILED;
    }
    handles_init(&driver->handles);
    for (size_t i = 0; i < FORMATS; i++) driver->fourccs[i] = formats[i].image.fourcc;
    va->pDriverData = driver;
    va->version_major = VA_MAJOR_VERSION;
    va->version_minor = VA_MINOR_VERSION;
    va->str_vendor = driver->knobs.vendor;
    va->max_profiles = 8;
    va->max_entrypoints = 4;
    va->max_attributes = CONFIG_ATTRIBUTES;
    va->max_image_formats = FORMATS;
    va->max_subpic_formats = 1;
    va->max_display_attributes = 1;
    fill(va->vtable);
    va->vtable_vpp->version = VA_DRIVER_VTABLE_VPP_VERSION;
    va->vtable_vpp->vaQueryVideoProcFilters = query_filters;
    va->vtable_vpp->vaQueryVideoProcFilterCaps = query_filter_caps;
    va->vtable_vpp->vaQueryVideoProcPipelineCaps = query_pipeline_caps;
    requests_log(&driver->knobs, "event=init");
    return VA_STATUS_SUCCESS;
}
