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
 * SOURCES: common/answer.c common/caps_linux.c common/log.c
 * SOURCES: common/privdrop.c common/sandbox_linux.c common/wire.c
 * SOURCES: common/xtext.c common/addr.c common/chan.c common/msgtab.c
 * LIBS: -lseccomp -lpthread
 *
 * Who stands in each sandbox and tries what it must not do.
 *
 * Each attempt is made twice for each process: with the rights of the process
 * alone, and in its sandbox.  The table says what comes of the second; where
 * it is the sandbox that stops it, something else must come of the first, or
 * the attempt would prove nothing.
 */

#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/sockios.h>
#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sysuser.h"

#define NOBODY		65534
#define DAEMON		1

/* What comes of an attempt: 0, an errno, or one of these. */
#define KILLED		1000		/* by the sandbox */
#define STRANGE		1001		/* any other end */
#define ANY		1002		/* not told: depends on the system */
#define D(result)	(0x10000 | (result))	/* perhaps without it, too */
#define RESULT(expect)	((expect) & 0xffff)

enum { EVERYWHERE, EMPTY, PROC };

/* Who tries. */
static const struct subject {
	enum role	 role;
	uint32_t	(*sandbox)(void);
	uid_t		 uid;		/* 0: stays root */
	int		 keep;
	int		 where;
} subjects[] = {
	{ ROLE_PARENT, sandbox_parent, 0, KEEP_NOTHING, EVERYWHERE },
	{ ROLE_RESOLVER, sandbox_resolver, DAEMON, KEEP_INSPECT, PROC },
	{ ROLE_NAMES, sandbox_names, NOBODY, KEEP_NOTHING, EVERYWHERE },
	{ ROLE_CONTROL, sandbox_control, NOBODY, KEEP_NOTHING, EMPTY },
	{ ROLE_WORKER, sandbox_milterd, NOBODY, KEEP_NOTHING, EMPTY }
};

/* What it has from before, as a mistake of ours or an intruder's gift. */
static struct {
	int		 root;		/* the directory / */
	int		 program;	/* /bin/true */
	int		 world;		/* our network namespace */
	int		 pidfd;		/* of the victim */
	int		 tcp, udp;	/* sockets that are not connected */
	int		 local;		/* a datagram socket of AF_UNIX */
	int		 shared;	/* one that listens */
} gift;

static char			 open_dir[64];	/* anybody may write there */
static char			 empty_dir[80];
static char			 open_file[80];	/* and this one */
static pid_t			 self, victim;
static struct sockaddr_in	 listener;
static struct sockaddr_un	 receiver;
static socklen_t		 receiver_len;
static struct sockaddr_un	 server = { .sun_family = AF_UNIX };
static int			 tests, failures;

/*
 * The attempts.  Each returns what a system call does; where that is nonsense,
 * so that it does no harm, what the kernel says of nonsense counts as success.
 */

static int
or_error(long rv, int one, int other)
{
	return (rv != -1 || errno == one || errno == other ? 0 : -1);
}

static int
try_open(void)
{
	return (openat(AT_FDCWD, "/etc/passwd", O_RDONLY));
}

static int
try_shadow(void)
{
	return (openat(AT_FDCWD, "/etc/shadow", O_RDONLY));
}

static int
try_create(void)
{
	char	 path[128];
	int	 fd;

	(void)signal(SIGXFSZ, SIG_IGN);
	(void)snprintf(path, sizeof(path), "%s/%ld", open_dir,
	    (long)getpid());
	if ((fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT, 0600)) == -1)
		return (-1);
	return (write(fd, "x", 1) == 1 ? 0 : -1);
}

static int
try_write(void)
{
	return (openat(AT_FDCWD, open_file, O_RDWR));
}

static int
try_truncate(void)
{
	return (truncate(open_file, 0));
}

/* The right to read is enough for that, if nobody looks. */
static int
try_open_empty(void)
{
	return (openat(AT_FDCWD, open_file, O_RDONLY | O_TRUNC));
}

static int
try_mkdir(void)
{
	char	 path[128];

	(void)snprintf(path, sizeof(path), "%s/dir%ld", open_dir,
	    (long)getpid());
	return (mkdirat(AT_FDCWD, path, 0700));
}

