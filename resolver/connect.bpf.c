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
 * The connect-time record.  It runs in the kernel, and must not be wrong:
 *
 * 1. A process calls connect(2), to a port that is watched: who it is is
 *    written beside its socket (opened).  Nobody can push that out.
 * 2. Its end is established: the record waits (waiting) for the other end,
 *    under the initial sequence numbers of both, 64 bits together; addresses
 *    and ports may be rewritten on the way and network namespaces changed,
 *    they stay.
 * 3. The MTA's end is established, microseconds later: what waits under its
 *    sequence numbers is who connected to it, and becomes the record of this
 *    session (sessions), which lives as long as the MTA has its end open,
 *    whatever the client does.
 *
 * So the one table that users fill as they like (waiting) is needed for
 * microseconds, or as long as the MTA's queue is full; a session costs one of
 * the connections that the MTA accepts.  Where a table is full or an event is
 * lost there is a record that says so (others, lost), or a doubt.  Who has been
 * pushed out of waiting is still counted (marks): else he could choose to be
 * who the kernel's tables say, which is not always him.
 *
 * The sequence numbers find a record but don't prove it.  Whoever is connected
 * to knows them, and can choose one; and the kernel chooses the next ones of a
 * tuple by rule, so that another can begin with the same.  So the record has
 * the client's addresses and ports as well, and how far its clock is ahead of
 * ours, which is a secret of the kernel for each pair of addresses, or of
 * these and ports (RFC 7323, 7.1): what counts of these is for owner.c to say.
 *
 * The kernel skips a program where it interrupted the same one, which it does
 * once at most: softirq a process, with preemption off in both.  So what can
 * be skipped is attached twice, and says the same if it runs twice.  Where
 * processes can be preempted there, more can come between: linux_complete().
 *
 * tcp_input.c and inet_connection_sock.c of Linux say when which field is
 * set; the structures have just the members that are used, which the loader
 * finds in the running kernel (CO-RE).
 */

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "connect.h"

#define KERNEL		__attribute__((preserve_access_index))
#define PROTO_TCP	6
#define FAMILY_INET	2
#define FAMILY_INET6	10
#define NO_LOGIN	4294967295U
#define TRIES		1000		/* some 10 us */
#define ROUNDS		100		/* of these: nobody has it as long */
#define NSEC_PER_MSEC	1000000
#define NSEC_PER_SEC	1000000000ULL
#define LATE		10		/* ms, on the way to the MTA */
#define MARKS_BITS	20
#define CROWDED		(600 * NSEC_PER_SEC)	/* no handshake lasts so long */

#define PIDNS_DEPTH	32

enum { ESTABLISHED = 1, SYN_SENT = 2, SYN_RECV = 3, CLOSED = 7 };

struct ns_common { unsigned int inum; } KERNEL;
struct net { struct ns_common ns; } KERNEL;
typedef struct { struct net *net; } possible_net_t;
struct in6_addr { __u8 s6_addr[16]; };
typedef struct { __u32 val; } kuid_t;

struct sock_common {
	__be32			 skc_daddr, skc_rcv_saddr;
	__be16			 skc_dport;
	__u16			 skc_num;
	unsigned short		 skc_family;
	possible_net_t		 skc_net;
	struct in6_addr		 skc_v6_daddr, skc_v6_rcv_saddr;
} KERNEL;
struct sock {
	struct sock_common	 __sk_common;
	__u16			 sk_protocol;
	kuid_t			 sk_uid;
	struct socket		*sk_socket;
} KERNEL;
struct tcp_options_received {
	int			 ts_recent_stamp;
	__u32			 rcv_tsval;
	__u16			 saw_tstamp : 1;
} KERNEL;
struct tcp_sock {
	__u32			 rcv_nxt, snd_una, write_seq, tsoffset;
	struct tcp_options_received rx_opt;
} KERNEL;

struct super_block { __u32 s_dev; } KERNEL;
struct inode { unsigned long i_ino; struct super_block *i_sb; } KERNEL;
struct file { struct inode *f_inode; } KERNEL;
struct mm_struct { struct file *exe_file; } KERNEL;
struct cred { kuid_t euid; } KERNEL;
struct pid_namespace { struct ns_common ns; } KERNEL;
struct upid { int nr; struct pid_namespace *ns; } KERNEL;
struct pid { unsigned int level; __u64 ino; struct upid numbers[1]; } KERNEL;
struct task_struct {
	__u64			 start_boottime;
	struct task_struct	*group_leader;
	struct pid		*thread_pid;
	struct mm_struct	*mm;
	const struct cred	*cred;
	kuid_t			 loginuid;
} KERNEL;

