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
 * What a process can do no more once it has all it needs: seccomp(2),
 * landlock(7), setrlimit(2).  privdrop() and caps_linux.c took its rights
 * before.  Each of the routines is called once, after START and before the
 * first thread, for the kernel binds the calling thread and those that it
 * makes.
 *
 * Of system calls, what is not listed answers ENOSYS, so that a new libc falls
 * back to what older kernels know; what only an intruder calls ends the
 * process.
 */

#include <sys/types.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/bpf.h>
#include <linux/sockios.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sysuser.h"

#define BIT(p)		(1U << (p))
#define ANY_CHILD	(BIT(PROT_CAPS) | BIT(PROT_PRIVS) | BIT(PROT_CORE) | \
			    BIT(PROT_LIMITS) | BIT(PROT_CALLS))
#define NO_FILES	(BIT(PROT_CHROOT) | BIT(PROT_FILES) | \
			    BIT(PROT_NET) | BIT(PROT_SCOPE))

/* A system call, and what must be true of its arguments, all of it. */
struct call {
	const char		*name;
	unsigned int		 n;
	struct scmp_arg_cmp	 when[2];
};
#define IS(arg, value)	{ arg, SCMP_CMP_MASKED_EQ, UINT32_MAX, value }
#define HAS(arg, bits)	{ arg, SCMP_CMP_MASKED_EQ, bits, bits }
#define LACKS(arg, bits) { arg, SCMP_CMP_MASKED_EQ, bits, 0 }
#define ZERO(arg)	{ arg, SCMP_CMP_EQ, 0, 0 }
#define END		{ NULL, 0, { ZERO(0) } }

#define WRITING		(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)

/*
 * Of libc, libevent and our channels: all children with an allow-list have
 * these.  Names that this architecture does not know are passed over.
 */
static const char *const basic[] = {
	"brk", "clock_getres", "clock_gettime", "clock_gettime64",
	"clock_nanosleep", "clock_nanosleep_time64", "close", "dup", "dup2",
	"dup3", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait",
	"exit", "exit_group", "fstat", "fstat64", "futex", "futex_time64",
	"getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32",
	"getpid", "getppid", "getrandom", "getrlimit", "gettid",
	"gettimeofday", "getuid", "getuid32", "madvise", "mremap", "munmap",
	"nanosleep", "poll", "ppoll", "ppoll_time64", "read", "readv",
	"recv", "recvfrom", "recvmsg", "restart_syscall", "rseq",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
	"sched_getaffinity", "sched_yield", "send", "sendmsg",
	"set_robust_list", "sigaltstack", "sigreturn", "time", "ugetrlimit",
	"write", "writev", NULL
};

/*
 * No memory becomes code, limits are read only, nothing is sent but to the
 * other end.  What is shared stays non-blocking: where a worker blocks in
 * accept(2) it holds libmilter's lock.
 */
static const struct call basic_if[] = {
	{ "mmap", 1, { LACKS(2, PROT_EXEC) } },
	{ "mmap2", 1, { LACKS(2, PROT_EXEC) } },
	{ "mprotect", 1, { LACKS(2, PROT_EXEC) } },
	{ "fcntl", 1, { IS(1, F_DUPFD_CLOEXEC) } },
	{ "fcntl", 1, { IS(1, F_GETFD) } },
	{ "fcntl", 1, { IS(1, F_SETFD) } },
	{ "fcntl", 1, { IS(1, F_GETFL) } },
	{ "fcntl", 2, { IS(1, F_SETFL), HAS(2, O_NONBLOCK) } },
	{ "fcntl64", 1, { IS(1, F_DUPFD_CLOEXEC) } },
	{ "fcntl64", 1, { IS(1, F_GETFD) } },
	{ "fcntl64", 1, { IS(1, F_SETFD) } },
	{ "fcntl64", 1, { IS(1, F_GETFL) } },
	{ "fcntl64", 2, { IS(1, F_SETFL), HAS(2, O_NONBLOCK) } },
	{ "newfstatat", 1, { HAS(3, AT_EMPTY_PATH) } },
	{ "fstatat64", 1, { HAS(3, AT_EMPTY_PATH) } },
	{ "sendto", 1, { ZERO(4) } },
	{ "prlimit64", 2, { IS(0, 0), ZERO(2) } },
	END
};