static int
try_symlink(void)
{
	char	 path[128];

	(void)snprintf(path, sizeof(path), "%s/link%ld", open_dir,
	    (long)getpid());
	return (symlinkat("/etc/passwd", AT_FDCWD, path));
}

static int
try_read_file(void)
{
	return (openat(AT_FDCWD, open_file, O_RDONLY));
}

/* A server of names, as nscd(8) is one. */
static int
try_connect_local(void)
{
	return (connect(gift.local, (struct sockaddr *)&server,
	    sizeof(server)));
}

/* A module's own end of such a connection may need a name. */
static int
try_bind_local(void)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/own%ld",
	    open_dir, (long)getpid());
	if (bind(gift.local, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		return (-1);
	return (unlink(sun.sun_path));
}

static int
try_unlink(void)
{
	return (or_error(unlinkat(AT_FDCWD, "/nowhere/x", 0), ENOENT, 0));
}

static int
try_passed_directory(void)
{
	return (openat(gift.root, "etc/passwd", O_RDONLY));
}

static int
try_fchdir(void)
{
	return (fchdir(gift.root));
}

static int
try_chroot(void)
{
	return (chroot("."));
}

/* Below /proc, wherever that is. */
static int
open_proc(pid_t pid, const char *file, int flags)
{
	char	 path[128];
	int	 fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file);
	fd = openat(AT_FDCWD, path, flags);
	if (fd == -1 && errno == ENOENT)
		fd = openat(AT_FDCWD, path + strlen("/proc"), flags);
	return (fd);
}

static int
try_proc_status(void)
{
	return (open_proc(victim, "status", O_RDONLY));
}

static int
try_proc_environ(void)
{
	return (open_proc(self, "environ", O_RDONLY));
}

static int
try_proc_root(void)
{
	return (open_proc(self, "root/etc/shadow", O_RDONLY));
}

static int
try_proc_memory(void)
{
	return (open_proc(victim, "mem", O_RDWR));
}

static int
try_socket(void)
{
	return (socket(AF_INET, SOCK_STREAM, 0));
}

static int
try_raw_socket(void)
{
	return (socket(AF_INET, SOCK_RAW, IPPROTO_TCP));
}

static int
try_netlink(void)
{
	return (socket(AF_NETLINK, SOCK_RAW, 0));
}

static int
try_connect(void)
{
	return (connect(gift.tcp, (struct sockaddr *)&listener,
	    sizeof(listener)));
}

static int
try_bind(void)
{
	struct sockaddr_in	 sin = { .sin_family = AF_INET };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return (bind(gift.tcp, (struct sockaddr *)&sin, sizeof(sin)));
}

static int
try_sendto(void)
{
	return (sendto(gift.udp, "x", 1, 0, (struct sockaddr *)&listener,
	    sizeof(listener)));
}

/* Where to is in memory: seccomp does not see it, landlock does. */
static int
try_abstract(void)
{
	char		 byte = 'x';
	struct iovec	 iov = { &byte, 1 };
	struct msghdr	 mh = { .msg_name = &receiver,
			    .msg_namelen = receiver_len,
			    .msg_iov = &iov, .msg_iovlen = 1 };

	return (sendmsg(gift.local, &mh, MSG_DONTWAIT));
}

static int
try_shutdown(void)
{
	return (or_error(shutdown(gift.shared, SHUT_RDWR), ENOTCONN, 0));
}

static int
try_blocking(void)
{
	return (fcntl(gift.shared, F_SETFL, 0));
}

static int
try_short_queue(void)
{
	return (listen(gift.shared, 0));
}

static int
try_option(void)
{
	int	 on = 1;

	return (setsockopt(gift.shared, SOL_SOCKET, SO_LOCK_FILTER, &on,
	    sizeof(on)));
}

static int
try_ioctl(void)
{
	int	 n;

	return (or_error(ioctl(gift.shared, FIONREAD, &n), EINVAL, 0));
}

static int
try_exec(void)
{
	char	*argv[] = { NULL, NULL };

	argv[0] = empty_dir;
	return (or_error(execve("/nowhere/x", argv, NULL), ENOENT, 0));
}