/* What stands beside the client's end: the record, and where it waits. */
struct client {
	struct opened	 opened;
	struct isns	 isns;
	__u64		 counted;	/* in marks */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct client);
} opened SEC(".maps");

/* Who fills what memory his socket may have finds no place there: by cookie. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct client);
} elsewhere SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct isns);
	__type(value, struct opened);
} waiting SEC(".maps");

/*
 * Clients whose end is open, by some bits of their sequence numbers: how many,
 * below the sum of 32 other bits of each.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << MARKS_BITS);
	__type(key, __u32);
	__type(value, __u64);
} marks SEC(".maps");

/* Of the MTA's end of a session: where it is counted. */
struct end {
	struct tuple	 tuple;
	__u64		 first;		/* of the session; later ones differ */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct end);
} accepted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct tuple);
	__type(value, struct session);
} sessions SEC(".maps");

/* If anybody was there; when it was full last, as CLOCK_MONOTONIC in ns. */
__u64			 anybody_elsewhere, crowded;

/* Of tuples, and when one was not to be had, likewise. */
__u32			 locks[TUPLE_LOCKS];
__u64			 doubts[TUPLE_LOCKS];

/* Of the MTA's ends, in network order: where a recorded one was seen. */
__u8			 served[65536];

/* Set by bpf.c: a bit for each port, in network order, and our namespaces. */
__u8			 ports[65536 / 8];
const volatile __u32	 our_netns, our_pidns;

static __always_inline int
listed(__u16 port)
{
	return ((ports[port / 8] & 1U << port % 8) != 0);
}

static __always_inline int
watched(const struct sock *sk)
{
	return (sk->sk_protocol == PROTO_TCP &&
	    listed(sk->__sk_common.skc_dport));
}

static __always_inline __u32
netns_of(const struct sock *sk)
{
	return (sk->__sk_common.skc_net.net->ns.inum);
}

/* Where the tuple has the client, the MTA's end has its peer. */
static __always_inline void
tuple_of(const struct sock *sk, struct tuple *t)
{
	__be32	 addr, mapped = bpf_htonl(0xffff);

	__builtin_memset(t, 0, sizeof(*t));
	if (sk->__sk_common.skc_family == FAMILY_INET6) {
		BPF_CORE_READ_INTO(&t->client, sk, __sk_common.skc_v6_daddr);
		BPF_CORE_READ_INTO(&t->server, sk,
		    __sk_common.skc_v6_rcv_saddr);
	} else {
		addr = sk->__sk_common.skc_daddr;
		__builtin_memcpy(t->client + 8, &mapped, sizeof(mapped));
		__builtin_memcpy(t->client + 12, &addr, sizeof(addr));
		addr = sk->__sk_common.skc_rcv_saddr;
		__builtin_memcpy(t->server + 8, &mapped, sizeof(mapped));
		__builtin_memcpy(t->server + 12, &addr, sizeof(addr));
	}
	t->client_port = sk->__sk_common.skc_dport;
	t->server_port = bpf_htons(sk->__sk_common.skc_num);
}

/*
 * A process has a number in each pid namespace from the first one down to
 * its own.  Returns the one that is true in ours, or 0 if it has none there.
 */
static __always_inline __u32
pid_of(const struct pid *pid)
{
	const struct upid	*n;
	unsigned int		 i, level;

	n = (const void *)((const char *)pid +
	    bpf_core_field_offset(struct pid, numbers));
	level = pid->level;
	for (i = 0; i <= PIDNS_DEPTH && i <= level; i++) {
		if (BPF_CORE_READ(n, ns, ns.inum) == our_pidns)
			return (BPF_CORE_READ(n, nr));
		n = (const void *)((const char *)n +
		    bpf_core_type_size(struct upid));
	}
	return (0);
}

