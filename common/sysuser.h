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
 * What all programs share: the connection, its owner, the messages between
 * processes and the policy.  Nothing here belongs to one process alone.
 */

#ifndef SYSUSER_H
#define SYSUSER_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <event.h>
#include <stdint.h>
#include <time.h>

#define PROTOCOL_VERSION	4	/* any change of a message raises it */

/* Bytes of a value before it is encoded; one more says that it was cut. */
#define MAX_NAME		64	/* user, program */
#define MAX_PATH		255	/* exe, cwd, unit, container, cmdline */
#define MAX_GROUPS		128	/* of one user, more are not matched */
#define MAX_SUBUIDS		32	/* ranges of one user, likewise */
#define MAX_SENDER		256	/* envelope sender */
#define MAX_QUEUEID		32
#define MAX_ACCOUNT		256	/* a name in the configuration */

#define LOGIN_UNSET		UINT32_MAX
#define NO_PID			0

/* One end of a TCP connection. */
struct endpoint {
	uint8_t			 addr[16];	/* IPv4 as ::ffff:a.b.c.d */
	uint16_t		 port;		/* host byte order */
};

struct conn_key {
	struct endpoint		 client;	/* the end we ask about */
	struct endpoint		 server;	/* the MTA's end */
};

enum verdict { E_UNKNOWN, E_OWNED, E_REMOTE, E_MAX };

enum reason {				/* why an owner is unknown */
	R_NONE, R_CLOSED, R_DENIED, R_TIMEOUT, R_BUDGET, R_UNSUPPORTED,
	R_FAILED, R_AMBIGUOUS, R_REUSED, R_REDIRECTED, R_MAX
};

enum source {				/* how the process was found */
	SRC_UIDONLY, SRC_SCAN, SRC_CACHE, SRC_CGROUP, SRC_BPF, SRC_MAX
};

/*
 * What can be said of an owner, in the order in which it is printed.  The
 * same list serves the header, the log and sysuserctl(8).
 */
enum field {
	F_USER, F_UID, F_OWNER, F_LOGIN, F_PID, F_PROGRAM, F_EXE, F_HOLDERS,
	F_HOLDER, F_SOURCE, F_CWD, F_UNIT, F_CONTAINER, F_CMDLINE, F_MAX
};

/* The texts of an owner; absent ones are NULL. */
enum text {
	T_USER,		/* account of uid; NULL: none, or not named */
	T_OWNER,	/* account whose subordinate uid it is */
	T_HOLDER,	/* account or #uid of the process if another's */
	T_PROGRAM,	/* what the process calls itself: a claim */
	T_EXE, T_CWD, T_UNIT, T_CONTAINER, T_CMDLINE,
	T_MAX
};

/* The answer to "who owns the client end of this connection?" */
struct owner {
	enum verdict		 verdict;
	enum reason		 reason;	/* of E_UNKNOWN */
	enum source		 source;
	int			 named;		/* what names say is known */
	uint32_t		 uid;		/* of the socket: proof */
	uint32_t		 account;	/* T_OWNER's, else uid again */
	uint32_t		 login;		/* login uid or LOGIN_UNSET */
	uint32_t		 pid;		/* or NO_PID */
	uint32_t		 holders;	/* processes seen to hold it */
	uint64_t		 start;		/* of pid, in clock ticks */
	const char		*text[T_MAX];
	const uint32_t		*groups;	/* gids of the account */
	uint32_t		 ngroups;
};

/*
 * Policy: what a worker needs to know of the configuration.  Immutable once
 * built; a session holds a reference from connect to close.
 */
enum action {
	A_PASS, A_REJECT, A_TEMPFAIL, A_DISCARD, A_QUARANTINE, A_LIMIT, A_MAX
};

enum matcher {
	M_USER,		/* table of uids, or any */
	M_UID,		/* table of ranges */
	M_GROUP,	/* table of gids */
	M_PROGRAM, M_EXE, M_CWD, M_UNIT,	/* patterns */
	M_SENDER,	/* patterns, of the envelope */
	M_UNKNOWN,
	M_MAX
};

