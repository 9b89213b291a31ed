/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Handles of VA-API objects: small numbers, given out again once free. */
#include <stdlib.h>

#include "driver.h"

void handles_init(struct handles *handles) {
    pthread_mutex_init(&handles->lock, NULL);
    handles->slots = NULL;
    handles->count = 0;
}

VAGenericID handles_add(struct handles *handles, enum kind kind, void *object) {
    VAGenericID id = VA_INVALID_ID;
    pthread_mutex_lock(&handles->lock);
    size_t slot = 0;
    while (slot < handles->count && handles->slots[slot].kind != KIND_NONE) slot++;
    if (slot == handles->count) {
        size_t count = handles->count ? 2 * handles->count : 64;
        struct handle *slots = realloc(handles->slots, count * sizeof *slots);
        if (!slots) goto end;
        for (size_t i = handles->count; i < count; i++) slots[i] = (struct handle){KIND_NONE, NULL};
        handles->slots = slots;
        handles->count = count;
    }
    handles->slots[slot] = (struct handle){kind, object};
    /* Some clients take 0 for "none". */
    id = (VAGenericID)slot + 1;
end:
    pthread_mutex_unlock(&handles->lock);
    return id;
}

static void *find(struct handles *handles, enum kind kind, VAGenericID id, bool take) {
    void *object = NULL;
    pthread_mutex_lock(&handles->lock);
    if (id >= 1 && id <= handles->count) {
        struct handle *handle = &handles->slots[id - 1];
        if (handle->kind == kind) {
            object = handle->object;
            if (take) *handle = (struct handle){KIND_NONE, NULL};
        }
    }
    pthread_mutex_unlock(&handles->lock);
    return object;
}

void *handles_get(struct handles *handles, enum kind kind, VAGenericID id) { return find(handles, kind, id, false); }

void *handles_take(struct handles *handles, enum kind kind, VAGenericID id) { return find(handles, kind, id, true); }

void handles_clear(struct handles *handles, void (*left)(void *with, enum kind kind, void *object), void *with) {
    for (size_t i = 0; i < handles->count; i++) {
        if (handles->slots[i].kind != KIND_NONE) left(with, handles->slots[i].kind, handles->slots[i].object);
    }
    free(handles->slots);
    pthread_mutex_destroy(&handles->lock);
}