static __always_inline void
fill(struct opened *o, struct sock *sk)
{
	struct task_struct	*task = bpf_get_current_task_btf();
	struct task_struct	*leader = task->group_leader;
	const struct tcp_sock	*tcp = bpf_skc_to_tcp_sock(sk);
	struct inode		*exe;

	o->lost = 0;
	/* A new one gets its sequence number later; tcp_disconnect(). */
	o->again = tcp == NULL || tcp->write_seq != 0 ||
	    tcp->rx_opt.ts_recent_stamp != 0;
	o->uid = sk->sk_uid.val;
	o->cgroup = bpf_get_current_cgroup_id();
	o->pid = pid_of(leader->thread_pid);
	o->start = leader->start_boottime;
	o->pidfd_inode = 0;
	if (bpf_core_field_exists(((struct pid *)0)->ino))
		o->pidfd_inode = leader->thread_pid->ino;
	o->euid = task->cred->euid.val;
	o->login = NO_LOGIN;
	if (bpf_core_field_exists(task->loginuid))
		o->login = task->loginuid.val;
	exe = BPF_CORE_READ(task, mm, exe_file, f_inode);
	o->exe_inode = BPF_CORE_READ(exe, i_ino);
	o->exe_dev = BPF_CORE_READ(exe, i_sb, s_dev);
	bpf_get_current_comm(o->program, sizeof(o->program));
}

/* Whose the client's end is. */
static __always_inline struct client *
client_of(struct sock *sk)
{
	struct client	*c;
	__u64		 cookie;

	if ((c = bpf_sk_storage_get(&opened, sk, NULL, 0)) != NULL ||
	    !anybody_elsewhere)
		return (c);
	cookie = bpf_get_socket_cookie(sk);
	return (bpf_map_lookup_elem(&elsewhere, &cookie));
}

/* The same, or a new one of nobody, or NULL where there is no place. */
static __always_inline struct client *
client_new(struct sock *sk)
{
	struct client	 new = { .opened.lost = 1 }, *c;
	__u64		 cookie;

	if ((c = client_of(sk)) != NULL)
		return (c);
	cookie = new.opened.cookie = bpf_get_socket_cookie(sk);
	if ((c = bpf_sk_storage_get(&opened, sk, &new,
	    BPF_SK_STORAGE_GET_F_CREATE)) != NULL)
		return (c);
	anybody_elsewhere = 1;
	(void)bpf_map_update_elem(&elsewhere, &cookie, &new, BPF_NOEXIST);
	if ((c = bpf_map_lookup_elem(&elsewhere, &cookie)) == NULL)
		crowded = bpf_ktime_get_ns();
	return (c);
}

/* In the context of who calls connect(2). */
static __always_inline void
client_opened(struct sock *sk)
{
	struct client	*c;

	if (watched(sk) && (c = client_new(sk)) != NULL)
		fill(&c->opened, sk);
}

/* A product with an odd number: no two are the same. */
static __always_inline __u64
mix(const struct isns *isns)
{
	return (((__u64)isns->client << 32 | isns->server) *
	    0x9e3779b97f4a7c15ULL);
}

static __always_inline __u64 *
mark_of(__u64 mixed)
{
	__u32	 n = mixed >> (64 - MARKS_BITS);

	return (bpf_map_lookup_elem(&marks, &n));
}

/* What one client adds to his mark. */
static __always_inline __u64
mark_one(__u64 mixed)
{
	return (mixed << MARKS_BITS >> 32 << 32 | 1);
}

/* One more client, or one less: n is 1 or -1. */
static __always_inline void
mark_add(const struct isns *isns, __s64 n)
{
	__u64	 mixed = mix(isns), *mark = mark_of(mixed);

	if (mark != NULL)
		(void)__sync_fetch_and_add(mark, mark_one(mixed) * n);
}

/* True if one has these numbers; where there are two, one of them may. */
static __always_inline int
marked(const struct isns *isns)
{
	__u64	 mixed = mix(isns), *mark = mark_of(mixed);

	return (mark == NULL || (__u32)*mark > 1 || *mark == mark_one(mixed));
}

/* The client's end is established; whose, stands beside it. */
static __always_inline void
client_established(struct sock *sk)
{
	const struct opened	 lost = { .lost = 1 };
	const struct tcp_sock	*tcp = bpf_skc_to_tcp_sock(sk);
	struct client		*c;
	struct tuple		 tuple;
	struct isns		 isns;

	if (tcp == NULL || !watched(sk) || (c = client_new(sk)) == NULL ||
	    c->counted)
		return;
	isns.client = tcp->snd_una;
	isns.server = tcp->rcv_nxt;
	c->isns = isns;
	c->counted = 1;
	mark_add(&isns, 1);
	/* Its own end is where the tuple has the server. */
	tuple_of(sk, &tuple);
	__builtin_memcpy(c->opened.addr, tuple.server, sizeof(tuple.server));
	__builtin_memcpy(c->opened.peer, tuple.client, sizeof(tuple.client));
	c->opened.port = tuple.server_port;
	c->opened.peer_port = tuple.client_port;
	c->opened.ours = netns_of(sk) == our_netns;
	c->opened.clock = tcp->tsoffset;
	/* Two with these numbers: neither is known. */
	if (bpf_map_update_elem(&waiting, &isns, &c->opened, BPF_NOEXIST) != 0)
		(void)bpf_map_update_elem(&waiting, &isns, &lost, BPF_ANY);
}

