/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* NAL units into a coded buffer. */
#include <string.h>

#include "encoder.h"

void coded_append(struct coded *coded, const uint8_t *nal, size_t size) {
    static const uint8_t start[4] = {0, 0, 0, 1};
    size_t zeroes = 0;
    while (zeroes < size && nal[zeroes] == 0) zeroes++;
    if (zeroes < size) zeroes++;
    nal += zeroes;
    size -= zeroes;
    if (coded->overflow || size + sizeof start > coded->capacity - coded->size) {
        coded->overflow = true;
        return;
    }
    memcpy(coded->data + coded->size, start, sizeof start);
    memcpy(coded->data + coded->size + sizeof start, nal, size);
    coded->size += sizeof start + size;
}
