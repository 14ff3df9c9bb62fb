/*
 * Copyright (c) 2026 the milter-sysuser authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */


/*
 * Calls that fail: linked into the programs in the place of these functions,
 * by ld --wrap, so that exactly our own calls come here.  The file "fault"
 * beside the program, which a test writes and all processes map, says of which
 * program the how manieth call fails, and how many after that; if only is not
 * empty, of that function.  So much later is it on the wall, too.
 *
 *	char program[16], only[24]; int64_t jump;
 *	uint32_t nth, times, count, fired, errno; char what[32];
 *	uint32_t as;
 *
 * nth 0: none; count goes on.  as is the errno, if not the one below.  The
 * Makefile takes the names from the lines that begin with FAIL or __wrap_.
 */

#include <sys/types.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <event.h>
#include <fcntl.h>
#include <grp.h>
#include <mntent.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct fault {
	char		 program[16];
	char		 only[24];
	int64_t		 jump;		/* s */
	uint32_t	 nth;
	uint32_t	 times;
	uint32_t	 count;
	uint32_t	 fired;
	int32_t		 error;
	char		 what[32];
	int32_t		 as;
};

static struct fault	*fault;

struct bpf_map;
struct bpf_object_skeleton;
struct bpf_program;

int	 __wrap_asprintf(char **, const char *, ...);
int	 __wrap_dprintf(int, const char *, ...);
int	 __wrap_fclose(FILE *);
int	 __real_fclose(FILE *);
int	 __wrap_clock_gettime(clockid_t, struct timespec *);
int	 __real_clock_gettime(clockid_t, struct timespec *);
long	 __wrap_syscall(long, long, long, long, long, long, long);
long	 __real_syscall(long, long, long, long, long, long, long);
time_t	 __wrap_time(time_t *);
time_t	 __real_time(time_t *);

/* True if this call is the one. */
static int
fails(const char *what, int error)
{
	uint32_t	 n;

	if (fault == NULL || strcmp(fault->program,
	    program_invocation_short_name) != 0 ||
	    (fault->only[0] != '\0' && strcmp(fault->only, what) != 0))
		return (0);
	n = __atomic_add_fetch(&fault->count, 1, __ATOMIC_SEQ_CST);
	if (fault->nth == 0 || n < fault->nth || n - fault->nth >= fault->times)
		return (0);
	if (fault->as != 0)
		error = fault->as;
	fault->fired++;
	fault->error = error;
	(void)strncpy(fault->what, what, sizeof(fault->what) - 1);
	errno = error;
	return (1);
}

/*
 * A function, what it returns then, and its errno.  Weak, for not all programs
 * have all libraries.
 */
