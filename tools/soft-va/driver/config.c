/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the driver says it can do: profiles, entrypoints, their attributes. */
#include <stdlib.h>

#include "driver.h"

static const VAProfile profiles[] = {VAProfileNone, VAProfileH264ConstrainedBaseline, VAProfileH264Main,
                                     VAProfileH264High, VAProfileHEVCMain};
static const VAEntrypoint entrypoints[] = {VAEntrypointVideoProc, VAEntrypointEncSlice, VAEntrypointEncSliceLP};

#define COUNT(list) (sizeof(list) / sizeof *(list))

bool config_offers(const struct knobs *knobs, VAProfile profile, VAEntrypoint entrypoint) {
    bool encode = (entrypoint == VAEntrypointEncSlice && knobs->slice) ||
                  (entrypoint == VAEntrypointEncSliceLP && knobs->low_power);
    switch (profile) {
    case VAProfileNone: return entrypoint == VAEntrypointVideoProc && !knobs->without_postproc;
    case VAProfileH264ConstrainedBaseline:
    case VAProfileH264Main:
    case VAProfileH264High: return encode && !knobs->without_h264;
    case VAProfileHEVCMain: return encode && !knobs->without_h265;
    default: return false;
    }
}

static bool offers_profile(const struct knobs *knobs, VAProfile profile) {
    for (size_t i = 0; i < COUNT(entrypoints); i++) {
        if (config_offers(knobs, profile, entrypoints[i])) return true;
    }
    return false;
}

VAStatus query_config_profiles(VADriverContextP va, VAProfile *list, int *count) {
    const struct knobs *knobs = &driver_of(va)->knobs;
    *count = 0;
    for (size_t i = 0; i < COUNT(profiles); i++) {
        if (offers_profile(knobs, profiles[i])) list[(*count)++] = profiles[i];
    }
    return VA_STATUS_SUCCESS;
}

VAStatus query_config_entrypoints(VADriverContextP va, VAProfile profile, VAEntrypoint *list, int *count) {
    const struct knobs *knobs = &driver_of(va)->knobs;
    *count = 0;
    for (size_t i = 0; i < COUNT(entrypoints); i++) {
        if (config_offers(knobs, profile, entrypoints[i])) list[(*count)++] = entrypoints[i];
    }
    return *count ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_UNSUPPORTED_PROFILE;
}

static uint32_t encode_attribute(const struct knobs *knobs, VAProfile profile, VAConfigAttribType type) {
    switch (type) {
    case VAConfigAttribRTFormat: return VA_RT_FORMAT_YUV420;
    case VAConfigAttribRateControl: return VA_RC_CQP | VA_RC_CBR | VA_RC_VBR;
    case VAConfigAttribEncPackedHeaders:
        if (knobs->without_packed_headers) return VA_ATTRIB_NOT_SUPPORTED;
        return VA_ENC_PACKED_HEADER_SEQUENCE | VA_ENC_PACKED_HEADER_PICTURE | VA_ENC_PACKED_HEADER_SLICE |
               VA_ENC_PACKED_HEADER_MISC | VA_ENC_PACKED_HEADER_RAW_DATA;
    /* One reference backward, none forward: no B-frames, so that coded order is display order. */
    case VAConfigAttribEncMaxRefFrames: return 1;
    case VAConfigAttribPredictionDirection: return VA_PREDICTION_DIRECTION_PREVIOUS;
    /* x265 gives no picture at once when there are several slices. */
    case VAConfigAttribEncMaxSlices: return profile == VAProfileHEVCMain ? 1 : 16;
    case VAConfigAttribEncSliceStructure: return VA_ENC_SLICE_STRUCTURE_ARBITRARY_ROWS;
    case VAConfigAttribEncQualityRange: return 7;
    case VAConfigAttribMaxPictureWidth: return knobs->max_width;
    case VAConfigAttribMaxPictureHeight: return knobs->max_height;
    default: return VA_ATTRIB_NOT_SUPPORTED;
    }
}

