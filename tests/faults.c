/* Has the disk fail: while the file `write` or `sync` stands in $AVOW_FAULTS, whatever writes to the store's files or asks
 * for them to be on the disk gets EIO. Loaded before the C library; the relay is left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char faults[512];

__attribute__((constructor)) static void begin(void) {
    const char *directory = getenv("AVOW_FAULTS");
    char line[4096] = {0};
    int file = open("/proc/self/cmdline", O_RDONLY);
    ssize_t length = file < 0 ? 0 : read(file, line, sizeof line - 1);
    if (file >= 0) close(file);
    size_t program = strlen(line) + 1;
    int relay = length > (ssize_t)program && strcmp(line + program, "relay") == 0;
    if (directory && !relay) snprintf(faults, sizeof faults, "%s", directory);
}

static int fails(int fd, const char *what) {
    char path[640], target[1024];
    if (!faults[0]) return 0;
    snprintf(path, sizeof path, "%s/%s", faults, what);
    if (access(path, F_OK) != 0) return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length <= 0) return 0;
    target[length] = 0;
    if (!strstr(target, "/avow.db")) return 0;
    /* Says that it was asked, so that a test knows that a fault was met. */
    snprintf(path, sizeof path, "%s/met", faults);
    int met = open(path, O_CREAT | O_WRONLY, 0600);
    if (met >= 0) close(met);
    errno = EIO;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t size) { return fails(fd, "write") ? -1 : REAL(write)(fd, bytes, size); }
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return fails(fd, "write") ? -1 : REAL(pwrite)(fd, bytes, size, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) { return fails(fd, "write") ? -1 : REAL(pwrite64)(fd, bytes, size, at); }
int ftruncate(int fd, off_t size) { return fails(fd, "write") ? -1 : REAL(ftruncate)(fd, size); }
int ftruncate64(int fd, off64_t size) { return fails(fd, "write") ? -1 : REAL(ftruncate64)(fd, size); }
int fsync(int fd) { return fails(fd, "sync") ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails(fd, "sync") ? -1 : REAL(fdatasync)(fd); }
