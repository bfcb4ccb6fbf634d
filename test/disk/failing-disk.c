/*
 * A disk that fails, for one process: LD_PRELOAD this. FAILING_DISK names a file with lines "OPERATION ERRNO"
 * (write, sync, read, open); while it has one, that operation fails on all files below the folder FAILING_DISK_FOLDER.
 * The file is read anew each time, so that a test can break and mend the disk as it likes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int (*real_open)(const char *, int, ...);

static int opened(const char *path, int flags, mode_t mode) {
  if (real_open == NULL) real_open = dlsym(RTLD_NEXT, "open64");
  return real_open(path, flags, mode);
}

static int below_folder(const char *path) {
  const char *folder = getenv("FAILING_DISK_FOLDER");
  return folder != NULL && strncmp(path, folder, strlen(folder)) == 0;
}

/* The errno that the operation is to fail with; 0: it works. */
static int failure(const char *operation) {
  const char *path = getenv("FAILING_DISK");
  if (path == NULL) return 0;
  int file = opened(path, O_RDONLY, 0);
  if (file < 0) return 0;
  char text[256] = {0};
  ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  if (got <= 0) return 0;
  for (char *rest, *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    char name[32];
    int code;
    if (sscanf(line, "%31s %d", name, &code) == 2 && strcmp(name, operation) == 0) return code;
  }
  return 0;
}

static int fails(const char *operation, int file) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return below_folder(path) ? failure(operation) : 0;
}

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (real == NULL) real = dlsym(RTLD_NEXT, name)

ssize_t pwrite64(int file, const void *from, size_t bytes, off64_t at) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  int code = fails("write", file);
  if (code == 0) return real(file, from, bytes, at);
  errno = code;
  return -1;
}

ssize_t pwrite(int file, const void *from, size_t bytes, off_t at) { return pwrite64(file, from, bytes, at); }

ssize_t pread64(int file, void *into, size_t bytes, off64_t at) {
  REAL(ssize_t, "pread64", int, void *, size_t, off64_t);
  int code = fails("read", file);
  if (code == 0) return real(file, into, bytes, at);
  errno = code;
  return -1;
}

ssize_t pread(int file, void *into, size_t bytes, off_t at) { return pread64(file, into, bytes, at); }

int fdatasync(int file) {
  REAL(int, "fdatasync", int);
  int code = fails("sync", file);
  if (code == 0) return real(file);
  errno = code;
  return -1;
}

int fsync(int file) {
  REAL(int, "fsync", int);
  int code = fails("sync", file);
  if (code == 0) return real(file);
  errno = code;
  return -1;
}

int open64(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  int code = below_folder(path) && (flags & O_ACCMODE) != O_RDONLY ? failure("open") : 0;
  if (code == 0) return opened(path, flags, mode);
  errno = code;
  return -1;
}