#define FAIL(type, name, params, args, rv, error)			\
	type __real_##name params __attribute__((__weak__));		\
	type __wrap_##name params;					\
	type __wrap_##name params					\
	{								\
		if (fails(#name, error))				\
			return (rv);					\
		return (__real_##name args);				\
	}

FAIL(void *, malloc, (size_t n), (n), NULL, ENOMEM)
FAIL(void *, calloc, (size_t n, size_t m), (n, m), NULL, ENOMEM)
FAIL(void *, realloc, (void *p, size_t n), (p, n), NULL, ENOMEM)
FAIL(void *, reallocarray, (void *p, size_t n, size_t m), (p, n, m), NULL,
    ENOMEM)
FAIL(char *, strdup, (const char *s), (s), NULL, ENOMEM)
FAIL(char *, strndup, (const char *s, size_t n), (s, n), NULL, ENOMEM)
FAIL(int, vasprintf, (char **s, const char *f, va_list a), (s, f, a), -1,
    ENOMEM)
FAIL(FILE *, open_memstream, (char **s, size_t *n), (s, n), NULL, ENOMEM)
FAIL(struct event_base *, event_init, (void), (), NULL, EMFILE)
FAIL(int, event_add, (struct event *e, const struct timeval *t), (e, t), -1,
    ENOMEM)
FAIL(int, event_priority_init, (int n), (n), -1, ENOMEM)
FAIL(int, event_priority_set, (struct event *e, int n), (e, n), -1, EINVAL)
FAIL(int, pthread_create,
    (pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg),
    (t, a, f, arg), EAGAIN, EAGAIN)
FAIL(int, pthread_cond_init,
    (pthread_cond_t *c, const pthread_condattr_t *a), (c, a), ENOMEM, ENOMEM)

FAIL(int, socket, (int d, int t, int p), (d, t, p), -1, EMFILE)
FAIL(int, socketpair, (int d, int t, int p, int v[2]), (d, t, p, v), -1,
    EMFILE)
FAIL(int, bind, (int fd, const struct sockaddr *s, socklen_t n), (fd, s, n),
    -1, EADDRINUSE)
FAIL(int, listen, (int fd, int n), (fd, n), -1, EADDRINUSE)
FAIL(int, connect, (int fd, const struct sockaddr *s, socklen_t n), (fd, s, n),
    -1, ECONNREFUSED)
FAIL(int, accept, (int fd, struct sockaddr *s, socklen_t *n), (fd, s, n), -1,
    EMFILE)
FAIL(int, getsockname, (int fd, struct sockaddr *s, socklen_t *n), (fd, s, n),
    -1, ENOBUFS)
FAIL(int, setsockopt, (int fd, int l, int o, const void *p, socklen_t n),
    (fd, l, o, p, n), -1, ENOMEM)
FAIL(int, getpeereid, (int fd, uid_t *u, gid_t *g), (fd, u, g), -1, ENOTCONN)
FAIL(ssize_t, recv, (int fd, void *p, size_t n, int f), (fd, p, n, f), -1,
    ENOMEM)
FAIL(ssize_t, recvmsg, (int fd, struct msghdr *m, int f), (fd, m, f), -1,
    ENOMEM)
FAIL(ssize_t, send, (int fd, const void *p, size_t n, int f), (fd, p, n, f),
    -1, ENOBUFS)
FAIL(ssize_t, sendmsg, (int fd, const struct msghdr *m, int f), (fd, m, f), -1,
    ENOMEM)
FAIL(ssize_t, sendto, (int fd, const void *p, size_t n, int f,
    const struct sockaddr *s, socklen_t l), (fd, p, n, f, s, l), -1, ENOBUFS)
FAIL(int, poll, (struct pollfd *p, nfds_t n, int t), (p, n, t), -1, ENOMEM)

FAIL(int, dup, (int fd), (fd), -1, EMFILE)
FAIL(int, dup2, (int fd, int to), (fd, to), -1, EBUSY)
FAIL(int, pipe, (int v[2]), (v), -1, EMFILE)
FAIL(int, fcntl, (int fd, int c, long a), (fd, c, a), -1, EMFILE)
FAIL(int, open, (const char *s, int f, mode_t m), (s, f, m), -1, EMFILE)
FAIL(int, openat, (int fd, const char *s, int f, mode_t m), (fd, s, f, m), -1,
    EMFILE)
FAIL(int, open_by_handle_at, (int fd, struct file_handle *h, int f),
    (fd, h, f), -1, EMFILE)
FAIL(FILE *, fopen, (const char *s, const char *m), (s, m), NULL, EMFILE)
FAIL(FILE *, fdopen, (int fd, const char *m), (fd, m), NULL, ENOMEM)
FAIL(ssize_t, __getdelim, (char **s, size_t *n, int c, FILE *f), (s, n, c, f),
    -1, ENOMEM)
FAIL(char *, fgets, (char *s, int n, FILE *f), (s, n, f), NULL, EIO)
FAIL(FILE *, setmntent, (const char *s, const char *m), (s, m), NULL, EMFILE)
FAIL(int, open_tree, (int fd, const char *s, unsigned int f), (fd, s, f), -1,
    EPERM)
FAIL(DIR *, opendir, (const char *s), (s), NULL, EMFILE)
FAIL(ssize_t, getdents64, (int fd, void *p, size_t n), (fd, p, n), -1, ENOMEM)
FAIL(ssize_t, readlinkat, (int fd, const char *s, char *p, size_t n),
    (fd, s, p, n), -1, ENOMEM)
FAIL(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), -1, EIO)
FAIL(ssize_t, pread, (int fd, void *p, size_t n, off_t o), (fd, p, n, o), -1,
    EIO)
FAIL(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), -1, ENOSPC)
FAIL(int, fflush, (FILE *f), (f), EOF, ENOSPC)
FAIL(int, fsync, (int fd), (fd), -1, EIO)
FAIL(int, ftruncate, (int fd, off_t n), (fd, n), -1, EIO)
FAIL(off_t, lseek, (int fd, off_t n, int w), (fd, n, w), -1, EIO)
FAIL(int, flock, (int fd, int o), (fd, o), -1, ENOLCK)
FAIL(int, renameat, (int a, const char *s, int b, const char *t), (a, s, b, t),
    -1, ENOSPC)
FAIL(int, unlink, (const char *s), (s), -1, EROFS)
FAIL(int, unlinkat, (int fd, const char *s, int f), (fd, s, f), -1, EROFS)
FAIL(int, mkdir, (const char *s, mode_t m), (s, m), -1, ENOSPC)
FAIL(int, lchown, (const char *s, uid_t u, gid_t g), (s, u, g), -1, EROFS)
FAIL(int, stat, (const char *s, struct stat *st), (s, st), -1, ENOMEM)
FAIL(int, lstat, (const char *s, struct stat *st), (s, st), -1, ENOMEM)
FAIL(int, fstat, (int fd, struct stat *st), (fd, st), -1, ENOMEM)
FAIL(int, fstatat, (int fd, const char *s, struct stat *st, int f),
    (fd, s, st, f), -1, ENOMEM)
FAIL(int, statx,
    (int fd, const char *s, int f, unsigned int m, struct statx *st),
    (fd, s, f, m, st), -1, ENOMEM)
FAIL(int, fstatfs, (int fd, struct statfs *st), (fd, st), -1, ENOMEM)
FAIL(int, access, (const char *s, int m), (s, m), -1, ENOMEM)
FAIL(char *, realpath, (const char *s, char *p), (s, p), NULL, ENOMEM)
FAIL(char *, getcwd, (char *s, size_t n), (s, n), NULL, ENOMEM)

FAIL(pid_t, fork, (void), (), -1, EAGAIN)
FAIL(int, execve, (const char *s, char *const *a, char *const *e), (s, a, e),
    -1, ENOMEM)
FAIL(pid_t, waitpid, (pid_t p, int *s, int o), (p, s, o), -1, EINTR)
FAIL(int, shutdown, (int fd, int how), (fd, how), -1, ENOBUFS)
FAIL(pid_t, setsid, (void), (), -1, EPERM)
FAIL(int, chdir, (const char *s), (s), -1, EIO)
FAIL(int, chroot, (const char *s), (s), -1, EPERM)
FAIL(int, setgroups, (size_t n, const gid_t *g), (n, g), -1, EPERM)
FAIL(int, setresgid, (gid_t r, gid_t e, gid_t s), (r, e, s), -1, EAGAIN)
FAIL(int, setresuid, (uid_t r, uid_t e, uid_t s), (r, e, s), -1, EAGAIN)
FAIL(int, prctl,
    (int o, unsigned long a, unsigned long b, unsigned long c, unsigned long d),
    (o, a, b, c, d), -1, EPERM)
FAIL(cap_t, cap_init, (void), (), NULL, ENOMEM)
FAIL(cap_t, cap_get_proc, (void), (), NULL, ENOMEM)
FAIL(int, cap_set_proc, (cap_t c), (c), -1, EPERM)
FAIL(int, cap_drop_bound, (cap_value_t c), (c), -1, EPERM)
FAIL(int, getrlimit, (__rlimit_resource_t r, struct rlimit *l), (r, l), -1,
    EINVAL)
FAIL(int, setrlimit, (__rlimit_resource_t r, const struct rlimit *l), (r, l),
    -1, EPERM)
FAIL(scmp_filter_ctx, seccomp_init, (uint32_t a), (a), NULL, ENOMEM)
FAIL(int, seccomp_attr_set,
    (scmp_filter_ctx c, enum scmp_filter_attr a, uint32_t v), (c, a, v),
    -EINVAL, EINVAL)
FAIL(int, seccomp_rule_add_array, (scmp_filter_ctx c, uint32_t a, int n,
    unsigned int m, const struct scmp_arg_cmp *v), (c, a, n, m, v), -ENOMEM,
    ENOMEM)
FAIL(int, seccomp_rule_add,
    (scmp_filter_ctx c, uint32_t a, int n, unsigned int m), (c, a, n, m),
    -ENOMEM, ENOMEM)
FAIL(int, seccomp_load, (const scmp_filter_ctx c), (c), -EINVAL, EINVAL)
FAIL(struct passwd *, getpwnam, (const char *s), (s), NULL, EMFILE)
FAIL(struct group *, getgrnam, (const char *s), (s), NULL, EMFILE)
FAIL(int, getpwnam_r,
    (const char *s, struct passwd *p, char *b, size_t n, struct passwd **f),
    (s, p, b, n, f), (*f = NULL, EMFILE), EMFILE)
FAIL(int, getpwuid_r,
    (uid_t u, struct passwd *p, char *b, size_t n, struct passwd **f),
    (u, p, b, n, f), (*f = NULL, EMFILE), EMFILE)
FAIL(int, getgrnam_r,
    (const char *s, struct group *p, char *b, size_t n, struct group **f),
    (s, p, b, n, f), (*f = NULL, EMFILE), EMFILE)

FAIL(struct group *, getgrgid, (gid_t g), (g), NULL, EMFILE)
FAIL(int, getgrouplist, (const char *s, gid_t g, gid_t *l, int *n),
    (s, g, l, n), -1, ENOMEM)

/* Of libbpf's, those that the resolver's skeletons need, too. */
FAIL(int, bpf_object__open_skeleton,
    (struct bpf_object_skeleton *s, const void *o), (s, o), -ENOMEM, ENOMEM)
FAIL(int, bpf_object__load_skeleton, (struct bpf_object_skeleton *s), (s),
    -EPERM, EPERM)
FAIL(int, bpf_object__attach_skeleton, (struct bpf_object_skeleton *s), (s),
    -EINVAL, EINVAL)
FAIL(void *, bpf_program__attach_cgroup, (const struct bpf_program *p, int fd),
    (p, fd), NULL, EPERM)
FAIL(int, bpf_map_lookup_elem, (int fd, const void *k, void *v), (fd, k, v),
    -ENOMEM, ENOMEM)
FAIL(int, bpf_map_delete_elem, (int fd, const void *k), (fd, k), -ENOMEM,
    ENOMEM)
FAIL(int, bpf_map_get_next_key, (int fd, const void *k, void *n), (fd, k, n),
    -ENOMEM, ENOMEM)
FAIL(int, bpf_obj_get_info_by_fd, (int fd, void *i, uint32_t *n), (fd, i, n),
    -ENOMEM, ENOMEM)

/* And of libmilter's; MI_FAILURE is -1. */
FAIL(int, smfi_setpriv, (void *c, void *p), (c, p), -1, ENOMEM)
FAIL(int, smfi_setreply, (void *c, char *r, char *x, char *t), (c, r, x, t),
    -1, ENOMEM)
FAIL(int, smfi_insheader, (void *c, int i, char *n, char *v), (c, i, n, v), -1,
    ENOMEM)
FAIL(int, smfi_chgheader, (void *c, char *n, int i, char *v), (c, n, i, v), -1,
    ENOMEM)
FAIL(int, smfi_quarantine, (void *c, char *r), (c, r), -1, ENOMEM)
FAIL(int, smfi_setsymlist, (void *c, int w, char *l), (c, w, l), -1, ENOMEM)
FAIL(int, smfi_setconn, (char *s), (s), -1, ENOMEM)
FAIL(int, smfi_settimeout, (int n), (n), -1, ENOMEM)

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int	 rv = __real_clock_gettime(id, ts);

	if (fault != NULL && id == CLOCK_REALTIME)
		ts->tv_sec += fault->jump;
	return (rv);
}