#define TABLE_ANY	UINT32_MAX

/* lo to hi, both included.  A name is lo == hi once it is known. */
struct range {
	uint32_t		 lo, hi;
};

/* Sorted and not overlapping, when a policy is complete. */
struct ranges {
	struct range		*list;
	size_t			 n, room;
};

/* Names and ids; what a name means is found out when it is loaded. */
struct entry {
	TAILQ_ENTRY(entry)	 next;
	char			*name;		/* or NULL: only a range */
	struct range		 range;		/* if known */
	int			 known;		/* 1; 0 not asked; -1 nobody's;
						   or as below */
};
#define ENTRY_OLD	2	/* as it was known before the reload */
#define ENTRY_SUB	3	/* subordinate to the name before it */
TAILQ_HEAD(entries, entry);

enum table_kind { TABLE_USERS, TABLE_GROUPS, TABLE_KINDS };

/*
 * The parent keeps names as entries; a worker gets the sorted ranges alone.
 */
struct table {
	TAILQ_ENTRY(table)	 next;
	uint32_t		 index;
	enum table_kind		 kind;
	char			*name;		/* NULL: written in a rule */
	char			*file;		/* or NULL: inline */
	struct entries		 entries;
	int			 complete;	/* no name is still unknown */
	struct ranges		 own;		/* of the users themselves */
	struct ranges		 subs;		/* their subordinate uids */
};
TAILQ_HEAD(tables, table);

/* A shell pattern, one of those of a matcher. */
struct pattern {
	STAILQ_ENTRY(pattern)	 next;
	char			*text;
};
STAILQ_HEAD(patterns, pattern);

struct match {
	TAILQ_ENTRY(match)	 next;
	enum matcher		 kind;
	int			 negate;
	uint32_t		 table;		/* index or TABLE_ANY */
	const struct table	*set;		/* that table, in a worker */
	struct patterns		 patterns;	/* one of them fits */
};
TAILQ_HEAD(matches, match);

/* What a limit counts. */
enum unit { U_MESSAGES, U_RECIPIENTS, U_MAX };

/* So many of them in each window of time, and no more. */
struct rate {
	enum unit		 unit;
	uint32_t		 most;
	uint32_t		 seconds;	/* the window */
};
#define MAX_RATES		8		/* of a limit */
#define MAX_WINDOW		(31 * 86400)	/* s */

struct rule {
	TAILQ_ENTRY(rule)	 next;
	uint32_t		 number;	/* from 1, as printed */
	enum action		 action;
	int			 keep;		/* keep header */
	int			 silent;	/* header none */
	char			*message;	/* or NULL: the default */
	char			*text;		/* as printed, perhaps cut */
	uint64_t		 bucket;	/* whom it counts: the same
						   after a reload */
	struct rate		 rates[MAX_RATES];
	uint32_t		 nrates;
	struct matches		 matches;	/* all must be true */
};
TAILQ_HEAD(rules, rule);

struct fields {
	uint8_t			 list[F_MAX];
	size_t			 n;
};

/* A header that is ours: copies that came in go, then it is added. */
struct header {
	TAILQ_ENTRY(header)	 next;
	enum { H_FIELDS, H_VALUE, H_NONE, H_MAX } kind;
	char			*name;
	struct fields		 fields;	/* H_FIELDS */
	char			*value;		/* H_VALUE: with %u, %{field} */
};
TAILQ_HEAD(headers, header);
#define MAX_HEADERS		8		/* of a policy */
#define MAX_PORTS		64		/* ranges of them */

/* Where the process is known from: connect-time record, or /proc. */
enum backend { B_AUTO, B_BPF, B_PROC, B_MAX };

struct policy {
	unsigned int		 refs;
	uint32_t		 generation;
	uint32_t		 timeout;	/* s, MTA silent */
	uint32_t		 lookup_timeout;/* ms */
	uint32_t		 want;		/* texts, bits 1 << enum text */
	enum backend		 backend;
	struct range		 ports[MAX_PORTS]; /* recorded */
	size_t			 nports;
	int			 tempfail;	/* on failure: not accept */
	int			 strip_local;	/* spare remote mail */
	int			 unlimited;	/* limits are off: parent's */
	struct headers		 headers;	/* at least one */
	unsigned int		 nheaders;
	struct fields		 log_fields;
	struct tables		 tables;	/* by index */
	struct table		*found;		/* the last one asked for */
	struct rules		 rules;
};