static int
try_exec_passed(void)
{
	char	*argv[] = { NULL, NULL };

	argv[0] = empty_dir;
	return (syscall(SYS_execveat, gift.program, "", argv, NULL,
	    AT_EMPTY_PATH));
}

static int
try_fork(void)
{
	pid_t	 pid = fork();

	if (pid == 0)
		_exit(0);
	return (pid == -1 ? -1 : 0);
}

static void *
thread(void *arg)
{
	return (arg);
}

static int
try_thread(void)
{
	pthread_t	 t;

	errno = pthread_create(&t, NULL, thread, NULL);
	return (errno == 0 ? 0 : -1);
}

/* It would be root there. */
static int
try_clone_user(void)
{
	long	 pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return (pid == -1 ? -1 : 0);
}

static int
try_clone3(void)
{
	return (or_error(syscall(SYS_clone3, NULL, 0), EINVAL, 0));
}

static int
try_unshare(void)
{
	return (unshare(CLONE_NEWUSER));
}

static int
try_setns(void)
{
	return (setns(gift.world, 0));
}

static int
try_ptrace(void)
{
	return (ptrace(PTRACE_SEIZE, victim, NULL, NULL) == -1 ? -1 : 0);
}

static int
try_vm_read(void)
{
	char		 byte;
	struct iovec	 here = { &byte, 1 }, there = { &tests, 1 };

	return (process_vm_readv(victim, &here, 1, &there, 1, 0));
}

static int
try_vm_write(void)
{
	char		 byte = 0;
	struct iovec	 here = { &byte, 1 }, there = { &tests, 1 };

	return (process_vm_writev(victim, &here, 1, &there, 1, 0));
}

static int
try_kill(void)
{
	return (kill(victim, 0));
}

static int
try_kill_root(void)
{
	return (kill(self, 0));
}

static int
try_tgkill(void)
{
	return (syscall(SYS_tgkill, victim, victim, 0));
}

static int
try_tgkill_self(void)
{
	return (syscall(SYS_tgkill, getpid(), gettid(), 0));
}

static int
try_sigqueue(void)
{
	siginfo_t	 si = { .si_code = SI_QUEUE };

	return (syscall(SYS_rt_sigqueueinfo, victim, 0, &si));
}

static int
try_pidfd_signal(void)
{
	return (syscall(SYS_pidfd_send_signal, gift.pidfd, 0, NULL, 0));
}

static int
try_pidfd_getfd(void)
{
	return (syscall(SYS_pidfd_getfd, gift.pidfd, 0, 0));
}

/* Who owns a descriptor gets a signal when there is something to read. */
static int
try_owner(void)
{
	return (fcntl(gift.local, F_SETOWN, victim));
}

static int
try_owner_ex(void)
{
	const struct f_owner_ex	 owner = { F_OWNER_PID, victim };

	return (fcntl(gift.local, F_SETOWN_EX, &owner));
}

static int
try_owner_signal(void)
{
	return (fcntl(gift.local, F_SETSIG, SIGKILL));
}

static int
try_owner_ioctl(void)
{
	return (ioctl(gift.local, FIOSETOWN, &victim));
}

static int
try_group_ioctl(void)
{
	return (ioctl(gift.local, SIOCSPGRP, &victim));
}

static int
try_limit_other(void)
{
	const struct rlimit	 rl = { 100, 100 };

	return (prlimit(victim, RLIMIT_SIGPENDING, &rl, NULL));
}

static int
try_priority_other(void)
{
	return (setpriority(PRIO_PROCESS, victim, 5));
}

static int
try_core(void)
{
	const struct rlimit	 rl = { 1, 1 };

	return (setrlimit(RLIMIT_CORE, &rl));
}

static int
try_setuid(void)
{
	return (syscall(SYS_setuid, 0));
}

static int
try_setresuid(void)
{
	return (syscall(SYS_setresuid, 0, 0, 0));
}

static int
try_setgroups(void)
{
	const gid_t	 none = 0;

	return (syscall(SYS_setgroups, 1, &none));
}