time_t
__wrap_time(time_t *t)
{
	time_t	 now = __real_time(NULL) + (fault != NULL ? fault->jump : 0);

	if (t != NULL)
		*t = now;
	return (now);
}

/* Those that can fail, but have arguments without a name. */
int
__wrap_asprintf(char **s, const char *fmt, ...)
{
	va_list	 ap;
	int	 n;

	if (fails("asprintf", ENOMEM))
		return (-1);
	va_start(ap, fmt);
	n = __real_vasprintf(s, fmt, ap);
	va_end(ap);
	return (n);
}

int
__wrap_dprintf(int fd, const char *fmt, ...)
{
	va_list	 ap;
	int	 n;

	if (fails("dprintf", ENOSPC))
		return (-1);
	va_start(ap, fmt);
	n = vdprintf(fd, fmt, ap);
	va_end(ap);
	return (n);
}

/* Whatever it says, it is closed. */
int
__wrap_fclose(FILE *f)
{
	int	 rv = __real_fclose(f);

	return (fails("fclose", ENOSPC) ? EOF : rv);
}

long
__wrap_syscall(long n, long a, long b, long c, long d, long e, long f)
{
	if (fails("syscall", ENOSYS))
		return (-1);
	return (__real_syscall(n, a, b, c, d, e, f));
}

static void __attribute__((__constructor__))
begin(void)
{
	char	 path[4096], *slash;
	ssize_t	 n;
	int	 fd;
	void	*p;

	if ((n = readlink("/proc/self/exe", path, sizeof(path) - 8)) == -1)
		return;
	path[n] = '\0';
	if ((slash = strrchr(path, '/')) == NULL)
		return;
	(void)strcpy(slash, "/fault");
	if ((fd = __real_open(path, O_RDWR, 0)) == -1)
		return;
	p = mmap(NULL, sizeof(*fault), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	close(fd);
	if (p != MAP_FAILED)
		fault = p;
}
