/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HEVC over libx265. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <x265.h>

#include "encoder.h"

struct hevc {
    x265_encoder *encoder;
    x265_param *param;
    bool cqp;
    unsigned width, height;
    int64_t pictures;
    uint8_t *chroma; /* U then V of one picture: x265 has no NV12 */
};

static void rate(x265_param *p, const struct settings *settings) {
    if (settings->mode == RATE_CQP) {
        p->rc.rateControlMode = X265_RC_CQP;
        p->rc.qp = 26;
        return;
    }
    p->rc.rateControlMode = X265_RC_ABR;
    p->rc.bitrate = (int)(settings->target / 1000);
    p->rc.vbvMaxBitrate = (int)(settings->peak / 1000);
    p->rc.vbvBufferSize = (int)((settings->buffer ? settings->buffer : settings->peak) / 1000);
    if (settings->qp_min) p->rc.qpMin = (int)settings->qp_min;
    if (settings->qp_max) p->rc.qpMax = (int)settings->qp_max;
}

static void close_x265(void *encoder) {
    struct hevc *hevc = encoder;
    if (hevc->encoder) x265_encoder_close(hevc->encoder);
    if (hevc->param) x265_param_free(hevc->param);
    free(hevc->chroma);
    free(hevc);
}

static void *open_x265(const struct settings *settings) {
    struct hevc *hevc = calloc(1, sizeof *hevc);
    if (!hevc) return NULL;
    hevc->cqp = settings->mode == RATE_CQP;
    hevc->width = settings->width;
    hevc->height = settings->height;
    hevc->chroma = malloc((size_t)((settings->width + 1) / 2) * ((settings->height + 1) / 2) * 2);
    hevc->param = x265_param_alloc();
    x265_param *p = hevc->param;
    if (!hevc->chroma || !p || x265_param_default_preset(p, "ultrafast", "zerolatency") < 0) goto failed;
    p->logLevel = X265_LOG_NONE;
    /* One thread and no picture held back, as with x264. */
    p->frameNumThreads = 1;
    p->bEnableWavefront = 0;
    p->lookaheadSlices = 0;
    p->sourceWidth = (int)settings->width;
    p->sourceHeight = (int)settings->height;
    p->fpsNum = settings->rate_numerator;
    p->fpsDenom = settings->rate_denominator;
    if (settings->sar_width && settings->sar_height) {
        p->vui.aspectRatioIdc = X265_EXTENDED_SAR;
        p->vui.sarWidth = (int)settings->sar_width;
        p->vui.sarHeight = (int)settings->sar_height;
    }
    /* As with x264: an I-picture less than the minimum from an IDR stays one. */
    p->keyframeMax = -1;
    p->keyframeMin = INT_MAX;
    p->scenecutThreshold = 0;
    p->bOpenGOP = 0;
    p->bRepeatHeaders = 1;
    p->bAnnexB = 1;
    p->bEmitInfoSEI = 0;
    /* With it off, x265 3.5 loses 8 KiB with each encoder; so it is 1.2 KiB. */
    p->bEnableSAO = 1;
    rate(p, settings);
    if (x265_param_apply_profile(p, "main") < 0) goto failed;
    hevc->encoder = x265_encoder_open(p);
    if (hevc->encoder) return hevc;
failed:
    close_x265(hevc);
    return NULL;
}

static void split_chroma(const struct hevc *hevc, const struct frame *frame, x265_picture *in) {
    unsigned width = (hevc->width + 1) / 2, height = (hevc->height + 1) / 2;
    uint8_t *u = hevc->chroma, *v = hevc->chroma + (size_t)width * height;
    in->planes[0] = frame->plane[0];
    in->stride[0] = frame->pitch[0];
    in->planes[1] = u;
    in->planes[2] = v;
    in->stride[1] = in->stride[2] = (int)width;
    for (unsigned y = 0; y < height; y++) {
        const uint8_t *row = frame->plane[1] + (size_t)y * (size_t)frame->pitch[1];
        for (unsigned x = 0; x < width; x++) {
            *u++ = row[2 * x];
            *v++ = row[2 * x + 1];
        }
    }
}

static bool encode(void *encoder, const struct picture *picture, struct coded *coded) {
    struct hevc *hevc = encoder;
    x265_picture in;
    x265_picture_init(hevc->param, &in);
    split_chroma(hevc, &picture->frame, &in);
    in.pts = hevc->pictures++;
    in.sliceType = picture->idr ? X265_TYPE_IDR : picture->intra ? X265_TYPE_I : X265_TYPE_P;
    if (hevc->cqp) in.forceqp = (int)picture->qp + 1;
    x265_nal *nals;
    uint32_t count;
    if (x265_encoder_encode(hevc->encoder, &nals, &count, &in, NULL) <= 0) return false;
    for (uint32_t i = 0; i < count; i++) coded_append(coded, nals[i].payload, nals[i].sizeBytes);
    return true;
}

const struct encoder encoder_h265 = {"h265", open_x265, encode, close_x265};