/* To its clients, and to libmilter's, who share one listening socket. */
static const char *const milterd[] = {
	"accept", "accept4", "pipe", "pipe2", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", NULL
};
static const struct call milterd_if[] = {
	/* Nor does it get a shorter queue than libmilter wants, SOMAXCONN. */
	{ "listen", 1, { { 1, SCMP_CMP_GE, 128, 0 } } },
	{ "setsockopt", 2, { IS(1, SOL_SOCKET), IS(2, SO_KEEPALIVE) } },
	END
};

static const char *const control[] = { "accept", "accept4", NULL };
static const struct call control_if[] = {
	{ "getsockopt", 2, { IS(1, SOL_SOCKET), IS(2, SO_PEERCRED) } },
	END
};

/* Reading, below /proc and of control groups; records made by the kernel. */
static const char *const resolver[] = {
	"_llseek", "fstatfs", "fstatfs64", "getdents64", "lseek",
	"name_to_handle_at", "pidfd_open", "pread64", "readlinkat",
	"recvmmsg", "recvmmsg_time64", "statx", NULL
};
static const struct call resolver_if[] = {
	{ "openat", 1, { LACKS(2, WRITING) } },
	{ "open_by_handle_at", 1, { LACKS(2, WRITING) } },
	{ "newfstatat", 0, { ZERO(0) } },
	{ "fstatat64", 0, { ZERO(0) } },
	{ "bpf", 1, { IS(0, BPF_MAP_LOOKUP_ELEM) } },
	{ "bpf", 1, { IS(0, BPF_MAP_DELETE_ELEM) } },
	{ "bpf", 1, { IS(0, BPF_MAP_GET_NEXT_KEY) } },
	{ "bpf", 1, { IS(0, BPF_OBJ_GET_INFO_BY_FD) } },
	END
};

/* What libc tries, and does without. */
static const char *const refused[] = {
	"access", "bind", "connect", "creat", "faccessat", "faccessat2",
	"lstat", "open", "openat2", "readlink", "socket", "stat", NULL
};
static const char *const no_open[] = { "openat", NULL };
static const char *const unkind[] = { "kill", "tkill", NULL };

static const unsigned int worlds[] = {
	CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
	CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET
};

/*
 * Only an intruder, in any of us.  The parent refuses it as well, and with
 * that all its children from the start.
 */
static const char *const nobody[] = {
	"_sysctl", "acct", "adjtimex", "clock_adjtime", "clock_adjtime64",
	"clock_settime", "clock_settime64", "delete_module", "fanotify_init",
	"finit_module", "fsconfig", "fsmount", "fsopen", "fspick",
	"init_module", "ioperm", "iopl", "kexec_file_load", "kexec_load",
	"lookup_dcookie", "mknod", "mknodat", "mount", "mount_setattr",
	"move_mount", "nfsservctl", "pidfd_getfd", "pivot_root",
	"process_madvise", "process_vm_readv", "process_vm_writev", "ptrace",
	"quotactl", "quotactl_fd", "reboot", "setdomainname", "sethostname",
	"setns", "settimeofday", "stime", "swapoff", "swapon", "syslog",
	"umount", "umount2", "unshare", "uselib", "userfaultfd", "vhangup",
	NULL
};

/* Nor anybody who has all he needs. */
static const char *const no_child[] = {
	"add_key", "chroot", "execve", "execveat", "io_uring_enter",
	"io_uring_register", "io_uring_setup", "kcmp", "keyctl",
	"modify_ldt", "open_tree", "perf_event_open", "request_key", NULL
};
static const char *const no_reader[] = {
	"bpf", "name_to_handle_at", "open_by_handle_at", NULL
};

/*
 * NSS may need anything but this.  Libraries look for keyrings, and do without;
 * and no other process is ended, nor one begun.
 */
