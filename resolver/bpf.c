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
 * The connect-time record, as seen from outside of the kernel: connect.bpf.c
 * is loaded as root, and read ever after through descriptors that need no
 * capability.  The program goes when the last of them is closed, so nothing
 * is left behind by a resolver that dies.
 */

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include <arpa/inet.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "connect.h"
#include <connect.skel.h>	/* made by bpftool of connect.bpf.c */
#include "linux.h"
#include "linux_bpf.h"
#include "log.h"

#define NSEC		1000000000ULL
#define TIDY_USEC	60000000	/* between two looks at old sessions */
#define TIDY_COUNT	256		/* sessions in one look */
#define OLD_USEC	600000000ULL	/* nobody asks for the first time */

static struct {
	struct connect_bpf	*skel;		/* NULL: not loaded */
	char			 why[128];	/* not loaded */
	int			 hint;		/* cgroup.bpf.c is, instead */
	int			 said;		/* that, once */
	int			 watched;	/* something was, once */
	int			 preemptible;	/* programs are */
	uint64_t		 tick;		/* ns, of a clock tick */
	uint64_t		 missed;	/* events, when counted last */
	uint64_t		 since;		/* usec: no more were seen */
	uint64_t		 tidied;	/* usec */
	struct tuple		 last;		/* that was looked at */
} bpf;

static int	 quiet(enum libbpf_print_level, const char *, va_list);
static int	 load(void);
static void	 failed(const char *);
static int	 doubtful(const struct tuple *);
static int	 uncounted(const struct tuple *, const struct session *);
static int	 session_get(const struct conn_key *, struct tuple *,
		    struct session *);
static void	 record_set(struct record *, const struct session *);
static void	 tidy(void);
static void	 tidy_one(int, const struct tuple *);
static void	 tuple_get(struct endpoint *, const uint8_t[16], uint16_t);

/* What libbpf has to say goes to who debugs; why it failed is said once. */
static int
quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char	 line[512];

	if (level == LIBBPF_WARN) {
		(void)vsnprintf(line, sizeof(line), fmt, ap);
		line[strcspn(line, "\n")] = '\0';
		log_debug("%s", line);
	}
	return (0);
}

static void
failed(const char *what)
{
	(void)snprintf(bpf.why, sizeof(bpf.why), "%s: %s", what,
	    strerror(errno));
	connect_bpf__destroy(bpf.skel);
	bpf.skel = NULL;
}

static int
load(void)
{
	struct stat	 net, pid;

	if (stat("/proc/self/ns/net", &net) == -1 ||
	    stat("/proc/self/ns/pid", &pid) == -1) {
		failed("/proc/self/ns");
		return (-1);
	}
	if ((bpf.skel = connect_bpf__open()) == NULL) {
		failed("libbpf");
		return (-1);
	}
	bpf.skel->rodata->our_netns = net.st_ino;
	bpf.skel->rodata->our_pidns = pid.st_ino;
	if (connect_bpf__load(bpf.skel) != 0) {
		failed(access("/sys/kernel/btf/vmlinux", R_OK) == -1 ?
		    "the kernel has no BTF" : "the kernel takes no BPF");
		return (-1);
	}
	if (connect_bpf__attach(bpf.skel) != 0) {
		failed("BPF can't be attached");
		return (-1);
	}
	return (0);
}

/*
 * It records nothing before linux_watch() says which ports.  The descriptor
 * is of the root of control groups, or -1.
 */
void
bpf_open(int root)
{
	struct utsname	 uts;
	struct rlimit	 rl;

	bpf.preemptible = uname(&uts) == -1 || atoi(uts.release) >= 7 ||
	    strstr(uts.version, "PREEMPT_RT") != NULL;
	(void)libbpf_set_print(quiet);
	bpf.tick = NSEC / sysconf(_SC_CLK_TCK);
	/* It takes some 20, and the search must have some as well. */
	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_cur < 64)
		(void)snprintf(bpf.why, sizeof(bpf.why),
		    "no more than %llu descriptors",
		    (unsigned long long)rl.rlim_cur);
	else if (load() == 0)
		bpf.since = bpf.tidied = clock_usec(CLOCK_MONOTONIC);
	else if (root != -1 && bpf_cgroup_open(root) == 0)
		bpf.hint = 1;
}

