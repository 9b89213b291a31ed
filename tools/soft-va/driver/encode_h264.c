/* SPDX-License-Identifier: GPL-2.0-or-later */
/* H.264 over libx264. */
#include <stdint.h>
#include <stdlib.h>

#include <x264.h>

#include "encoder.h"

static void rate(x264_param_t *p, const struct settings *settings) {
    if (settings->mode == RATE_CQP) {
        /* Each picture brings its quantiser. x264's CQP would hold it to a few steps around the constant. */
        p->rc.i_rc_method = X264_RC_CRF;
        p->rc.i_aq_mode = X264_AQ_NONE;
        return;
    }
    p->rc.i_rc_method = X264_RC_ABR;
    p->rc.i_bitrate = (int)(settings->target / 1000);
    p->rc.i_vbv_max_bitrate = (int)(settings->peak / 1000);
    p->rc.i_vbv_buffer_size = (int)((settings->buffer ? settings->buffer : settings->peak) / 1000);
    if (settings->qp_min) p->rc.i_qp_min = (int)settings->qp_min;
    if (settings->qp_max) p->rc.i_qp_max = (int)settings->qp_max;
}

/* x264 names the profile after the tools in use, so a tool of the profile that was asked for has to be in use. */
static void profile(x264_param_t *p, const struct settings *settings) {
    bool high = settings->profile == VAProfileH264High;
    bool baseline = settings->profile == VAProfileH264ConstrainedBaseline;
    p->b_cabac = settings->cabac && !baseline;
    p->analyse.b_transform_8x8 = high;
    p->analyse.i_weighted_pred = !high && !baseline && !p->b_cabac ? X264_WEIGHTP_SIMPLE : X264_WEIGHTP_NONE;
    x264_param_apply_profile(p, high ? "high" : baseline ? "baseline" : "main");
}

static void *open_x264(const struct settings *settings) {
    x264_param_t p;
    if (x264_param_default_preset(&p, "superfast", "zerolatency") < 0) return NULL;
    p.i_log_level = X264_LOG_NONE;
    /* One thread: the same pictures give the same bytes, and tests share the machine. */
    p.i_threads = 1;
    p.b_sliced_threads = 0;
    p.i_csp = X264_CSP_NV12;
    p.i_width = (int)settings->width;
    p.i_height = (int)settings->height;
    p.i_fps_num = settings->rate_numerator;
    p.i_fps_den = settings->rate_denominator;
    p.b_vfr_input = 0;
    p.vui.i_sar_width = (int)settings->sar_width;
    p.vui.i_sar_height = (int)settings->sar_height;
    if (settings->level) p.i_level_idc = (int)settings->level;
    /* Key pictures are the client's business alone. The minimum keeps an I-picture from becoming an IDR. */
    p.i_keyint_max = X264_KEYINT_MAX_INFINITE;
    p.i_keyint_min = X264_KEYINT_MAX_INFINITE;
    p.i_scenecut_threshold = 0;
    p.i_slice_count = settings->slices > 1 ? (int)settings->slices : 0;
    p.b_repeat_headers = 1;
    p.b_annexb = 1;
    p.b_aud = 0;
    rate(&p, settings);
    profile(&p, settings);
    return x264_encoder_open(&p);
}

static bool encode(void *encoder, const struct picture *picture, struct coded *coded) {
    x264_picture_t in, out;
    x264_picture_init(&in);
    in.i_type = picture->idr ? X264_TYPE_IDR : picture->intra ? X264_TYPE_I : X264_TYPE_P;
    in.i_qpplus1 = (int)picture->qp + 1;
    in.img.i_csp = X264_CSP_NV12;
    in.img.i_plane = 2;
    for (int i = 0; i < 2; i++) {
        in.img.plane[i] = picture->frame.plane[i];
        in.img.i_stride[i] = picture->frame.pitch[i];
    }
    x264_param_t p;
    x264_encoder_parameters(encoder, &p);
    if (p.rc.i_rc_method != X264_RC_CRF) in.i_qpplus1 = X264_QP_AUTO;
    x264_nal_t *nals;
    int count;
    if (x264_encoder_encode(encoder, &nals, &count, &in, &out) <= 0) return false;
    for (int i = 0; i < count; i++) {
        /* Its only SEI is x264's own advertisement. */
        if (nals[i].i_type != NAL_SEI) coded_append(coded, nals[i].p_payload, (size_t)nals[i].i_payload);
    }
    return true;
}

static void close_x264(void *encoder) { x264_encoder_close(encoder); }

const struct encoder encoder_h264 = {"h264", open_x264, encode, close_x264};