static const char *const no_names[] = {
	"bpf", "chroot", "name_to_handle_at", "open_by_handle_at",
	"open_tree", NULL
};
static const char *const names_refused[] = {
	"add_key", "execve", "execveat", "io_uring_setup", "ioprio_set",
	"keyctl", "kill", "migrate_pages", "move_pages", "perf_event_open",
	"pidfd_send_signal", "process_mrelease", "request_key",
	"rt_sigqueueinfo", "rt_tgsigqueueinfo", "sched_setaffinity",
	"sched_setattr", "sched_setparam", "sched_setscheduler",
	"setpriority", "tkill", NULL
};

/* Nor by making it the owner of a descriptor, who is sent any signal. */
static const struct call names_refused_if[] = {
	{ "fcntl", 1, { IS(1, F_SETOWN) } },
	{ "fcntl", 1, { IS(1, F_SETOWN_EX) } },
	{ "fcntl", 1, { IS(1, F_SETSIG) } },
	{ "fcntl64", 1, { IS(1, F_SETOWN) } },
	{ "fcntl64", 1, { IS(1, F_SETOWN_EX) } },
	{ "fcntl64", 1, { IS(1, F_SETSIG) } },
	{ "ioctl", 1, { IS(1, FIOSETOWN) } },
	{ "ioctl", 1, { IS(1, SIOCSPGRP) } },
	END
};

/*
 * seccomp.
 */

/* A name that is not known here is no failure; without a filter nothing is. */
static void
calls(scmp_filter_ctx f, uint32_t action, const char *const *names)
{
	int	 number, error;

	for (; f != NULL && *names != NULL; names++) {
		number = seccomp_syscall_resolve_name(*names);
		if (number == __NR_SCMP_ERROR)
			continue;
		error = seccomp_rule_add(f, action, number, 0);
		if (error != 0)
			fatalx("seccomp: %s: %s", *names, strerror(-error));
	}
}

static void
call_if(scmp_filter_ctx f, uint32_t action, const struct call *c)
{
	int	 number = seccomp_syscall_resolve_name(c->name), error;

	if (f == NULL || number == __NR_SCMP_ERROR)
		return;
	error = seccomp_rule_add_array(f, action, number, c->n, c->when);
	if (error != 0)
		fatalx("seccomp: %s: %s", c->name, strerror(-error));
}

static void
calls_if(scmp_filter_ctx f, uint32_t action, const struct call *c)
{
	for (; c->name != NULL; c++)
		call_if(f, action, c);
}

/* clone(2) has its flags in another place on s390. */
static unsigned int
clone_flags(void)
{
	return (seccomp_arch_native() == SCMP_ARCH_S390X ? 1 : 0);
}

/* Threads but not processes, and no namespaces. */
static void
threads(scmp_filter_ctx f)
{
	struct call	 c = { "clone", 1, {
		HAS(clone_flags(), CLONE_THREAD)
	} };
	size_t		 i;

	for (i = 0; i < NITEMS(worlds); i++)
		c.when[0].datum_a |= worlds[i];
	call_if(f, SCMP_ACT_ALLOW, &c);
}

/*
 * Processes, but no namespaces.  What clone3(2) would do can't be seen; libc
 * does without.
 */
static void
no_worlds(scmp_filter_ctx f)
{
	static const char *const	 unseen[] = { "clone3", NULL };
	struct call			 c = { "clone", 1, { ZERO(0) } };
	size_t				 i;

	calls(f, SCMP_ACT_ERRNO(ENOSYS), unseen);
	for (i = 0; i < NITEMS(worlds); i++) {
		c.when[0] = (struct scmp_arg_cmp)HAS(clone_flags(), worlds[i]);
		call_if(f, SCMP_ACT_KILL_PROCESS, &c);
	}
}

/* Signals for ourselves: abort(3) and the threads' own. */
static void
own_signals(scmp_filter_ctx f)
{
	const struct call	 c = { "tgkill", 1, { IS(0, getpid()) } };

	call_if(f, SCMP_ACT_ALLOW, &c);
}

/* Returns NULL where the kernel has no filters that can do what ours do. */
static scmp_filter_ctx
filter(uint32_t otherwise)
{
	scmp_filter_ctx	 f;
	int		 error;

	if ((f = seccomp_init(otherwise)) == NULL)
		fatalx("seccomp: no filter");
	/* Other architectures' calls have other numbers: nobody's. */
	error = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
	if (error != 0) {
		log_debug("seccomp: %s", strerror(-error));
		seccomp_release(f);
		return (NULL);
	}
	return (f);
}