static __always_inline void
client_closed(struct sock *sk)
{
	struct client	*c;
	struct opened	*o;
	struct isns	 isns;
	__u64		 cookie;

	if ((c = client_of(sk)) == NULL)
		return;
	isns = c->isns;
	cookie = c->opened.cookie;
	if (c->counted)
		mark_add(&isns, -1);
	/* What waits may be of another with these numbers. */
	if ((o = bpf_map_lookup_elem(&waiting, &isns)) != NULL &&
	    (o->cookie == cookie || (o->lost && !marked(&isns))))
		(void)bpf_map_delete_elem(&waiting, &isns);
	if (bpf_sk_storage_delete(&opened, sk) != 0)
		(void)bpf_map_delete_elem(&elsewhere, &cookie);
}

/*
 * Returns 1 if who calls has the lock now, 0 if he has not yet, -1 if he never
 * will: he interrupted who has it.  The verifier reads a function that is not
 * static once, not in every round.
 */
__noinline int
lock_try(__u32 n, __u32 self)
{
	__u32	 held;
	int	 i;

	for (i = 0; i < TRIES; i++) {
		held = __sync_val_compare_and_swap(&locks[n % TUPLE_LOCKS], 0,
		    self);
		if (held == 0)
			return (1);
		if (held == self)
			return (-1);
	}
	return (0);
}

/*
 * Several processors may be busy with ends of one tuple.  Who does not get the
 * lock leaves a doubt; bpf.c then believes no record alone that may be of
 * another.
 */
static __always_inline __u32 *
tuple_lock(const struct tuple *t)
{
	__u32	 n = tuple_hash(t), self = bpf_get_smp_processor_id() + 1;
	int	 i, had = 0;

	for (i = 0; i < ROUNDS && had == 0; i++)
		had = lock_try(n, self);
	if (had == 1)
		return (&locks[n]);
	doubts[n] = bpf_ktime_get_ns();
	return (NULL);
}

static __always_inline void
tuple_unlock(__u32 *lock)
{
	(void)__sync_lock_test_and_set(lock, 0);
}

/* Nothing is known of the connection that has the tuple now. */
static __always_inline void
session_spoil(struct session *s, __u64 others)
{
	s->opened.cookie = 0;
	s->opened.lost = 0;
	s->server = 0;
	s->others = others;
}

/*
 * True if the MTA's end hears the clock of that client; net.ipv4.tcp_timestamps
 * may be off, or the clock no secret.
 */
static __always_inline int
timely(const struct tcp_sock *tcp, const struct opened *o)
{
	__u32	 now = bpf_ktime_get_ns() / NSEC_PER_MSEC + o->clock;

	return (o->clock != 0 && BPF_CORE_READ_BITFIELD(tcp,
	    rx_opt.saw_tstamp) && now + 1 - tcp->rx_opt.rcv_tsval <= LATE);
}

/*
 * The MTA's end is established: who connected to it?  If nobody knows, it is
 * counted all the same, lest who has its port next is taken for it.
 */
