/*
 * A clock that a test can set, for one process: LD_PRELOAD this, and SET_CLOCK names a file of eight bytes, the
 * milliseconds by which the wall clock is wrong, as a little-endian integer. Monotonic time stays as it is. The file is
 * mapped, so that a change is seen at once and asking the time costs nothing more.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t offset_ms(void) {
  static const volatile int64_t *shared;
  static int tried;
  if (!tried) {
    tried = 1;
    const char *path = getenv("SET_CLOCK");
    int file = path == NULL ? -1 : open(path, O_RDONLY);
    if (file >= 0) {
      void *mapped = mmap(NULL, sizeof *shared, PROT_READ, MAP_SHARED, file, 0);
      if (mapped != MAP_FAILED) shared = mapped;
      close(file);
    }
  }
  return shared == NULL ? 0 : *shared;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  static int (*real)(clockid_t, struct timespec *);
  if (real == NULL) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, time);
  if (result != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
  int64_t ns = (int64_t)time->tv_nsec + (offset_ms() % 1000) * 1000000;
  time->tv_sec += offset_ms() / 1000;
  if (ns < 0) ns += 1000000000, time->tv_sec--;
  if (ns >= 1000000000) ns -= 1000000000, time->tv_sec++;
  time->tv_nsec = ns;
  return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *into) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (into != NULL) *into = now.tv_sec;
  return now.tv_sec;
}