/* Put it in force.  Returns the bit of it, or 0. */
static uint32_t
load(scmp_filter_ctx f)
{
	int	 error;

	if (f == NULL)
		return (0);
	if ((error = seccomp_load(f)) != 0)
		log_debug("seccomp: %s", strerror(-error));
	seccomp_release(f);
	return (error == 0 ? BIT(PROT_CALLS) : 0);
}

/* What all children with an allow-list may call. */
static scmp_filter_ctx
allow_list(const char *const *names, const struct call *list)
{
	scmp_filter_ctx	 f = filter(SCMP_ACT_ERRNO(ENOSYS));

	calls(f, SCMP_ACT_ALLOW, basic);
	calls_if(f, SCMP_ACT_ALLOW, basic_if);
	calls(f, SCMP_ACT_ALLOW, names);
	calls_if(f, SCMP_ACT_ALLOW, list);
	own_signals(f);
	calls(f, SCMP_ACT_KILL_PROCESS, nobody);
	calls(f, SCMP_ACT_KILL_PROCESS, no_child);
	calls(f, SCMP_ACT_ERRNO(EACCES), refused);
	calls(f, SCMP_ACT_ERRNO(EPERM), unkind);
	return (f);
}

/*
 * landlock.  Only the newest headers have all of it.
 */

struct ruleset {
	uint64_t	 files, net, scopes;
};
#define LANDLOCK_VERSION	1		/* flag: which one is it? */
#define TCP_BIND_CONNECT	3
#define SCOPE_ABSTRACT		1
#define SCOPE_SIGNAL		2

/*
 * Not to run, read and list, which NSS is there for; to remove and make a
 * socket, as a module may for its end of a connection; to control a device.
 */
#define NOT_WRITING		(1 << 0 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 9 | \
				    1 << 15)

/* Rights that the kernel knows of: so many bits. */
static uint64_t
file_rights(int abi)
{
	int	 bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;

	return (((uint64_t)1 << bits) - 1);
}

/*
 * From now on none of this, as far as the kernel knows it.  Returns the
 * version that it has, or 0.
 */
static int
landlock(struct ruleset r)
{
	size_t	 size = sizeof(r.files);
	int	 abi, fd, error;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
	if (abi < 1)
		return (0);
	r.files &= file_rights(abi);
	if (abi >= 4)
		size += sizeof(r.net);
	if (abi >= 6)
		size += sizeof(r.scopes);
	if ((fd = syscall(SYS_landlock_create_ruleset, &r, size, 0)) == -1)
		return (0);
	error = syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return (error == 0 ? abi : 0);
}

/* No file, no TCP, nobody else's signals and abstract sockets. */
static uint32_t
no_files(void)
{
	const struct ruleset	 r = { UINT64_MAX, TCP_BIND_CONNECT,
				    SCOPE_ABSTRACT | SCOPE_SIGNAL };
	int			 abi = landlock(r);

	return ((abi >= 1 ? BIT(PROT_FILES) : 0) |
	    (abi >= 4 ? BIT(PROT_NET) : 0) | (abi >= 6 ? BIT(PROT_SCOPE) : 0));
}

/*
 * No file is written, made or emptied, which the limit of its size does not
 * see to: memory may be mapped from a file.  And no signals.  Before version
 * 3 files can be emptied, so that this is not all of it.
 */
static uint32_t
no_writing(void)
{
	const struct ruleset	 r = { ~(uint64_t)NOT_WRITING, 0,
				    SCOPE_SIGNAL };
	int			 abi = landlock(r);

	return ((abi >= 3 ? BIT(PROT_FILES) : 0) |
	    (abi >= 6 ? BIT(PROT_SCOPE) : 0));
}

/*
 * Limits, and what was done before.
 */

static int
limit(int what, rlim_t most)
{
	const struct rlimit	 rl = { most, most };

	return (setrlimit(what, &rl) == 0);
}