static __always_inline void
server_established(struct sock *sk)
{
	const struct tcp_sock	*tcp = bpf_skc_to_tcp_sock(sk);
	struct session		 new = { 0 }, *old;
	struct opened		*o;
	struct tuple		 tuple;
	struct isns		 isns;
	struct end		*end;
	__u32			*lock;

	if (tcp == NULL || netns_of(sk) != our_netns ||
	    sk->sk_protocol != PROTO_TCP ||
	    bpf_sk_storage_get(&accepted, sk, NULL, 0) != NULL)
		return;
	isns.client = tcp->rcv_nxt;
	isns.server = tcp->snd_una;
	tuple_of(sk, &tuple);
	if ((lock = tuple_lock(&tuple)) == NULL)
		return;
	if ((old = bpf_map_lookup_elem(&sessions, &tuple)) != NULL)
		new.others = old->others + (old->server != 0);
	if ((o = bpf_map_lookup_elem(&waiting, &isns)) != NULL) {
		new.opened = *o;
		new.timely = timely(tcp, &new.opened);
		/* If it has gone, it was another's when it was copied. */
		if (bpf_map_delete_elem(&waiting, &isns) != 0) {
			new.opened.cookie = 0;
			new.opened.lost = 1;
		}
		served[tuple.server_port] = 1;
	} else if (marked(&isns) ||
	    (crowded != 0 && bpf_ktime_get_ns() < crowded + CROWDED))
		new.opened.lost = 1;
	else if (old == NULL && !listed(tuple.server_port) &&
	    !served[tuple.server_port])
		goto done;
	if ((end = bpf_sk_storage_get(&accepted, sk, NULL,
	    BPF_SK_STORAGE_GET_F_CREATE)) == NULL)
		goto fail;
	new.server = bpf_get_socket_cookie(sk);
	new.since = bpf_ktime_get_ns();
	new.first = old != NULL ? old->first : new.server;
	end->tuple = tuple;
	end->first = new.first;
	if (bpf_map_update_elem(&sessions, &tuple, &new, BPF_ANY) == 0)
		goto done;
	(void)bpf_sk_storage_delete(&accepted, sk);
fail:
	if (new.opened.cookie != 0 || new.opened.lost)
		doubts[tuple_hash(&tuple)] = bpf_ktime_get_ns();
	if (old != NULL)
		session_spoil(old, new.others);
done:
	tuple_unlock(lock);
}

/*
 * The MTA's end is over.  If it has no descriptor, it was reset before it was
 * accepted, and then nobody asks about it: who does so means an earlier one.
 */
static __always_inline void
server_closed(struct sock *sk)
{
	struct session	*s;
	struct end	*end;
	struct tuple	 tuple;
	__u32		*lock;

	if ((end = bpf_sk_storage_get(&accepted, sk, NULL, 0)) == NULL ||
	    sk->sk_socket != NULL)
		return;
	tuple = end->tuple;
	if ((lock = tuple_lock(&tuple)) == NULL)
		return;
	if ((s = bpf_map_lookup_elem(&sessions, &tuple)) != NULL &&
	    s->server == bpf_get_socket_cookie(sk))
		session_spoil(s, s->others + 1);
	tuple_unlock(lock);
}

static __always_inline void
changed(struct sock *sk, int old, int new)
{
	if (new == ESTABLISHED && old == SYN_RECV)
		server_established(sk);
	else if (new == ESTABLISHED && old == SYN_SENT)
		client_established(sk);
	else if (new == CLOSED) {
		client_closed(sk);
		server_closed(sk);
	}
}

SEC("tp_btf/inet_sock_set_state")
int
BPF_PROG(session_state, struct sock *sk, int old, int new)
{
	if (new == SYN_SENT)
		client_opened(sk);
	else
		changed(sk, old, new);
	return (0);
}

/* A process that calls connect(2) interrupts nobody. */
SEC("tp_btf/inet_sock_set_state")
int
BPF_PROG(session_again, struct sock *sk, int old, int new)
{
	changed(sk, old, new);
	return (0);
}

/*
 * The MTA has closed its end, and nothing is left of it.  Softirqs are off
 * here, so it interrupts nothing.
 */
SEC("tp_btf/tcp_destroy_sock")
int
BPF_PROG(session_close, struct sock *sk)
{
	struct session	*s;
	struct end	*end;
	struct tuple	 tuple;
	__u32		*lock;

	if ((end = bpf_sk_storage_get(&accepted, sk, NULL, 0)) == NULL)
		return (0);
	tuple = end->tuple;
	if ((lock = tuple_lock(&tuple)) == NULL)
		return (0);
	/* There is a later one if bpf.c took the first for dead. */
	if ((s = bpf_map_lookup_elem(&sessions, &tuple)) == NULL ||
	    s->first != end->first)
		goto done;
	if (s->server == bpf_get_socket_cookie(sk))
		session_spoil(s, s->others);
	else if (s->others > 0)
		s->others--;
	if (s->server == 0 && s->others == 0)
		(void)bpf_map_delete_elem(&sessions, &tuple);
done:
	tuple_unlock(lock);
	return (0);
}

char	 _license[] SEC("license") = "Dual BSD/GPL";