#define POLICY_MAX		65536		/* items of one policy */

/* One on its way to a child. */
struct incoming {
	struct policy		*policy;	/* so far, or NULL */
	uint32_t		 items;		/* still to come */
};

/*
 * Messages.  Which of them is legal from whom, when and how long is said in
 * msgtab.c and nowhere else.
 */
enum role {
	ROLE_PARENT, ROLE_RESOLVER, ROLE_NAMES, ROLE_CONTROL, ROLE_WORKER,
	ROLE_CLIENT, ROLE_MAX
};

enum state { S_BOOT, S_RUN, S_QUIT };	/* only ever goes forward */

enum imsg {
	IMSG_HELLO, IMSG_PEER, IMSG_LISTEN, IMSG_LOGFD,
	IMSG_CONF_BEGIN, IMSG_CONF_ITEM, IMSG_CONF_END, IMSG_CONF_ACK,
	IMSG_START, IMSG_READY,
	IMSG_PING, IMSG_PONG, IMSG_DROPPED,
	IMSG_LOOKUP, IMSG_ANSWER,
	IMSG_CAPS_GET, IMSG_CAPS,
	IMSG_NAME, IMSG_NAMED,
	IMSG_ID, IMSG_IDOF, IMSG_USERID, IMSG_USERIDOF,
	IMSG_CHARGE, IMSG_VERDICT, IMSG_EVENT,
	IMSG_TABLE, IMSG_TABLED,
	IMSG_TEST, IMSG_TESTROW, IMSG_TESTED,
	IMSG_STATS_GET, IMSG_STATS,
	IMSG_PROCS, IMSG_PROC, IMSG_TABLES, IMSG_TABLEROW,
	IMSG_SAVE, IMSG_SAVED, IMSG_RELOAD, IMSG_STOP, IMSG_RESULT,
	IMSG_CTL_HELLO, IMSG_CTL_STATUS, IMSG_CTL_LOOKUP, IMSG_CTL_RELOAD,
	IMSG_CTL_STOP, IMSG_CTL_CAPS_GET, IMSG_CTL_TOP, IMSG_CTL_MONITOR,
	IMSG_CTL_BLOCK, IMSG_CTL_UNBLOCK, IMSG_CTL_TABLES, IMSG_CTL_TEST,
	IMSG_CTL_PROC, IMSG_CTL_ANSWER, IMSG_CTL_CAPS, IMSG_CTL_TOPROW,
	IMSG_CTL_EVENT, IMSG_CTL_ALERT, IMSG_CTL_LOST, IMSG_CTL_BLOCKED,
	IMSG_CTL_TABLEROW, IMSG_CTL_TESTROW, IMSG_CTL_TESTED,
	IMSG_CTL_OK, IMSG_CTL_FAIL,
	IMSG_MAX
};

/* What CHARGE asks. */
enum asking { CHARGE_LOOK, CHARGE_COUNT, CHARGE_MAX };
#define UID_UNKNOWN	UINT32_MAX	/* whose uid nobody knows */

/*
 * No rule decided; <blocked-now> did, before the first; the copies of our
 * headers did, for there were too many.
 */
#define RULE_NONE	0
#define RULE_BLOCKED	UINT32_MAX
#define RULE_COPIES	(UINT32_MAX - 1)
#define MANY_COPIES	"copies"	/* as people read it */

/* What TABLE does to <blocked-now>. */
enum table_op { TABLE_CLEAR, TABLE_ADD, TABLE_DELETE, TABLE_SYNC,
    TABLE_OP_MAX };
#define BLOCKED_NOW	"blocked-now"
#define MAX_BLOCKS	680		/* in one message */

