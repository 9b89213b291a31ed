/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Knobs from the environment, the faults they set off, and the log of what was asked. README.md lists them all. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "driver.h"

static const char *const names[] = {
    "SOFT_VA_ABORT_AT", "SOFT_VA_FAIL_AT",      "SOFT_VA_FAULT_ONCE", "SOFT_VA_FAULT_SIZE",   "SOFT_VA_FRAME_MS",
    "SOFT_VA_HANG_AT",  "SOFT_VA_INIT_FAILS",   "SOFT_VA_LOG",        "SOFT_VA_LOW_POWER",    "SOFT_VA_MAX_SIZE",
    "SOFT_VA_OUT",      "SOFT_VA_MAX_SURFACES", "SOFT_VA_VENDOR",     "SOFT_VA_WITHOUT",
};

static _Thread_local bool understood;

static void refuse(const char *name, const char *value) {
    fprintf(stderr, "soft-va: %s=%s cannot be understood\n", name, value);
    understood = false;
}

static void refuse_unknown(void) {
    const char *prefix = "SOFT_VA_";
    for (char **variable = environ; *variable; variable++) {
        size_t size = strcspn(*variable, "=");
        if (strncmp(*variable, prefix, strlen(prefix)) != 0) continue;
        bool known = false;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            known |= strlen(names[i]) == size && !strncmp(names[i], *variable, size);
        }
        if (known) continue;
        fprintf(stderr, "soft-va: there is no knob %.*s\n", (int)size, *variable);
        understood = false;
    }
}

/* That "after-scan" begins after the scan is the doing of tools/soft-va/run. */
static bool init_fails(void) {
    const char *name = "SOFT_VA_INIT_FAILS", *value = getenv(name);
    if (!value || !*value) return false;
    if (strcmp(value, "1") != 0 && strcmp(value, "after-scan") != 0) refuse(name, value);
    return true;
}

static long number(const char *name, long otherwise) {
    const char *value = getenv(name);
    if (!value || !*value) return otherwise;
    char *end;
    errno = 0;
    long read = strtol(value, &end, 10);
    if (errno || *end || read < 0) refuse(name, value);
    return read;
}

static void text(const char *name, char *into, size_t size) {
    const char *value = getenv(name);
    if (!value || !*value) return;
    if (strlen(value) < size) strcpy(into, value);
    else refuse(name, value);
}

static void dimensions(const char *name, unsigned *width, unsigned *height) {
    const char *value = getenv(name);
    if (!value || !*value) return;
    char end;
    if (sscanf(value, "%ux%u%c", width, height, &end) != 2 || !*width || !*height) refuse(name, value);
}

static void without(struct knobs *knobs) {
    const char *name = "SOFT_VA_WITHOUT";
    char list[128] = "", *rest = list, *word;
    text(name, list, sizeof list);
    while ((word = strsep(&rest, ","))) {
        if (!strcmp(word, "h264")) knobs->without_h264 = true;
        else if (!strcmp(word, "h265")) knobs->without_h265 = true;
        else if (!strcmp(word, "postproc")) knobs->without_postproc = true;
        else if (!strcmp(word, "derive")) knobs->without_derive = true;
        else if (!strcmp(word, "packed-headers")) knobs->without_packed_headers = true;
        else if (*word) refuse(name, word);
    }
}

static void entrypoints(struct knobs *knobs) {
    const char *name = "SOFT_VA_LOW_POWER", *value = getenv(name);
    knobs->slice = true;
    if (!value || !*value) return;
    knobs->low_power = true;
    if (!strcmp(value, "only")) knobs->slice = false;
    else if (strcmp(value, "also") != 0) refuse(name, value);
}

bool knobs_read(struct knobs *knobs) {
    understood = true;
    refuse_unknown();
    *knobs = (struct knobs){.vendor = "Software VA-API driver for tests (x264, x265), no hardware",
                            .max_width = 4096,
                            .max_height = 4096};
    text("SOFT_VA_VENDOR", knobs->vendor, sizeof knobs->vendor);
    knobs->init_fails = init_fails();
    without(knobs);
    entrypoints(knobs);
    dimensions("SOFT_VA_MAX_SIZE", &knobs->max_width, &knobs->max_height);
    knobs->max_surfaces = number("SOFT_VA_MAX_SURFACES", NEVER);
    knobs->frame_ms = number("SOFT_VA_FRAME_MS", 0);
    knobs->fail_at = number("SOFT_VA_FAIL_AT", NEVER);
    knobs->hang_at = number("SOFT_VA_HANG_AT", NEVER);
    knobs->abort_at = number("SOFT_VA_ABORT_AT", NEVER);
    dimensions("SOFT_VA_FAULT_SIZE", &knobs->fault_width, &knobs->fault_height);
    text("SOFT_VA_FAULT_ONCE", knobs->fault_once, sizeof knobs->fault_once);
    text("SOFT_VA_LOG", knobs->log, sizeof knobs->log);
    return understood;
}

void requests_log(const struct knobs *knobs, const char *format, ...) {
    if (!*knobs->log) return;
    char line[512];
    int head = snprintf(line, sizeof line, "pid=%d ", (int)getpid());
    va_list arguments;
    va_start(arguments, format);
    int body = vsnprintf(line + head, sizeof line - (size_t)head - 1, format, arguments);
    va_end(arguments);
    size_t size = (size_t)head + (size_t)body;
    if (size > sizeof line - 2) size = sizeof line - 2;
    line[size++] = '\n';
    /* Opened anew for each line: tests move the file away, and the line is one write, so processes do not mix. */
    int file = open(knobs->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0 || write(file, line, size) != (ssize_t)size) {
        fprintf(stderr, "soft-va: SOFT_VA_LOG=%s cannot be written: %s\n", knobs->log, strerror(errno));
    }
    if (file >= 0) close(file);
}

/* With SOFT_VA_FAULT_ONCE, whoever creates the file has the fault, over all processes. */
static bool claimed(const struct knobs *knobs) {
    if (!*knobs->fault_once) return true;
    int file = open(knobs->fault_once, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) return false;
    close(file);
    return true;
}

VAStatus faults_strike(const struct knobs *knobs, unsigned encoder, unsigned width, unsigned height, long frame) {
    if (knobs->fault_width && (knobs->fault_width != width || knobs->fault_height != height)) return VA_STATUS_SUCCESS;
    if (knobs->frame_ms) {
        struct timespec left = {knobs->frame_ms / 1000, knobs->frame_ms % 1000 * 1000000L};
        while (nanosleep(&left, &left) < 0 && errno == EINTR) {
        }
    }
    if (frame == knobs->abort_at && claimed(knobs)) {
        requests_log(knobs, "encoder=%u event=fault fault=abort frame=%ld", encoder, frame);
        abort();
    }
    if (frame == knobs->hang_at && claimed(knobs)) {
        requests_log(knobs, "encoder=%u event=fault fault=hang frame=%ld", encoder, frame);
        for (;;) pause();
    }
    if (frame == knobs->fail_at && claimed(knobs)) {
        requests_log(knobs, "encoder=%u event=fault fault=fail frame=%ld", encoder, frame);
        return VA_STATUS_ERROR_ENCODING_ERROR;
    }
    return VA_STATUS_SUCCESS;
}