/* Our memory is nobody's to see: neither a debugger's nor a file's. */
static uint32_t
no_core(void)
{
	return (limit(RLIMIT_CORE, 0) &&
	    prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) == 0 ? BIT(PROT_CORE) : 0);
}

/* With -d the log may be a file, the one that we write to. */
static uint32_t
limits(void)
{
	struct stat	 st;
	int		 good;

	good = limit(RLIMIT_MEMLOCK, 0) && limit(RLIMIT_MSGQUEUE, 0);
	if (fstat(STDERR_FILENO, &st) == -1 || !S_ISREG(st.st_mode))
		good &= limit(RLIMIT_FSIZE, 0);
	return (good ? BIT(PROT_LIMITS) : 0);
}

/* In any process: seccomp and landlock want it, too. */
static uint32_t
no_new_privs(void)
{
	return (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0 ?
	    BIT(PROT_PRIVS) : 0);
}

static uint32_t
child(void)
{
	return (no_new_privs() | no_core() | limits());
}

/*
 * The processes.
 */

/*
 * Before the first child, so that all of them have the same: what the parent
 * can't do and its rights are theirs, too, and none needs more.
 */
uint32_t
sandbox_parent(void)
{
	scmp_filter_ctx	 f = filter(SCMP_ACT_ALLOW);
	uint32_t	 bits = caps_parent() | no_new_privs() | no_core();

	calls(f, SCMP_ACT_KILL_PROCESS, nobody);
	no_worlds(f);
	return (bits | load(f));
}

/*
 * No landlock: it would take the right to look at other processes away, which
 * /proc asks for.
 */
uint32_t
sandbox_resolver(void)
{
	scmp_filter_ctx	 f = allow_list(resolver, resolver_if);
	uint32_t	 bits = child();

	threads(f);
	return (bits | load(f));
}

/* Modules of NSS may be anything. */
uint32_t
sandbox_names(void)
{
	scmp_filter_ctx		 f = filter(SCMP_ACT_ALLOW);
	const struct call	 signal = { "tgkill", 1, {
		{ 0, SCMP_CMP_NE, getpid(), 0 }
	} };
	const struct call	 others = { "prlimit64", 1, {
		{ 0, SCMP_CMP_NE, 0, 0 }
	} };
	uint32_t		 bits = child() | no_writing();

	calls(f, SCMP_ACT_KILL_PROCESS, nobody);
	calls(f, SCMP_ACT_KILL_PROCESS, no_names);
	no_worlds(f);
	calls(f, SCMP_ACT_ERRNO(EPERM), names_refused);
	calls_if(f, SCMP_ACT_ERRNO(EPERM), names_refused_if);
	call_if(f, SCMP_ACT_ERRNO(EPERM), &signal);
	call_if(f, SCMP_ACT_ERRNO(EPERM), &others);
	return (bits | load(f));
}

uint32_t
sandbox_control(void)
{
	scmp_filter_ctx	 f = allow_list(control, control_if);
	uint32_t	 bits = child() | no_files();

	calls(f, SCMP_ACT_KILL_PROCESS, no_reader);
	calls(f, SCMP_ACT_ERRNO(EACCES), no_open);
	return (bits | load(f));
}

uint32_t
sandbox_milterd(void)
{
	scmp_filter_ctx	 f = allow_list(milterd, milterd_if);
	uint32_t	 bits = child() | no_files();

	calls(f, SCMP_ACT_KILL_PROCESS, no_reader);
	calls(f, SCMP_ACT_ERRNO(EACCES), no_open);
	threads(f);
	return (bits | load(f));
}

/* What there is for a process, if the system has it all. */
uint32_t
sandbox_meant(enum role role)
{
	switch (role) {
	case ROLE_PARENT:
		return (BIT(PROT_CAPS) | BIT(PROT_PRIVS) | BIT(PROT_CORE) |
		    BIT(PROT_CALLS));
	case ROLE_RESOLVER:
		return (ANY_CHILD);
	case ROLE_NAMES:
		return (ANY_CHILD | BIT(PROT_FILES) | BIT(PROT_SCOPE));
	default:
		return (ANY_CHILD | NO_FILES);
	}
}