/* What TESTROW says of a rule. */
enum outcome {
	OUT_FALSE,	/* a matcher is not true */
	OUT_OPEN,	/* a matcher can't be told */
	OUT_LIMIT,	/* it counts here */
	OUT_DECIDES,
	OUT_MAX
};

/* A row of top: windows of a minute, an hour and a day. */
enum { SPAN_MINUTE, SPAN_HOUR, SPAN_DAY, SPAN_MAX };
enum tally {
	TALLY_MESSAGES, TALLY_RECIPIENTS,	/* that went through */
	TALLY_REJECTED, TALLY_DEFERRED,
	TALLY_MAX
};

/* What names says to a question: it could also not be asked now. */
enum presence { FOUND_NO, FOUND_YES, FOUND_FAILED, FOUND_MAX };

/* What the resolver can know on this system; bits 1 << can. */
enum can {
	CAN_ASK,	/* whose a connection is */
	CAN_SEARCH,	/* processes of other users */
	CAN_ORPHAN,	/* who closed it, until the other side knows */
	CAN_LOGIN,	/* the login uid */
	CAN_UNIT,	/* unit and container */
	CAN_RECORD,	/* who connected, since this daemon runs */
	CAN_MAX
};

/* What keeps a process from doing harm; bits 1 << protection. */
enum protection {
	PROT_CHROOT,	/* an empty directory, or /proc */
	PROT_CAPS,	/* as few capabilities as it can do with, for good */
	PROT_PRIVS,	/* no program that it runs gives it more */
	PROT_CORE,	/* no image of its memory, no debugger */
	PROT_LIMITS,	/* writes no file, locks no memory */
	PROT_CALLS,	/* few system calls */
	PROT_FILES,	/* opens no file; names: to write */
	PROT_NET,	/* makes no TCP connection */
	PROT_SCOPE,	/* signals nobody; but names: no abstract socket */
	PROT_MAX
};

/*
 * Times are counted by size, two classes for each power of 2: class n ends
 * before time_bound(n) us, the last one nowhere.
 */
#define TIME_MAX	48

/*
 * What is counted; a process counts what it sees and leaves the rest 0, so
 * that rows can be added up.
 */
enum counter {
	ST_LOOKUPS, ST_OWNED, ST_UNKNOWN, ST_REMOTE, ST_PROCESS,
	ST_SESSIONS,			/* open now */
	ST_MESSAGES, ST_TAGGED, ST_REFUSED, ST_STRIPPED,
	ST_LIMITED,			/* of the refused: over a limit */
	ST_UNCOUNTED,			/* no verdict: control was away */
	ST_NAMED,			/* so many have a name */
	ST_SOURCE = ST_NAMED,		/* processes, by source */
	ST_TIME = ST_SOURCE + SRC_MAX,	/* lookups of workers, by time */
	STAT_MAX = ST_TIME + TIME_MAX
};

#define PROC_SIZE	(3 + 4 * 4 + 1 + 2 * 4 + 8 * STAT_MAX)	/* IMSG_PROC */

#define MSG_HEADER	12		/* type, length, id: 3 x u32 */
#define MSG_MAX		8192		/* with the header */
#define STR_MAX		1024		/* longest string in a message */

/*
 * A message being built or read.  put_*() and get_*() note the first flaw in
 * bad and do nothing from then on, so that one msg_end() or chan_send() at
 * the end tells; a get_*() that fails yields 0 or "".
 */
struct msg {
	enum imsg		 type;
	uint32_t		 id;		/* a reply has its request's */
	int			 fd;		/* passed along, or -1 */
	int			 bad;
	size_t			 len;		/* of data */
	size_t			 pos;		/* read so far */
	uint8_t			 data[MSG_MAX - MSG_HEADER];
};

/* One row of msgtab.c. */
struct msgrow {
	enum imsg		 type;
	const char		*name;
	unsigned int		 from, to;	/* bits 1 << role */
	size_t			 min, max;	/* payload */
	int			 fd;		/* comes with a descriptor */
	unsigned int		 states;	/* bits 1 << state */
	int			 once;		/* per channel */
};

