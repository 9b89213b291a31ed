/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Reads sequence, picture, slice and miscellaneous parameters of H.264 and HEVC. Packed headers are taken and not used:
   the encoder libraries write their own. */
#include "parameters.h"

#define SAR_EXTENDED 255

void parameters_begin(struct asked *asked) {
    asked->idr = asked->intra = false;
    asked->qp = asked->qp_delta = 0;
    asked->slices = 0;
    asked->coded = VA_INVALID_ID;
}

static bool holds(const struct buffer *buffer, size_t size) {
    return (size_t)buffer->element_size * buffer->elements >= size;
}

static void shape(struct settings *settings, unsigned aspect, unsigned sar_width, unsigned sar_height, unsigned bits) {
    settings->sar_width = aspect == SAR_EXTENDED ? sar_width : 0;
    settings->sar_height = aspect == SAR_EXTENDED ? sar_height : 0;
    if (settings->mode == RATE_CQP) return;
    /* Rate control parameters follow the sequence's and say more. */
    if (bits && !settings->target) settings->target = settings->peak = bits;
}

static void timing(struct settings *settings, unsigned numerator, unsigned denominator) {
    if (!numerator || !denominator) return;
    settings->rate_numerator = numerator;
    settings->rate_denominator = denominator;
}

static void h264_sequence(struct settings *settings, const VAEncSequenceParameterBufferH264 *all) {
    settings->level = all->level_idc;
    settings->width = all->picture_width_in_mbs * 16u;
    settings->height = all->picture_height_in_mbs * 16u;
    if (all->frame_cropping_flag) {
        settings->width -= 2 * (all->frame_crop_left_offset + all->frame_crop_right_offset);
        settings->height -= 2 * (all->frame_crop_top_offset + all->frame_crop_bottom_offset);
    }
    bool vui = all->vui_parameters_present_flag;
    bool aspect = vui && all->vui_fields.bits.aspect_ratio_info_present_flag;
    shape(settings, aspect ? all->aspect_ratio_idc : 0, all->sar_width, all->sar_height, all->bits_per_second);
    /* Its ticks are those of fields. */
    if (vui && all->vui_fields.bits.timing_info_present_flag && all->time_scale % 2 == 0) {
        timing(settings, all->time_scale / 2, all->num_units_in_tick);
    }
}

static void h265_sequence(struct settings *settings, const VAEncSequenceParameterBufferHEVC *all) {
    settings->width = all->pic_width_in_luma_samples;
    settings->height = all->pic_height_in_luma_samples;
    bool vui = all->vui_parameters_present_flag;
    bool aspect = vui && all->vui_fields.bits.aspect_ratio_info_present_flag;
    shape(settings, aspect ? all->aspect_ratio_idc : 0, all->sar_width, all->sar_height, all->bits_per_second);
    if (vui && all->vui_fields.bits.vui_timing_info_present_flag) {
        timing(settings, all->vui_time_scale, all->vui_num_units_in_tick);
    }
}

static void h264_picture(struct asked *asked, const VAEncPictureParameterBufferH264 *all) {
    asked->coded = all->coded_buf;
    asked->idr = all->pic_fields.bits.idr_pic_flag;
    asked->qp = all->pic_init_qp;
    asked->settings.cabac = all->pic_fields.bits.entropy_coding_mode_flag;
}

static void h265_picture(struct asked *asked, const VAEncPictureParameterBufferHEVC *all) {
    asked->coded = all->coded_buf;
    asked->idr = all->pic_fields.bits.idr_pic_flag;
    asked->qp = all->pic_init_qp;
}

/* In both codecs' terms: H.264 7.4.3 has 2 and 7 for I, HEVC 7.4.7.1 has 2. */
static void slice(struct asked *asked, unsigned type, int qp_delta, unsigned count) {
    asked->intra = type == 2 || type == 7;
    asked->qp_delta = qp_delta;
    asked->slices += count;
}

static void rate_control(struct settings *settings, const VAEncMiscParameterRateControl *all) {
    if (settings->mode == RATE_CQP) return;
    unsigned percent = settings->mode == RATE_VBR && all->target_percentage ? all->target_percentage : 100;
    settings->peak = all->bits_per_second;
    settings->target = (unsigned)((uint64_t)all->bits_per_second * percent / 100);
    settings->qp_min = all->min_qp;
    settings->qp_max = all->max_qp;
}

static void miscellaneous(struct settings *settings, const struct buffer *buffer) {
    const VAEncMiscParameterBuffer *all = (const void *)buffer->data;
    const size_t head = sizeof *all;
    if (all->type == VAEncMiscParameterTypeRateControl && holds(buffer, head + sizeof(VAEncMiscParameterRateControl))) {
        rate_control(settings, (const void *)all->data);
    }
    if (all->type == VAEncMiscParameterTypeHRD && holds(buffer, head + sizeof(VAEncMiscParameterHRD))) {
        if (settings->mode != RATE_CQP) settings->buffer = ((const VAEncMiscParameterHRD *)all->data)->buffer_size;
    }
    if (all->type == VAEncMiscParameterTypeFrameRate && holds(buffer, head + sizeof(VAEncMiscParameterFrameRate))) {
        uint32_t rate = ((const VAEncMiscParameterFrameRate *)all->data)->framerate;
        timing(settings, rate & 0xffff, rate >> 16 ? rate >> 16 : 1);
    }
}

VAStatus parameters_read(struct asked *asked, const struct buffer *buffer) {
    struct settings *settings = &asked->settings;
    const void *data = buffer->data;
    bool h265 = settings->profile == VAProfileHEVCMain;
    switch (buffer->type) {
    case VAEncSequenceParameterBufferType:
        if (!holds(buffer, h265 ? sizeof(VAEncSequenceParameterBufferHEVC) : sizeof(VAEncSequenceParameterBufferH264))) break;
        if (h265) h265_sequence(settings, data);
        else h264_sequence(settings, data);
        return VA_STATUS_SUCCESS;
    case VAEncPictureParameterBufferType:
        if (!holds(buffer, h265 ? sizeof(VAEncPictureParameterBufferHEVC) : sizeof(VAEncPictureParameterBufferH264))) break;
        if (h265) h265_picture(asked, data);
        else h264_picture(asked, data);
        return VA_STATUS_SUCCESS;
    case VAEncSliceParameterBufferType:
        if (!holds(buffer, h265 ? sizeof(VAEncSliceParameterBufferHEVC) : sizeof(VAEncSliceParameterBufferH264))) break;
        if (h265) {
            const VAEncSliceParameterBufferHEVC *all = data;
            slice(asked, all->slice_type, all->slice_qp_delta, buffer->elements);
        } else {
            const VAEncSliceParameterBufferH264 *all = data;
            slice(asked, all->slice_type, all->slice_qp_delta, buffer->elements);
        }
        return VA_STATUS_SUCCESS;
    case VAEncMiscParameterBufferType:
        if (!holds(buffer, sizeof(VAEncMiscParameterBuffer))) break;
        miscellaneous(settings, buffer);
        return VA_STATUS_SUCCESS;
    default: return VA_STATUS_SUCCESS;
    }
    return VA_STATUS_ERROR_INVALID_BUFFER;
}
