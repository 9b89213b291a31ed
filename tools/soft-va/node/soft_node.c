/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A render node for programs that look for one: preloaded, it answers for /dev/dri/renderD128 in open, libdrm and libudev
   (over which gudev goes), and leaves every other question to them. It does not know VA-API; LIBVA_DRIVER_NAME chooses the
   driver.

   It is linked with these libraries although it needs no symbol of theirs to link: otherwise RTLD_NEXT does not find those
   that a plugin loads for itself, and that plugin would crash. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <libudev.h>
#include <xf86drm.h>

#define NODE "/dev/dri/renderD128"
#define MEMORY "soft-va-render-node"
#define PARENT_SYSPATH "/sys/devices/platform/soft-va"
#define SYSPATH PARENT_SYSPATH "/drm/renderD128"

#define EXPORT __attribute__((visibility("default")))

/* ISO C has no conversion from an object to a function pointer; POSIX promises this one. */
#define NEXT(name)                                                                                                      \
    static __typeof__(name) *next;                                                                                      \
    if (!next) *(void **)(&next) = dlsym(RTLD_NEXT, #name)

/* ---- the file ---- */

static int open_node(int flags) { return memfd_create(MEMORY, flags & O_CLOEXEC ? MFD_CLOEXEC : 0); }

/* Asked of the kernel and not remembered: descriptors are duplicated, closed and inherited. */
static bool is_node(int fd) {
    char link[64], target[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, target, sizeof target - 1);
    if (size < 0) return false;
    target[size] = 0;
    return !strncmp(target, "/memfd:" MEMORY, strlen("/memfd:" MEMORY));
}

static mode_t mode_of(int flags, va_list rest) {
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...) {
    NEXT(open);
    if (!strcmp(path, NODE)) return open_node(flags);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return next(path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...) {
    NEXT(open64);
    if (!strcmp(path, NODE)) return open_node(flags);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return next(path, flags, mode);
}

/* ---- libdrm ---- */

EXPORT drmVersionPtr drmGetVersion(int fd) {
    NEXT(drmGetVersion);
    if (!is_node(fd)) return next(fd);
    drmVersionPtr version = calloc(1, sizeof *version);
    if (!version) return NULL;
    /* drmFreeVersion frees each of the three. */
    version->version_major = 1;
    version->name = strdup("soft-va");
    version->date = strdup("0");
    version->desc = strdup("no hardware");
    version->name_len = (int)strlen(version->name);
    version->date_len = (int)strlen(version->date);
    version->desc_len = (int)strlen(version->desc);
    return version;
}

EXPORT int drmGetNodeTypeFromFd(int fd) {
    NEXT(drmGetNodeTypeFromFd);
    return is_node(fd) ? DRM_NODE_RENDER : next(fd);
}

/* ---- libudev: an enumeration of "drm" has one entry, whose parent is on the platform bus ---- */

static char entry, device, parent;
#define ENTRY ((struct udev_list_entry *)&entry)
#define DEVICE ((struct udev_device *)&device)
#define PARENT ((struct udev_device *)&parent)

/* Per thread: an enumeration is made, read and dropped by one. The list can only be NODE's when the last subsystem that was
   asked for is drm, and the names asked for match. */
static _Thread_local struct udev_enumerate *drm_enumeration;
static _Thread_local bool other_names;

EXPORT int udev_enumerate_add_match_subsystem(struct udev_enumerate *enumeration, const char *subsystem) {
    NEXT(udev_enumerate_add_match_subsystem);
    if (!strcmp(subsystem, "drm")) {
        drm_enumeration = enumeration;
        other_names = false;
    }
    return next(enumeration, subsystem);
}

EXPORT int udev_enumerate_add_match_sysname(struct udev_enumerate *enumeration, const char *name) {
    NEXT(udev_enumerate_add_match_sysname);
    if (enumeration == drm_enumeration && strncmp(name, "renderD", strlen("renderD")) != 0) other_names = true;
    return next(enumeration, name);
}

EXPORT struct udev_list_entry *udev_enumerate_get_list_entry(struct udev_enumerate *enumeration) {
    NEXT(udev_enumerate_get_list_entry);
    return enumeration == drm_enumeration && !other_names ? ENTRY : next(enumeration);
}

EXPORT struct udev_enumerate *udev_enumerate_unref(struct udev_enumerate *enumeration) {
    NEXT(udev_enumerate_unref);
    if (enumeration == drm_enumeration) drm_enumeration = NULL;
    return next(enumeration);
}

EXPORT struct udev_list_entry *udev_list_entry_get_next(struct udev_list_entry *list) {
    NEXT(udev_list_entry_get_next);
    return list == ENTRY ? NULL : next(list);
}

EXPORT const char *udev_list_entry_get_name(struct udev_list_entry *list) {
    NEXT(udev_list_entry_get_name);
    return list == ENTRY ? SYSPATH : next(list);
}

EXPORT struct udev_device *udev_device_new_from_syspath(struct udev *udev, const char *path) {
    NEXT(udev_device_new_from_syspath);
    return !strcmp(path, SYSPATH) ? DEVICE : next(udev, path);
}

static bool is_ours(struct udev_device *of) { return of == DEVICE || of == PARENT; }

EXPORT struct udev_device *udev_device_ref(struct udev_device *of) {
    NEXT(udev_device_ref);
    return is_ours(of) ? of : next(of);
}

EXPORT struct udev_device *udev_device_unref(struct udev_device *of) {
    NEXT(udev_device_unref);
    return is_ours(of) ? NULL : next(of);
}

EXPORT struct udev_device *udev_device_get_parent(struct udev_device *of) {
    NEXT(udev_device_get_parent);
    return of == DEVICE ? PARENT : of == PARENT ? NULL : next(of);
}

EXPORT struct udev_device *udev_device_get_parent_with_subsystem_devtype(struct udev_device *of, const char *subsystem,
                                                                        const char *devtype) {
    NEXT(udev_device_get_parent_with_subsystem_devtype);
    if (!is_ours(of)) return next(of, subsystem, devtype);
    return of == DEVICE && !strcmp(subsystem, "platform") && !devtype ? PARENT : NULL;
}

/* What the two devices say of themselves; all else about them is unknown. */
#define SAYS(type, name, of_device, of_parent)                                                                          \
    EXPORT type name(struct udev_device *of) {                                                                          \
        NEXT(name);                                                                                                     \
        return of == DEVICE ? (of_device) : of == PARENT ? (of_parent) : next(of);                                      \
    }

SAYS(const char *, udev_device_get_subsystem, "drm", "platform")
SAYS(const char *, udev_device_get_devnode, NODE, NULL)
SAYS(const char *, udev_device_get_sysname, "renderD128", "soft-va")
SAYS(const char *, udev_device_get_sysnum, "128", NULL)
SAYS(const char *, udev_device_get_syspath, SYSPATH, PARENT_SYSPATH)
SAYS(const char *, udev_device_get_devpath, SYSPATH + strlen("/sys"), PARENT_SYSPATH + strlen("/sys"))
SAYS(const char *, udev_device_get_devtype, "drm_minor", NULL)
SAYS(const char *, udev_device_get_driver, NULL, "soft-va")
SAYS(const char *, udev_device_get_action, NULL, NULL)
SAYS(int, udev_device_get_is_initialized, 1, 1)
SAYS(dev_t, udev_device_get_devnum, makedev(226, 128), 0)
SAYS(unsigned long long, udev_device_get_seqnum, 0, 0)
SAYS(struct udev_list_entry *, udev_device_get_devlinks_list_entry, NULL, NULL)
SAYS(struct udev_list_entry *, udev_device_get_properties_list_entry, NULL, NULL)
SAYS(struct udev_list_entry *, udev_device_get_tags_list_entry, NULL, NULL)
SAYS(unsigned long long, udev_device_get_usec_since_initialized, 0, 0)
SAYS(struct udev *, udev_device_get_udev, NULL, NULL)
SAYS(struct udev_list_entry *, udev_device_get_sysattr_list_entry, NULL, NULL)

EXPORT const char *udev_device_get_property_value(struct udev_device *of, const char *key) {
    NEXT(udev_device_get_property_value);
    return is_ours(of) ? NULL : next(of, key);
}

EXPORT const char *udev_device_get_sysattr_value(struct udev_device *of, const char *name) {
    NEXT(udev_device_get_sysattr_value);
    return is_ours(of) ? NULL : next(of, name);
}