static uint32_t process_attribute(const struct knobs *knobs, VAConfigAttribType type) {
    switch (type) {
    case VAConfigAttribRTFormat: return VA_RT_FORMAT_YUV420 | VA_RT_FORMAT_YUV422 | VA_RT_FORMAT_RGB32;
    case VAConfigAttribMaxPictureWidth: return knobs->max_width;
    case VAConfigAttribMaxPictureHeight: return knobs->max_height;
    default: return VA_ATTRIB_NOT_SUPPORTED;
    }
}

static uint32_t attribute(const struct knobs *knobs, VAProfile profile, VAConfigAttribType type) {
    return profile == VAProfileNone ? process_attribute(knobs, type) : encode_attribute(knobs, profile, type);
}

VAStatus get_config_attributes(VADriverContextP va, VAProfile profile, VAEntrypoint entrypoint, VAConfigAttrib *list,
                               int count) {
    const struct knobs *knobs = &driver_of(va)->knobs;
    if (!offers_profile(knobs, profile)) return VA_STATUS_ERROR_UNSUPPORTED_PROFILE;
    if (!config_offers(knobs, profile, entrypoint)) return VA_STATUS_ERROR_UNSUPPORTED_ENTRYPOINT;
    for (int i = 0; i < count; i++) list[i].value = attribute(knobs, profile, list[i].type);
    return VA_STATUS_SUCCESS;
}

VAStatus create_config(VADriverContextP va, VAProfile profile, VAEntrypoint entrypoint, VAConfigAttrib *list, int count,
                       VAConfigID *id) {
    struct driver *driver = driver_of(va);
    if (!offers_profile(&driver->knobs, profile)) return VA_STATUS_ERROR_UNSUPPORTED_PROFILE;
    if (!config_offers(&driver->knobs, profile, entrypoint)) return VA_STATUS_ERROR_UNSUPPORTED_ENTRYPOINT;
    uint32_t rate_control = VA_RC_CQP;
    for (int i = 0; i < count; i++) {
        uint32_t able = attribute(&driver->knobs, profile, list[i].type);
        if (list[i].type == VAConfigAttribRTFormat && !(list[i].value & able)) {
            return VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT;
        }
        if (list[i].type == VAConfigAttribRateControl) {
            if (!(list[i].value & able)) return VA_STATUS_ERROR_ATTR_NOT_SUPPORTED;
            rate_control = list[i].value;
        }
    }
    struct config *config = malloc(sizeof *config);
    if (!config) return VA_STATUS_ERROR_ALLOCATION_FAILED;
    *config = (struct config){profile, entrypoint, rate_control};
    *id = handles_add(&driver->handles, KIND_CONFIG, config);
    if (*id != VA_INVALID_ID) return VA_STATUS_SUCCESS;
    free(config);
    return VA_STATUS_ERROR_ALLOCATION_FAILED;
}

VAStatus destroy_config(VADriverContextP va, VAConfigID id) {
    struct config *config = handles_take(&driver_of(va)->handles, KIND_CONFIG, id);
    if (!config) return VA_STATUS_ERROR_INVALID_CONFIG;
    free(config);
    return VA_STATUS_SUCCESS;
}

VAStatus query_config_attributes(VADriverContextP va, VAConfigID id, VAProfile *profile, VAEntrypoint *entrypoint,
                                 VAConfigAttrib *list, int *count) {
    struct driver *driver = driver_of(va);
    const struct config *config = handles_get(&driver->handles, KIND_CONFIG, id);
    if (!config) return VA_STATUS_ERROR_INVALID_CONFIG;
    *profile = config->profile;
    *entrypoint = config->entrypoint;
    *count = 0;
    for (int type = 0; type < VAConfigAttribTypeMax && *count < CONFIG_ATTRIBUTES; type++) {
        uint32_t value = attribute(&driver->knobs, config->profile, (VAConfigAttribType)type);
        if (value != VA_ATTRIB_NOT_SUPPORTED) list[(*count)++] = (VAConfigAttrib){(VAConfigAttribType)type, value};
    }
    return VA_STATUS_SUCCESS;
}