/* True if all that a record can say is recorded. */
int
bpf_full(void)
{
	return (bpf.skel != NULL);
}

const char *
linux_watch(enum backend backend, const struct range *ports, size_t n)
{
	uint8_t		 map[PORTS_SIZE];
	uint32_t	 i;
	uint16_t	 port;

	if (backend == B_PROC)
		n = 0;
	bpf.watched |= n > 0;
	memset(map, 0, sizeof(map));
	for (; n > 0; n--, ports++)
		for (i = ports->lo; i <= ports->hi; i++) {
			port = htons(i);
			map[port / 8] |= 1U << port % 8;
		}
	if (bpf.skel != NULL)
		memcpy(bpf.skel->bss->ports, map, sizeof(map));
	bpf_cgroup_watch(map);
	if (backend == B_PROC || bpf.skel != NULL)
		return (NULL);
	if (bpf.hint && !bpf.said++)
		log_info("connect-time record: of open connections only (%s)",
		    bpf.why);
	return (bpf.hint ? NULL : bpf.why);
}

int
linux_record(const struct conn_key *key, struct record *record)
{
	struct tuple	 tuple;
	struct session	 session;
	int		 shared;

	if (bpf.skel == NULL || !bpf.watched)
		return (-1);
	if (clock_usec(CLOCK_MONOTONIC) - bpf.tidied > TIDY_USEC)
		tidy();
	if (session_get(key, &tuple, &session) == -1) {
		if (!doubtful(&tuple))
			return (-1);
		memset(&session, 0, sizeof(session));
		session.opened.lost = 1;
	}
	shared = session.others != 0 || uncounted(&tuple, &session);
	/* It is only counted: nobody knows more of it, nor was it lost. */
	if (session.opened.cookie == 0 && session.server != 0 && !shared &&
	    !session.opened.lost)
		return (-1);
	record_set(record, &session);
	record->shared = shared;
	return (0);
}

/* True if one that is not there may have been lost, at any time. */
static int
doubtful(const struct tuple *t)
{
	uint16_t	 port = t->server_port;

	return (bpf.skel->bss->doubts[tuple_hash(t)] != 0 &&
	    (bpf.skel->bss->served[port] != 0 ||
	    (bpf.skel->bss->ports[port / 8] & 1U << port % 8) != 0));
}

/* True if the MTA may have another end of this tuple, and ask about that. */
static int
uncounted(const struct tuple *t, const struct session *s)
{
	uint64_t	 doubt = bpf.skel->bss->doubts[tuple_hash(t)];

	return (doubt != 0 && s->since / 1000 <= doubt / 1000 + OLD_USEC);
}

static int
session_get(const struct conn_key *key, struct tuple *tuple,
    struct session *session)
{
	memset(tuple, 0, sizeof(*tuple));
	memcpy(tuple->client, key->client.addr, sizeof(tuple->client));
	memcpy(tuple->server, key->server.addr, sizeof(tuple->server));
	tuple->client_port = htons(key->client.port);
	tuple->server_port = htons(key->server.port);
	return (bpf_map_lookup_elem(bpf_map__fd(bpf.skel->maps.sessions),
	    tuple, session) == 0 ? 0 : -1);
}