/*
 * A channel: SOCK_SEQPACKET, one packet is one message, its descriptor
 * belongs to it.  Non-blocking; what does not fit in the socket waits in a
 * bounded queue.
 */
struct packet;
STAILQ_HEAD(packets, packet);

struct chan {
	int			 fd;
	enum role		 self, peer;
	unsigned int		 instance;	/* of the peer */
	enum state		 state;
	uint8_t			 seen[(IMSG_MAX + 7) / 8]; /* once-messages */
	struct packets		 queue;
	size_t			 queued;
};
#define CHAN_QUEUE		2048		/* packets */
/* A policy and what else the parent has to say while it is on its way. */
#define CHAN_QUEUE_PARENT	(POLICY_MAX + 8192)

/* Descriptors of control: for clients, and for 64 workers and itself. */
#define CONTROL_CLIENTS		1000
#define CONTROL_FILES		128

/*
 * A channel in libevent's loop.  handler() is looked up by type; one returns
 * -1 if the payload made no sense.  gone() is called at most once, last:
 * why is NULL when the peer simply closed.
 */
struct peer;
struct handler {
	enum imsg		 type;
	int			(*fn)(struct peer *, struct msg *);
};

/* Whose turn it is in a child's loop.  The parent has only one kind. */
enum {
	TURN_FIRST,		/* parent, and workers, whose mail waits */
	TURN_NEXT,		/* all else */
	TURN_LAST,		/* searches, and who has more than one turn */
	TURN_MAX
};

struct peer {
	TAILQ_ENTRY(peer)	 next;
	struct chan		 chan;
	struct event		 ev_read, ev_write;
	const struct handler	*handlers;	/* ends with fn NULL */
	void			(*gone)(struct peer *, const char *why);
	void			(*pause)(struct peer *); /* after its messages,
						   before others'; or NULL */
	void			*arg;
	const char		*why;		/* dropped, for this reason */
	uint32_t		 life;		/* of the child there, as the
						   parent counts them */
	int			 open;
	int			 busy;		/* has more than one turn */
	int			 priority;	/* TURN_, when it has not */
	int			 later;		/* and when it has */
};
TAILQ_HEAD(peers, peer);

/* The child's side of its life, filled by child_init(). */
struct child {
	enum role		 role;
	unsigned int		 instance;
	int			 debug;
	int			 verbose;
	uid_t			 uid;
	gid_t			 gid;
	const char		*dir;		/* to chroot to, or NULL */
	int			 family;	/* of the milter socket */
};

/* What privdrop() lets a process keep; bits. */
#define KEEP_NOTHING	0
#define KEEP_INSPECT	1	/* other users' processes, to look at */

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

/* addr.c */
void	 endpoint_clear(struct endpoint *);
void	 endpoint_any(struct endpoint *, const struct endpoint *);
int	 endpoint_is4(const struct endpoint *);
int	 endpoint_is_any(const struct endpoint *);
int	 endpoint_is_loopback(const struct endpoint *);
int	 endpoint_equal(const struct endpoint *, const struct endpoint *);
int	 endpoint_from_sa(struct endpoint *, const struct sockaddr *);
int	 endpoint_parse(struct endpoint *, const char *, const char *);
socklen_t endpoint_to_mapped(const struct endpoint *,
	    struct sockaddr_storage *);
socklen_t endpoint_to_sa(const struct endpoint *, struct sockaddr_storage *);
const char *endpoint_text(const struct endpoint *, char *, size_t);

/* answer.c */
extern const char *const verdict_names[E_MAX];
extern const char *const reason_names[R_MAX];
extern const char *const source_names[SRC_MAX];
extern const char *const field_names[F_MAX];
extern const char *const protection_names[PROT_MAX];
extern const char *const stat_names[ST_NAMED];
void	 owner_unknown(struct owner *, enum reason);
void	 put_owner(struct msg *, const struct owner *);
struct owner *get_owner(struct msg *);
int	 fields_have(const struct fields *, enum field);
int	 field_value(const struct owner *, enum field, char *, size_t);
int	 template_next(const char **);