static int
try_mount(void)
{
	return (mount("none", "/nowhere", "tmpfs", 0, NULL));
}

static int
try_umount(void)
{
	return (umount2("/nowhere", 0));
}

static int
try_pivot_root(void)
{
	return (syscall(SYS_pivot_root, "/nowhere", "/nowhere"));
}

static int
try_open_tree(void)
{
	return (syscall(SYS_open_tree, gift.root, "", AT_EMPTY_PATH));
}

static int
try_mknod(void)
{
	char	 path[128];

	(void)snprintf(path, sizeof(path), "%s/fifo%ld", open_dir,
	    (long)getpid());
	return (syscall(SYS_mknodat, AT_FDCWD, path, S_IFIFO | 0600, 0));
}

static int
try_bpf_map(void)
{
	union bpf_attr	 attr = { .map_type = BPF_MAP_TYPE_ARRAY,
			    .key_size = 4, .value_size = 4,
			    .max_entries = 1 };

	return (syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int
try_bpf_lookup(void)
{
	union bpf_attr	 attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = -1;
	return (or_error(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr,
	    sizeof(attr)), EBADF, EPERM));
}

static int
try_open_handle(void)
{
	struct file_handle	 fh = { .handle_bytes = 0 };

	return (open_by_handle_at(gift.root, &fh, O_RDWR));
}

static int
try_keyring(void)
{
	return (syscall(SYS_keyctl, 0, -4, 0, 0, 0) == -1 ? -1 : 0);
}

static int
try_add_key(void)
{
	return (syscall(SYS_add_key, "user", NULL, NULL, 0, 0) == -1 ? -1 : 0);
}

static int
try_io_uring(void)
{
	char	 params[256] = "";

	return (syscall(SYS_io_uring_setup, 1, params));
}

static int
try_perf(void)
{
	struct perf_event_attr	 attr = { .size = sizeof(attr),
				    .type = PERF_TYPE_SOFTWARE,
				    .config = PERF_COUNT_SW_DUMMY,
				    .exclude_kernel = 1 };

	return (syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static int
try_userfaultfd(void)
{
	return (syscall(SYS_userfaultfd, 1));
}

static int
try_module(void)
{
	return (syscall(SYS_finit_module, gift.root, "", 0));
}

/* Without the magic numbers. */
static int
try_reboot(void)
{
	return (syscall(SYS_reboot, 0, 0, 0, NULL));
}

static int
try_swap(void)
{
	return (swapon("/nowhere", 0));
}

/* To no time at all. */
static int
try_clock(void)
{
	return (syscall(SYS_clock_settime, CLOCK_REALTIME, NULL));
}

/* How long it is. */
static int
try_kernel_log(void)
{
	return (syscall(SYS_syslog, 10, NULL, 0));
}

static int
try_code(void)
{
	return (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
}

static int
try_make_code(void)
{
	void	*p;

	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0);
	return (p == MAP_FAILED ? -1 : mprotect(p, 4096, PROT_READ |
	    PROT_EXEC));
}

static int
try_memory_file(void)
{
	return (memfd_create("x", 0));
}

static int
try_lock_memory(void)
{
	static char	 page[8192];

	return (mlock(page, sizeof(page)));
}

/*
 * Of parent, resolver, names, control and worker.  The parent is root, and may
 * what a parent needs; the resolver reads what it can, wherever that is, and
 * names does what NSS may want.  SECURITY says what that comes to.
 */
static const struct attempt {
	const char	*what;
	int		(*try)(void);
	int		 expect[NITEMS(subjects)];
} attempts[] = {
	{ "open a file", try_open,
	    { 0, D(ENOENT), 0, EACCES, EACCES } },
	{ "open /etc/shadow", try_shadow,
	    { 0, D(ENOENT), D(EACCES), EACCES, EACCES } },
	{ "create a file", try_create,
	    { 0, ENOSYS, EACCES, EACCES, EACCES } },
	{ "write a file", try_write,
	    { 0, ENOSYS, EACCES, EACCES, EACCES } },
	{ "truncate a file", try_truncate,
	    { 0, ENOSYS, EACCES, ENOSYS, ENOSYS } },
	{ "truncate a file, and read it", try_open_empty,
	    { 0, ENOSYS, EACCES, EACCES, EACCES } },
	{ "make a directory", try_mkdir,
	    { 0, ENOSYS, EACCES, ENOSYS, ENOSYS } },
	{ "make a symbolic link", try_symlink,
	    { 0, ENOSYS, EACCES, ENOSYS, ENOSYS } },
	{ "read a file", try_read_file,
	    { 0, D(ENOENT), 0, EACCES, EACCES } },
	{ "connect to a local server", try_connect_local,
	    { 0, EACCES, 0, EACCES, EACCES } },
	{ "bind a local socket, and remove it", try_bind_local,
	    { 0, EACCES, 0, EACCES, EACCES } },
	{ "delete a file", try_unlink,
	    { 0, ENOSYS, 0, ENOSYS, ENOSYS } },
	{ "open a file in a passed directory", try_passed_directory,
	    { 0, 0, 0, EACCES, EACCES } },
	{ "leave the chroot by a passed directory", try_fchdir,
	    { 0, ENOSYS, 0, ENOSYS, ENOSYS } },
	{ "leave the chroot by another", try_chroot,
	    { 0, KILLED, KILLED, KILLED, KILLED } },
	{ "open another's /proc/PID/status", try_proc_status,
	    { 0, 0, 0, EACCES, EACCES } },
	{ "open root's /proc/PID/environ", try_proc_environ,
	    { 0, 0, D(EACCES), EACCES, EACCES } },
	{ "open /etc/shadow by /proc/PID/root", try_proc_root,
	    { 0, 0, D(EACCES), EACCES, EACCES } },
	{ "write another's /proc/PID/mem", try_proc_memory,
	    { 0, ENOSYS, D(EACCES), EACCES, EACCES } },
	{ "make a socket", try_socket,
	    { 0, EACCES, 0, EACCES, EACCES } },
	{ "make a raw socket", try_raw_socket,
	    { D(EPERM), EACCES, D(EPERM), EACCES, EACCES } },
	{ "make a netlink socket", try_netlink,
	    { 0, EACCES, 0, EACCES, EACCES } },
	{ "connect a passed socket", try_connect,
	    { 0, EACCES, 0, EACCES, EACCES } },
	{ "bind a passed socket", try_bind,
	    { 0, EACCES, 0, EACCES, EACCES } },
	{ "send to somebody else", try_sendto,
	    { 0, ENOSYS, 0, ENOSYS, ENOSYS } },
	{ "send to an abstract socket", try_abstract,
	    { 0, 0, 0, EPERM, EPERM } },
	{ "shut a shared socket", try_shutdown,
	    { 0, ENOSYS, 0, ENOSYS, ENOSYS } },
	{ "make a shared socket block", try_blocking,
	    { 0, ENOSYS, 0, ENOSYS, ENOSYS } },
	{ "make a shared socket's queue shorter", try_short_queue,
	    { 0, ENOSYS, 0, ENOSYS, ENOSYS } },
	{ "set an option of a shared socket", try_option,
	    { 0, ENOSYS, 0, ENOSYS, ENOSYS } },
	{ "ioctl", try_ioctl,
	    { 0, ENOSYS, 0, ENOSYS, ENOSYS } },
	{ "run a program", try_exec,
	    { 0, KILLED, EPERM, KILLED, KILLED } },
	{ "run a program that was passed", try_exec_passed,
	    { 0, KILLED, EPERM, KILLED, KILLED } },
	{ "fork", try_fork,
	    { 0, ENOSYS, 0, ENOSYS, ENOSYS } },
	{ "make a thread", try_thread,
	    { 0, 0, 0, ENOSYS, 0 } },
	{ "clone into a user namespace", try_clone_user,
	    { KILLED, ENOSYS, KILLED, ENOSYS, ENOSYS } },
	{ "clone3", try_clone3,
	    { ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS } },
	{ "unshare", try_unshare,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "setns", try_setns,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "ptrace", try_ptrace,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "read another's memory", try_vm_read,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "write another's memory", try_vm_write,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "kill one of the same uid", try_kill,
	    { 0, EPERM, EPERM, EPERM, EPERM } },
	{ "kill one of root's", try_kill_root,
	    { 0, D(EPERM), D(EPERM), D(EPERM), D(EPERM) } },
	{ "tgkill one of the same uid", try_tgkill,
	    { 0, ENOSYS, EPERM, ENOSYS, ENOSYS } },
	{ "tgkill itself", try_tgkill_self,
	    { 0, 0, 0, 0, 0 } },
	{ "queue a signal", try_sigqueue,
	    { 0, ENOSYS, EPERM, ENOSYS, ENOSYS } },
	{ "signal by a passed pidfd", try_pidfd_signal,
	    { 0, ENOSYS, EPERM, ENOSYS, ENOSYS } },
	{ "signal by a descriptor's owner", try_owner,
	    { 0, ENOSYS, EPERM, ENOSYS, ENOSYS } },
	{ "signal by a descriptor's owner, F_SETOWN_EX", try_owner_ex,
	    { 0, ENOSYS, EPERM, ENOSYS, ENOSYS } },
	{ "choose that signal", try_owner_signal,
	    { 0, ENOSYS, EPERM, ENOSYS, ENOSYS } },
	{ "signal by a descriptor's owner, ioctl", try_owner_ioctl,
	    { 0, ENOSYS, EPERM, ENOSYS, ENOSYS } },
	{ "signal by a descriptor's group, ioctl", try_group_ioctl,
	    { 0, ENOSYS, EPERM, ENOSYS, ENOSYS } },
	{ "take a descriptor by a passed pidfd", try_pidfd_getfd,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "set another's limit", try_limit_other,
	    { ANY, ENOSYS, EPERM, ENOSYS, ENOSYS } },
	{ "set another's priority", try_priority_other,
	    { ANY, ENOSYS, EPERM, ENOSYS, ENOSYS } },
	{ "allow a core", try_core,
	    { ANY, ENOSYS, D(EPERM), ENOSYS, ENOSYS } },
	{ "setuid", try_setuid,
	    { 0, ENOSYS, D(EPERM), ENOSYS, ENOSYS } },
	{ "setresuid", try_setresuid,
	    { 0, ENOSYS, D(EPERM), ENOSYS, ENOSYS } },
	{ "setgroups", try_setgroups,
	    { 0, ENOSYS, D(EPERM), ENOSYS, ENOSYS } },
	{ "mount", try_mount,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "umount", try_umount,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "pivot_root", try_pivot_root,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "open_tree", try_open_tree,
	    { 0, KILLED, KILLED, KILLED, KILLED } },
	{ "mknod", try_mknod,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "make a BPF map", try_bpf_map,
	    { ANY, ENOSYS, KILLED, KILLED, KILLED } },
	{ "look something up in a BPF map", try_bpf_lookup,
	    { ANY, 0, KILLED, KILLED, KILLED } },
	{ "open by a handle, to write", try_open_handle,
	    { ANY, ENOSYS, KILLED, KILLED, KILLED } },
	{ "use a keyring", try_keyring,
	    { ANY, KILLED, EPERM, KILLED, KILLED } },
	{ "add a key", try_add_key,
	    { ANY, KILLED, EPERM, KILLED, KILLED } },
	{ "io_uring", try_io_uring,
	    { ANY, KILLED, D(EPERM), KILLED, KILLED } },
	{ "perf_event_open", try_perf,
	    { ANY, KILLED, D(EPERM), KILLED, KILLED } },
	{ "userfaultfd", try_userfaultfd,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "load a module", try_module,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "reboot", try_reboot,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "swap", try_swap,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "set the clock", try_clock,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "read the kernel's log", try_kernel_log,
	    { KILLED, KILLED, KILLED, KILLED, KILLED } },
	{ "map memory as code", try_code,
	    { 0, ENOSYS, 0, ENOSYS, ENOSYS } },
	{ "make code of memory", try_make_code,
	    { 0, ENOSYS, 0, ENOSYS, ENOSYS } },
	{ "make a file in memory", try_memory_file,
	    { 0, ENOSYS, 0, ENOSYS, ENOSYS } },
	{ "lock memory", try_lock_memory,
	    { ANY, ENOSYS, D(EPERM), ENOSYS, ENOSYS } }
};

/*
 * Trying.
 */

static int
must(int rv, const char *what)
{
	if (rv == -1)
		err(1, "%s", what);
	return (rv);
}

static void
gifts(void)
{
	struct sockaddr_un	 none = { .sun_family = AF_UNIX };
	int			 type = SOCK_STREAM | SOCK_NONBLOCK;

	gift.root = must(open("/", O_RDONLY | O_DIRECTORY), "/");
	gift.program = must(open("/bin/true", O_RDONLY), "/bin/true");
	gift.world = must(open("/proc/self/ns/net", O_RDONLY), "namespace");
	gift.pidfd = must(syscall(SYS_pidfd_open, victim, 0), "pidfd_open");
	gift.tcp = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
	gift.udp = must(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	gift.local = must(socket(AF_UNIX, SOCK_DGRAM, 0), "socket");
	gift.shared = must(socket(AF_UNIX, type, 0), "socket");
	must(bind(gift.shared, (struct sockaddr *)&none,
	    sizeof(none.sun_family)), "bind");
	must(listen(gift.shared, 1), "listen");
}

static void
drop(const struct subject *s)
{
	if (s->uid == 0)
		return;
	privdrop(s->uid, s->uid, s->where == PROC ? "/proc" :
	    s->where == EMPTY ? empty_dir : NULL, s->keep);
}

/* In a process of its own: says what protects it, and what came of it. */
static void
attempt(const struct subject *s, int (*try)(void), int confined, int out)
{
	uint32_t	 bits = 0;
	int		 result = 0;

	/* With a log that is a file it would have to write it. */
	must(dup2(must(open("/dev/null", O_RDWR), "/dev/null"),
	    STDERR_FILENO), "dup2");
	gifts();
	drop(s);
	if (confined)
		bits = s->sandbox();
	if (write(out, &bits, sizeof(bits)) != sizeof(bits))
		_exit(1);
	errno = 0;
	if (try != NULL && try() == -1)
		result = errno;
	_exit(write(out, &result, sizeof(result)) != sizeof(result));
}

/* What came of it; bits of enum protection are in *bits. */
static int
outcome(const struct subject *s, int (*try)(void), int confined,
    uint32_t *bits)
{
	int	 pair[2], status, result = 0;
	ssize_t	 n;
	pid_t	 pid;

	must(pipe2(pair, O_CLOEXEC), "pipe");
	if ((pid = must(fork(), "fork")) == 0)
		attempt(s, try, confined, pair[1]);
	close(pair[1]);
	n = read(pair[0], bits, sizeof(*bits));
	if (n == sizeof(*bits))
		(void)!read(pair[0], &result, sizeof(result));
	close(pair[0]);
	must(waitpid(pid, &status, 0), "waitpid");
	if (n != sizeof(*bits))
		return (STRANGE);
	if (WIFSIGNALED(status))
		return (WTERMSIG(status) == SIGSYS ? KILLED : STRANGE);
	/* It has run the program if it did not say anything. */
	return (WEXITSTATUS(status) == 0 ? result : STRANGE);
}

static const char *
result_name(int result)
{
	return (result == 0 ? "done" : result == KILLED ? "killed" :
	    result == STRANGE ? "a strange end" : strerrorname_np(result));
}

static void
check(const struct subject *s, const struct attempt *a, int expect)
{
	uint32_t	 bits;
	int		 bare = outcome(s, a->try, 0, &bits);
	int		 got = outcome(s, a->try, 1, &bits);
	int		 good = got == RESULT(expect);

	if (expect == ANY)
		good = got != STRANGE;
	else if (expect == RESULT(expect) && expect != 0)
		good &= bare != got;
	failures += !good;
	printf("%sok %d - %s: %s: %s\n", good ? "" : "not ", ++tests,
	    role_names[s->role], a->what, result_name(got));
	if (!good)
		printf("# expected: %s; without the sandbox: %s\n",
		    expect == ANY ? "anything" : result_name(RESULT(expect)),
		    result_name(bare));
}

/* One of that uid, as the other processes are: nobody may look into it. */
static pid_t
victim_new(uid_t uid)
{
	pid_t	 pid;
	char	 byte;
	int	 pair[2];

	must(pipe(pair), "pipe");
	if ((pid = must(fork(), "fork")) == 0) {
		close(pair[0]);
		if (uid != 0)
			privdrop(uid, uid, NULL, KEEP_NOTHING);
		if (write(pair[1], "x", 1) == 1)
			for (;;)
				(void)pause();
		_exit(1);
	}
	close(pair[1]);
	if (read(pair[0], &byte, 1) != 1)
		errx(1, "no victim");
	close(pair[0]);
	return (pid);
}

/* Does this system know all that is meant for it? */
static int
complete(const struct subject *s, uint32_t *missing)
{
	uint32_t	 bits;

	if (outcome(s, NULL, 1, &bits) != 0)
		errx(1, "%s: the sandbox does not work", role_names[s->role]);
	/* privdrop() is asked for these by its tests. */
	bits |= 1U << PROT_CHROOT | 1U << PROT_CAPS;
	*missing = sandbox_meant(s->role) & ~bits;
	return (*missing == 0);
}

static void
subject(size_t n)
{
	const struct subject	*s = &subjects[n];
	uint32_t		 missing;
	size_t			 i;

	victim = victim_new(s->uid);
	if (!complete(s, &missing))
		printf("ok %d # SKIP %s: this system lacks protections "
		    "(%#x)\n", ++tests, role_names[s->role], missing);
	else
		for (i = 0; i < NITEMS(attempts); i++)
			check(s, &attempts[i], attempts[i].expect[n]);
	(void)kill(victim, SIGKILL);
	(void)waitpid(victim, NULL, 0);
	victim = 0;
}

static void
sockets(void)
{
	socklen_t	 len = sizeof(listener);
	int		 fd;

	listener.sin_family = AF_INET;
	listener.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	must(bind(fd, (struct sockaddr *)&listener, len), "bind");
	must(listen(fd, 64), "listen");
	must(getsockname(fd, (struct sockaddr *)&listener, &len), "bind");

	receiver.sun_family = AF_UNIX;
	receiver_len = sizeof(receiver);
	fd = must(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	must(bind(fd, (struct sockaddr *)&receiver,
	    sizeof(receiver.sun_family)), "bind");
	must(getsockname(fd, (struct sockaddr *)&receiver, &receiver_len),
	    "bind");

	(void)snprintf(server.sun_path, sizeof(server.sun_path), "%s/server",
	    open_dir);
	fd = must(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	must(bind(fd, (struct sockaddr *)&server, sizeof(server)), "bind");
	must(chmod(server.sun_path, 0666), server.sun_path);
}

static void
files(void)
{
	(void)snprintf(empty_dir, sizeof(empty_dir), "%s/empty", open_dir);
	must(mkdir(empty_dir, 0755), empty_dir);
	must(chmod(empty_dir, 0755), empty_dir);
	/* Not sticky, or the kernel would keep others from its files itself. */
	must(chmod(open_dir, 0777), open_dir);
	(void)snprintf(open_file, sizeof(open_file), "%s/file", open_dir);
	close(must(open(open_file, O_WRONLY | O_CREAT, 0666), open_file));
	must(chmod(open_file, 0666), open_file);
}

static void
clean_up(void)
{
	pid_t	 pid;

	if (getpid() != self)
		return;
	if (victim != 0)
		(void)kill(victim, SIGKILL);
	if ((pid = fork()) == 0) {
		(void)execlp("rm", "rm", "-rf", open_dir, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
}

int
main(void)
{
	size_t	 i;

	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root: the processes drop it\n");
		return (0);
	}
	self = getpid();
	log_init("sandbox", -1, 0);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)strlcpy(open_dir, "/tmp/milter-sysuser.XXXXXX",
	    sizeof(open_dir));
	if (mkdtemp(open_dir) == NULL)
		err(1, "%s", open_dir);
	(void)atexit(clean_up);
	files();
	sockets();
	for (i = 0; i < NITEMS(subjects); i++)
		subject(i);
	printf("1..%d\n", tests);
	return (failures > 0);
}