static void
record_set(struct record *r, const struct session *s)
{
	const struct opened	*o = &s->opened;

	memset(r, 0, sizeof(*r));
	r->client = o->cookie;
	r->server = s->server;
	r->since = s->since / 1000;
	r->age = clock_usec(CLOCK_MONOTONIC) - r->since;
	tuple_get(&r->source, o->addr, o->port);
	tuple_get(&r->target, o->peer, o->peer_port);
	r->ours = o->ours;
	r->timely = s->timely != 0;
	r->again = o->again;
	r->lost = o->lost;
	r->uid = o->uid;
	r->login = o->login;
	r->cgroup = o->cgroup;
	r->opener.pid = o->pid;
	r->opener.uid = o->euid;
	r->opener.start = o->start / bpf.tick;
	r->opener.pidfd = o->pidfd_inode;
	r->opener.source = SRC_BPF;
	r->opener.opener = 1;
	r->opener.fd = -1;
	r->opener.exe = o->exe_inode;
	r->opener.exe_dev = makedev(o->exe_dev >> 20, o->exe_dev & 0xfffff);
	memcpy(r->program, o->program, sizeof(o->program));
}

/*
 * Where a tuple's lock was not to be had, an end of that tuple may be missing.
 * With PREEMPT_RT, and from Linux 7.0 on, that may be so whenever the kernel
 * had to skip the program, for no program runs within itself: it counts how
 * often.
 */
int
linux_complete(const struct conn_key *key, const struct record *r)
{
	struct tuple		 tuple;
	struct session		 s;
	struct bpf_prog_info	 info;
	uint32_t		 len = sizeof(info);

	if (session_get(key, &tuple, &s) == -1 || s.server != r->server ||
	    uncounted(&tuple, &s))
		return (0);
	if (!bpf.preemptible)
		return (1);
	memset(&info, 0, sizeof(info));
	if (bpf_obj_get_info_by_fd(
	    bpf_program__fd(bpf.skel->progs.session_again), &info, &len) != 0)
		return (0);
	if (info.recursion_misses != bpf.missed) {
		bpf.missed = info.recursion_misses;
		bpf.since = clock_usec(CLOCK_MONOTONIC);
	}
	return (s.since / 1000 > bpf.since);
}

/*
 * A session whose end was missed would stay for ever.  So now and then some
 * of them are looked at.
 */
static void
tidy(void)
{
	struct tuple	 list[TIDY_COUNT];
	int		 fd = bpf_map__fd(bpf.skel->maps.sessions), i, n;

	bpf.tidied = clock_usec(CLOCK_MONOTONIC);
	/* From where it ended; after a key that has gone: from the first. */
	for (n = 0; n < TIDY_COUNT; n++, bpf.last = list[n - 1])
		if (bpf_map_get_next_key(fd, &bpf.last, &list[n]) != 0)
			break;
	if (n < TIDY_COUNT)
		memset(&bpf.last, 0, sizeof(bpf.last));
	for (i = 0; i < n; i++)
		tidy_one(fd, &list[i]);
}

static void
tidy_one(int fd, const struct tuple *tuple)
{
	struct conn_key	 server;
	struct session	 s, gone;
	struct sock	 sock;

	if (bpf_map_lookup_elem(fd, tuple, &s) != 0 ||
	    bpf.tidied - s.since / 1000 < OLD_USEC)
		return;
	tuple_get(&server.server, tuple->client, tuple->client_port);
	tuple_get(&server.client, tuple->server, tuple->server_port);
	os_native.sock(&server, &sock);
	if (s.server != 0 && sock.cookie == s.server)
		return;
	/* One that has come meanwhile is not to be missed. */
	if (bpf_map_lookup_and_delete_elem(fd, tuple, &gone) == 0 &&
	    gone.since != s.since)
		bpf.skel->bss->doubts[tuple_hash(tuple)] =
		    clock_usec(CLOCK_MONOTONIC) * 1000;
}

static void
tuple_get(struct endpoint *end, const uint8_t addr[16], uint16_t port)
{
	memcpy(end->addr, addr, sizeof(end->addr));
	end->port = ntohs(port);
}