/* chan.c */
void	 msg_new(struct msg *, enum imsg, uint32_t);
int	 msg_claim_fd(struct msg *);
int	 msg_send(int, struct msg *);
int	 chan_pair(int[2]);
void	 chan_init(struct chan *, int, enum role, enum role, unsigned int);
void	 chan_close(struct chan *);
int	 chan_send(struct chan *, struct msg *);
int	 chan_flush(struct chan *);
int	 chan_recv(struct chan *, struct msg *, const char **);

/* child.c */
void	 child_init(struct child *, enum role, int, char **);
void	 child_drop(const struct child *, int);
void	 child_serve(const struct child *, struct peer *,
	    const struct handler *, void (*)(struct peer *, const char *));
void	 child_ready(struct peer *, uint32_t);
void	 child_ack(struct peer *, uint32_t);
void	 child_leave(void);
void	 child_dropped(const struct peer *);
int	 on_logfd(struct peer *, struct msg *);
int	 on_ping(struct peer *, struct msg *);

/* clock.c */
uint64_t clock_usec(clockid_t);
time_t	 uptime(void);
unsigned int time_class(uint64_t);
uint64_t time_bound(unsigned int);
const char *seconds_text(uint32_t, char *, size_t);

/* confwire.c */
extern const char *const action_names[A_MAX];
extern const char *const matcher_names[M_MAX];
extern const char *const unit_names[U_MAX];
extern const char *const backend_names[B_MAX];
int	 policy_send(const struct policy *, enum role,
	    int (*)(struct msg *, void *), void *);
size_t	 policy_items(const struct policy *);
struct policy *policy_new(void);
void	 policy_free(struct policy *);
int	 policy_begin(struct incoming *, struct msg *);
int	 policy_item(struct incoming *, struct msg *);
int	 policy_end(struct incoming *, struct msg *, struct policy **);
int	 policy_complete(const struct policy *);
struct table *policy_table(struct policy *, uint32_t);
struct header *header_new(struct policy *, const char *);
struct match *match_new(struct rule *, enum matcher);
struct pattern *pattern_new(struct match *, const char *);

/* msgtab.c */
extern const char *const role_names[ROLE_MAX];
extern const struct msgrow msgtab[IMSG_MAX];
const char *msg_check(const struct msg *, const struct chan *);

/* peer.c */
void	 peer_priority(struct peer *, int, int);
void	 peer_open(struct peer *, int, enum role, enum role, unsigned int,
	    const struct handler *, void (*)(struct peer *, const char *));
int	 peer_send(struct peer *, struct msg *);
void	 peer_drop(struct peer *, const char *);
void	 peer_missed(struct peer *);
void	 peer_close(struct peer *);
const char *peer_name(const struct peer *, char *, size_t);
void	 timer_add(struct event *, const struct timeval *);

/* privdrop.c */
void	 privdrop(uid_t, gid_t, const char *, int);

/* caps_OS.c */
void	 caps_before(int);
void	 caps_after(int);
uint32_t caps_parent(void);

/* sandbox_OS.c */
uint32_t sandbox_parent(void);
uint32_t sandbox_resolver(void);
uint32_t sandbox_names(void);
uint32_t sandbox_control(void);
uint32_t sandbox_milterd(void);
uint32_t sandbox_meant(enum role);

/* wire.c */
void	 put_u8(struct msg *, uint8_t);
void	 put_u16(struct msg *, uint16_t);
void	 put_u32(struct msg *, uint32_t);
void	 put_u64(struct msg *, uint64_t);
void	 put_str(struct msg *, const char *);
void	 put_endpoint(struct msg *, const struct endpoint *);
uint8_t	 get_u8(struct msg *);
uint16_t get_u16(struct msg *);
uint32_t get_u32(struct msg *);
uint64_t get_u64(struct msg *);
void	 get_str(struct msg *, char *, size_t);
void	 get_endpoint(struct msg *, struct endpoint *);
size_t	 get_ids(struct msg *, enum presence *, struct range *);
int	 msg_end(struct msg *);

/* xtext.c */
int	 xtext(char *, size_t, const char *, size_t);

#endif
