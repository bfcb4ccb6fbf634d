/*
 * A disk that is slow to make things durable, for one process: LD_PRELOAD this, and SLOW_DISK names a file
 * that holds two numbers, the milliseconds that each synchronous write or sync takes besides, and how many KiB a
 * second it takes (0: as many as come). The file is read anew each time, so that a test can make the disk fast again.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define FILES 4096
static long unsynced[FILES];

static void slow_down(long bytes) {
  const char *path = getenv("SLOW_DISK");
  if (path == NULL) return;
  char text[64] = {0};
  int file = open(path, O_RDONLY);
  if (file < 0) return;
  ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  double ms = 0, kib = 0;
  if (got <= 0 || sscanf(text, "%lf %lf", &ms, &kib) != 2) return;
  double seconds = ms / 1000 + (kib > 0 ? bytes / 1024.0 / kib : 0);
  struct timespec pause = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
  nanosleep(&pause, NULL);
}

static void wrote(int file, ssize_t bytes) {
  if (bytes <= 0 || file < 0 || file >= FILES) return;
  if ((fcntl(file, F_GETFL) & O_DSYNC) != 0) slow_down(bytes);
  else unsynced[file] += bytes;
}

ssize_t pwrite64(int file, const void *from, size_t bytes, off64_t at) {
  static ssize_t (*real)(int, const void *, size_t, off64_t);
  if (real == NULL) real = dlsym(RTLD_NEXT, "pwrite64");
  ssize_t done = real(file, from, bytes, at);
  wrote(file, done);
  return done;
}

ssize_t pwrite(int file, const void *from, size_t bytes, off_t at) { return pwrite64(file, from, bytes, at); }

/* A number that another file had before: what was written to that one is none of its business. */
int open64(const char *path, int flags, ...) {
  static int (*real)(const char *, int, ...);
  if (real == NULL) real = dlsym(RTLD_NEXT, "open64");
  va_list more;
  va_start(more, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  int file = real(path, flags, mode);
  if (file >= 0 && file < FILES) unsynced[file] = 0;
  return file;
}

int fdatasync(int file) {
  static int (*real)(int);
  if (real == NULL) real = dlsym(RTLD_NEXT, "fdatasync");
  int result = real(file);
  if (file >= 0 && file < FILES) {
    slow_down(unsynced[file]);
    unsynced[file] = 0;
  }
  return result;
}
