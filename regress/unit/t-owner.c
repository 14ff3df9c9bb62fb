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
 * The decision, against a system that says what the table tells it to.  Each
 * row is one connection; what must not be asked is made to fail the test.
 *
 * SOURCES: resolver/owner.c
 * SOURCES: common/addr.c common/answer.c common/clock.c common/log.c
 * SOURCES: common/wire.c common/xtext.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "owner-find.h"

#define NEVER	77		/* not to be asked */

/* What the system answers. */
static struct {
	struct conn_key	 key;		/* as it was asked first */
	enum sock_state	 client, server;
	uint32_t	 uid;
	uint64_t	 inode;
	int		 server_established;
	int		 server_listens, client_listens;
	int		 client_local, server_local;
	struct holder	 holders[MAX_HOLDERS];
	size_t		 nholders;	/* what is said */
	int		 gone;		/* so many processes end */
	int		 same;
	int		 asked_sock, asked_holders, asked_process;
	int		 asked_same, asked_listens;
	/* With the record: */
	int		 recording;
	int		 recorded;	/* there is one */
	struct record	 record;
	int		 complete;
	int		 opener_gone;	/* or another program */
	uint32_t	 opener_uid;	/* now */
	uint64_t	 client_cookie, server_cookie;
	int		 asked_opener, asked_complete;
	uint64_t	 asked;
	int		 attempt;	/* the client's */
} script;

static void	 fake_sock(const struct conn_key *, struct sock *);
static int	 fake_same(const struct conn_key *, const struct sock *);
static int	 fake_local(const struct endpoint *);
static size_t	 fake_holders(const struct sock *, const struct budget *,
		    struct holder[MAX_HOLDERS]);
static int	 fake_process(const struct holder *, struct found *);
static int	 fake_record(const struct conn_key *, struct record *);
static int	 fake_complete(const struct conn_key *, const struct record *);
static void	 fake_group(const struct record *, struct found *);

static const struct os_ops os_script = {
	.name = "script",
	.sock = fake_sock,
	.same = fake_same,
	.local = fake_local,
	.holders = fake_holders,
	.process = fake_process
};

static const struct os_ops os_recording = {
	.name = "recording",
	.sock = fake_sock,
	.same = fake_same,
	.local = fake_local,
	.holders = fake_holders,
	.process = fake_process,
	.record = fake_record,
	.complete = fake_complete,
	.group = fake_group
};

static void
fake_sock(const struct conn_key *key, struct sock *sock)
{
	int	 swapped;

	memset(sock, 0, sizeof(*sock));
	swapped = endpoint_equal(&key->client, &script.key.server);
	if (endpoint_is_any(&key->server) && key->server.port == 0) {
		script.asked_listens++;
		sock->state = SOCK_NONE;
		sock->listening = swapped ? script.server_listens :
		    script.client_listens;
		return;
	}
	if (swapped)
		assert_true(endpoint_equal(&key->server, &script.key.client));
	else {
		assert_true(endpoint_equal(&key->client, &script.key.client));
		assert_true(endpoint_equal(&key->server, &script.key.server));
	}
	script.asked_sock++;
	sock->state = swapped ? script.server : script.client;
	assert_int_not_equal(sock->state, NEVER);
	sock->established = swapped ? script.server_established : 1;
	switch (sock->state) {
	case SOCK_OWNED:
		sock->inode = swapped ? 5000 : script.inode;
		sock->uid = swapped ? 0 : script.uid;
		break;
	case SOCK_ORPHAN:
		sock->uid = swapped ? 99 : script.uid;
		break;
	case SOCK_FORGOTTEN:
		break;
	default:
		sock->attempt = !swapped && script.attempt;
		return;
	}
	sock->cookie = swapped ? script.server_cookie : script.client_cookie;
}

static int
fake_same(const struct conn_key *key, const struct sock *sock)
{
	assert_true(endpoint_equal(&key->client, &script.key.client));
	assert_int_equal(sock->cookie, 1);
	/* It is the last question. */
	assert_true(script.asked_process > 0);
	script.asked_same++;
	return (script.same);
}

static int
fake_local(const struct endpoint *end)
{
	int	 local;

	local = endpoint_equal(end, &script.key.client) ?
	    script.client_local : script.server_local;
	assert_int_not_equal(local, NEVER);
	return (local);
}

static size_t
fake_holders(const struct sock *sock, const struct budget *budget,
    struct holder list[MAX_HOLDERS])
{
	size_t	 i;

	assert_int_equal(sock->state, SOCK_OWNED);
	assert_true(budget->usec > 0);
	script.asked_holders++;
	memcpy(list, script.holders, sizeof(script.holders));
	for (i = 0; i < MAX_HOLDERS; i++)
		list[i].source = SRC_SCAN;
	return (script.nholders);
}

static int
fake_record(const struct conn_key *key, struct record *record)
{
	assert_true(endpoint_equal(&key->client, &script.key.client));
	assert_true(endpoint_equal(&key->server, &script.key.server));
	memset(record, 0xee, sizeof(*record));
	if (!script.recorded)
		return (-1);
	*record = script.record;
	return (0);
}

/* Of a process that has ended. */
static void
fake_group(const struct record *record, struct found *found)
{
	assert_ptr_equal(record, &found->record);
	assert_int_equal(found->owner.pid, record->opener.pid);
	found->owner.text[T_UNIT] = "a.scope";
}

static int
fake_complete(const struct conn_key *key, const struct record *record)
{
	assert_memory_equal(key, &script.key, sizeof(*key));
	assert_memory_equal(record, &script.record, sizeof(*record));
	assert_int_not_equal(script.complete, NEVER);
	script.asked_complete++;
	return (script.complete);
}

/* Whatever is said of one that is not, or no longer, who opened it. */
static int
fake_opener(const struct holder *h, struct found *found)
{
	script.asked_opener++;
	assert_int_equal(h->pid, script.record.opener.pid);
	assert_int_equal(h->start, script.record.opener.start);
	/* What it is called is recorded: nobody reads what it says now. */
	assert_int_equal(found->want & 1U << T_PROGRAM, 0);
	(void)strlcpy(found->exe, "/bin/opener", sizeof(found->exe));
	found->owner.text[T_EXE] = found->exe;
	found->owner.login = 500;
	found->holder_uid = script.opener_uid;
	return (script.opener_gone ? -1 : 0);
}

static int
fake_process(const struct holder *h, struct found *found)
{
	if (h->source == SRC_BPF)
		return (fake_opener(h, found));
	script.asked_process++;
	(void)strlcpy(found->exe, "/bin/of-pid-", sizeof(found->exe));
	(void)strlcat(found->exe, h->pid % 2 ? "odd" : "even",
	    sizeof(found->exe));
	found->owner.text[T_EXE] = found->exe;
	found->owner.login = 500;
	return (script.asked_process <= script.gone ? -1 : 0);
}

/* An honest connection of uid 1000 that process 10 holds. */
static void
reset(void)
{
	memset(&script, 0, sizeof(script));
	(void)endpoint_parse(&script.key.client, "192.0.2.1", "40000");
	(void)endpoint_parse(&script.key.server, "192.0.2.2", "25");
	script.client = SOCK_OWNED;
	script.server = SOCK_OWNED;
	script.server_established = 1;
	script.client_cookie = 1;
	script.server_cookie = 2;
	script.uid = 1000;
	script.inode = 4711;
	script.client_local = script.server_local = NEVER;
	script.same = 1;
	script.nholders = 1;
	script.holders[0].pid = 10;
	script.holders[0].uid = 1000;
	script.holders[0].start = 100;
}

static void
find(struct found *found, uint32_t usec)
{
	struct budget	 budget = { usec, NULL, NULL };

	memset(found, 0xee, sizeof(*found));
	found->want = 1U << T_PROGRAM | 1U << T_EXE;
	found->asked = script.asked;
	owner_find(script.recording ? &os_recording : &os_script, &script.key,
	    &budget, found);
	assert_int_equal(found->want, 1U << T_PROGRAM | 1U << T_EXE);
}

/* The same, recorded: process 77, of another uid for a start, made it. */
static void
reset_recorded(void)
{
	struct record	*r = &script.record;

	reset();
	script.recording = script.recorded = 1;
	script.complete = NEVER;
	script.opener_uid = 2001;
	r->client = 1;
	r->server = 2;
	r->since = 5000;
	r->age = 1000;
	script.asked = 5001;
	r->source = script.key.client;
	r->target = script.key.server;
	r->ours = 1;
	r->uid = 2000;
	r->login = 600;
	r->opener.pid = 77;
	r->opener.uid = 2002;
	r->opener.start = 700;
	r->opener.source = SRC_BPF;
	r->opener.fd = -1;
	r->opener.opener = 1;
	(void)strlcpy(r->program, "opener", sizeof(r->program));
}

static void
check_no_process(const struct found *found)
{
	size_t	 i;

	assert_int_equal(found->owner.source, SRC_UIDONLY);
	assert_int_equal(found->owner.pid, NO_PID);
	assert_int_equal(found->owner.start, 0);
	assert_int_equal(found->owner.holders, 0);
	assert_int_equal(found->owner.login, LOGIN_UNSET);
	assert_int_equal(found->holder_uid, found->owner.uid);
	for (i = 0; i < T_MAX; i++)
		assert_null(found->owner.text[i]);
}

static void
check_unknown(const struct found *found, enum reason reason)
{
	assert_int_equal(found->owner.verdict, E_UNKNOWN);
	assert_int_equal(found->owner.reason, reason);
	assert_int_equal(found->owner.uid, 0);
	check_no_process(found);
	assert_int_equal(script.asked_holders, 0);
}

static void
t_owned(void **state)
{
	struct found	 found;

	(void)state;
	reset();
	find(&found, 5000);
	assert_int_equal(found.owner.verdict, E_OWNED);
	assert_int_equal(found.owner.reason, R_NONE);
	assert_int_equal(found.owner.source, SRC_SCAN);
	assert_int_equal(found.owner.uid, 1000);
	assert_int_equal(found.owner.login, 500);
	assert_int_equal(found.owner.pid, 10);
	assert_int_equal(found.owner.start, 100);
	assert_int_equal(found.owner.holders, 1);
	assert_int_equal(found.holder_uid, 1000);
	assert_string_equal(found.owner.text[T_EXE], "/bin/of-pid-even");
	assert_int_equal(script.asked_same, 1);
}

/* Root, who really is: inode not 0. */
static void
t_owned_by_root(void **state)
{
	struct found	 found;

	(void)state;
	reset();
	script.uid = 0;
	script.holders[0].uid = 0;
	find(&found, 5000);
	assert_int_equal(found.owner.verdict, E_OWNED);
	assert_int_equal(found.owner.uid, 0);
	assert_int_equal(found.owner.pid, 10);
}

static void
t_orphan(void **state)
{
	struct found	 found;

	(void)state;
	reset();
	script.client = SOCK_ORPHAN;
	find(&found, 5000);
	assert_int_equal(found.owner.verdict, E_OWNED);
	assert_int_equal(found.owner.uid, 1000);
	check_no_process(&found);
	assert_int_equal(script.asked_holders, 0);
}

static void
t_no_budget(void **state)
{
	struct found	 found;

	(void)state;
	reset();
	find(&found, 0);
	assert_int_equal(found.owner.verdict, E_OWNED);
	assert_int_equal(found.owner.uid, 1000);
	check_no_process(&found);
	assert_int_equal(script.asked_holders, 0);
}

/*
 * Every pair of what the kernel can say of the two ends: the uid is told in
 * the three rows in which it is proved, and nowhere else.
 */
static void
t_pairs(void **state)
{
	static const struct {
		enum sock_state	 client, server;
		int		 established, client_local, server_local;
		enum verdict	 verdict;
		enum reason	 reason;
	} table[] = {
#define N	NEVER
		{ SOCK_OWNED, SOCK_OWNED, 1, N, N, E_OWNED, R_NONE },
		{ SOCK_OWNED, SOCK_OWNED, 0, N, N, E_OWNED, R_NONE },
		{ SOCK_OWNED, SOCK_ORPHAN, 1, N, N, E_UNKNOWN, R_REUSED },
		{ SOCK_OWNED, SOCK_ORPHAN, 0, N, N, E_UNKNOWN, R_REUSED },
		{ SOCK_OWNED, SOCK_FORGOTTEN, 1, N, N, E_UNKNOWN, R_REUSED },
		{ SOCK_OWNED, SOCK_FORGOTTEN, 0, N, N, E_UNKNOWN, R_REUSED },
		{ SOCK_OWNED, SOCK_NONE, 0, N, 1, E_UNKNOWN, R_REUSED },
		{ SOCK_OWNED, SOCK_NONE, 0, N, 0, E_OWNED, R_NONE },
		{ SOCK_OWNED, SOCK_NONE, 0, N, -1, E_UNKNOWN, R_REUSED },
		{ SOCK_OWNED, SOCK_DENIED, 0, N, N, E_UNKNOWN, R_DENIED },
		{ SOCK_OWNED, SOCK_UNSUPPORTED, 0, N, N, E_UNKNOWN,
		    R_UNSUPPORTED },
		{ SOCK_OWNED, SOCK_FAILED, 0, N, N, E_UNKNOWN, R_FAILED },
		{ SOCK_ORPHAN, SOCK_OWNED, 1, N, N, E_OWNED, R_NONE },
		{ SOCK_ORPHAN, SOCK_FORGOTTEN, 1, N, N, E_UNKNOWN,
		    R_REUSED },
		{ SOCK_ORPHAN, SOCK_NONE, 0, N, 1, E_UNKNOWN, R_REUSED },
		{ SOCK_FORGOTTEN, NEVER, 0, N, N, E_UNKNOWN, R_CLOSED },
		{ SOCK_DENIED, NEVER, 0, N, N, E_UNKNOWN, R_DENIED },
		{ SOCK_UNSUPPORTED, NEVER, 0, N, N, E_UNKNOWN,
		    R_UNSUPPORTED },
		{ SOCK_FAILED, NEVER, 0, N, N, E_UNKNOWN, R_FAILED },
		{ SOCK_NONE, NEVER, 0, 0, N, E_REMOTE, R_NONE },
		{ SOCK_NONE, NEVER, 0, -1, N, E_UNKNOWN, R_FAILED },
		{ SOCK_NONE, SOCK_OWNED, 1, 1, N, E_UNKNOWN, R_REDIRECTED },
		{ SOCK_NONE, SOCK_OWNED, 0, 1, N, E_UNKNOWN, R_CLOSED },
		{ SOCK_NONE, SOCK_ORPHAN, 1, 1, N, E_UNKNOWN, R_CLOSED },
		{ SOCK_NONE, SOCK_FORGOTTEN, 1, 1, N, E_UNKNOWN, R_CLOSED },
		{ SOCK_NONE, SOCK_FORGOTTEN, 0, 1, N, E_UNKNOWN, R_CLOSED },
		{ SOCK_NONE, SOCK_NONE, 0, 1, N, E_UNKNOWN, R_CLOSED },
		{ SOCK_NONE, SOCK_FAILED, 0, 1, N, E_UNKNOWN, R_CLOSED },
#undef N
	};
	struct found	 found;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		reset();
		script.client = table[i].client;
		script.server = table[i].server;
		script.server_established = table[i].established;
		script.client_local = table[i].client_local;
		script.server_local = table[i].server_local;
		find(&found, 5000);
		if (table[i].verdict == E_UNKNOWN) {
			check_unknown(&found, table[i].reason);
			continue;
		}
		assert_int_equal(found.owner.verdict, table[i].verdict);
		assert_int_equal(found.owner.reason, R_NONE);
		assert_int_equal(found.owner.uid,
		    table[i].verdict == E_OWNED ? 1000 : 0);
		if (table[i].verdict == E_REMOTE)
			check_no_process(&found);
	}
}

/* Nothing is asked about what can't be a connection. */
static void
t_key(void **state)
{
	static const struct {
		const char	*caddr, *cport, *saddr, *sport;
	} table[] = {
		{ "192.0.2.1", "0", "192.0.2.2", "25" },
		{ "192.0.2.1", "40000", "192.0.2.2", "0" },
		{ "0.0.0.0", "40000", "192.0.2.2", "25" },
		{ "192.0.2.1", "40000", "0.0.0.0", "25" },
		{ "::", "40000", "::1", "25" },
		{ "::1", "40000", "::", "25" },
		{ "::1", "25", "::1", "25" },
	};
	struct found	 found;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		reset();
		(void)endpoint_parse(&script.key.client, table[i].caddr,
		    table[i].cport);
		(void)endpoint_parse(&script.key.server, table[i].saddr,
		    table[i].sport);
		find(&found, 5000);
		check_unknown(&found, R_FAILED);
		assert_int_equal(script.asked_sock, 0);
	}
}

static void
t_nobody_holds_it(void **state)
{
	struct found	 found;

	(void)state;
	reset();
	script.nholders = 0;
	find(&found, 5000);
	assert_int_equal(found.owner.verdict, E_OWNED);
	assert_int_equal(found.owner.uid, 1000);
	check_no_process(&found);
}

/* The connection ended during the search: the uid stays, it was proved. */
static void
t_not_the_same(void **state)
{
	struct found	 found;

	(void)state;
	reset();
	script.same = 0;
	find(&found, 5000);
	assert_int_equal(found.owner.verdict, E_OWNED);
	assert_int_equal(found.owner.uid, 1000);
	assert_int_equal(script.asked_same, 1);
	check_no_process(&found);
}

/* The one to name ends: the next one that holds it, else nobody. */
static void
t_process_gone(void **state)
{
	struct found	 found;

	(void)state;
	reset();
	script.nholders = 3;
	script.holders[0] = (struct holder){ .pid = 31, .uid = 1000,
	    .start = 300 };
	script.holders[1] = (struct holder){ .pid = 20, .uid = 1000,
	    .start = 200 };
	script.holders[2] = (struct holder){ .pid = 10, .uid = 1000,
	    .start = 100 };
	script.gone = 2;
	find(&found, 5000);
	assert_int_equal(found.owner.pid, 31);
	assert_int_equal(found.owner.holders, 1);
	assert_string_equal(found.owner.text[T_EXE], "/bin/of-pid-odd");

	script.asked_process = 0;
	script.gone = 3;
	script.asked_same = 0;
	find(&found, 5000);
	assert_int_equal(found.owner.verdict, E_OWNED);
	assert_int_equal(found.owner.uid, 1000);
	assert_int_equal(script.asked_same, 0);
	check_no_process(&found);
}

static void
t_holder_of_another_uid(void **state)
{
	struct found	 found;

	(void)state;
	reset();
	script.holders[0].uid = 2000;
	find(&found, 5000);
	assert_int_equal(found.owner.uid, 1000);
	assert_int_equal(found.owner.pid, 10);
	assert_int_equal(found.holder_uid, 2000);
}

/* More holders than there is room for are counted, not read. */
static void
t_many_holders(void **state)
{
	struct found	 found;
	size_t		 i;

	(void)state;
	reset();
	for (i = 0; i < MAX_HOLDERS; i++)
		script.holders[i] = (struct holder){ .pid = 1000 - i,
		    .uid = 1000, .start = 1000 - i };
	script.nholders = 5000;
	find(&found, 5000);
	assert_int_equal(found.owner.pid, 1000 - (MAX_HOLDERS - 1));
	assert_int_equal(found.owner.holders, 5000);
	script.gone = 1000;
	find(&found, 5000);
	check_no_process(&found);
}

static void
t_pick(void **state)
{
	static const struct {
		struct holder	 list[4];
		size_t		 n;
		int		 expect;	/* index, or -1 */
	} table[] = {
		{ { { .pid = 0 } }, 0, -1 },
		{ { { .pid = 5, .uid = 1, .start = 9 } }, 1, 0 },
		/* The oldest. */
		{ { { .pid = 5, .uid = 7, .start = 9 },
		    { .pid = 6, .uid = 7, .start = 8 },
		    { .pid = 4, .uid = 7, .start = 10 } }, 3, 1 },
		/* Pids start again from below: the start time counts. */
		{ { { .pid = 300, .uid = 7, .start = 20 },
		    { .pid = 32000, .uid = 7, .start = 10 } }, 2, 1 },
		/* In one tick, the lower pid. */
		{ { { .pid = 6, .uid = 7, .start = 9 },
		    { .pid = 5, .uid = 7, .start = 9 } }, 2, 1 },
		/* The socket's uid goes before age, wherever it stands. */
		{ { { .pid = 2, .uid = 0, .start = 1 },
		    { .pid = 6, .uid = 7, .start = 9 },
		    { .pid = 5, .uid = 7, .start = 8 },
		    { .pid = 1, .uid = 0, .start = 0 } }, 4, 2 },
		{ { { .pid = 6, .uid = 7, .start = 9 },
		    { .pid = 1, .uid = 0, .start = 0 } }, 2, 0 },
		/* Nobody has it: the oldest. */
		{ { { .pid = 2, .uid = 0, .start = 2 },
		    { .pid = 1, .uid = 3, .start = 1 } }, 2, 1 },
	};
	const struct holder	*h;
	size_t			 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		h = owner_pick(table[i].list, table[i].n, 7);
		if (table[i].expect == -1)
			assert_null(h);
		else
			assert_ptr_equal(h,
			    &table[i].list[table[i].expect]);
	}
}

/* Said of who opened it, who still is, or has gone. */
static void
check_opener(const struct found *found, int gone)
{
	assert_int_equal(found->owner.source, SRC_BPF);
	assert_int_equal(found->owner.pid, 77);
	assert_int_equal(found->owner.start, 700);
	assert_int_equal(found->owner.login, 600);
	assert_int_equal(found->owner.holders, 0);
	assert_string_equal(found->owner.text[T_PROGRAM], "opener");
	assert_int_equal(found->holder_uid, gone ? 2002 : 2001);
	if (gone)
		assert_null(found->owner.text[T_EXE]);
	else
		assert_string_equal(found->owner.text[T_EXE], "/bin/opener");
}

/*
 * Every pair of what the kernel can say of the two ends of a connection that
 * was recorded.  The uid is the socket's where the kernel has it, and the
 * record's where it has not.
 */
static void
t_recorded(void **state)
{
	enum { SAME = 1, OTHER = 9 };
	static const struct {
		enum sock_state	 client;
		uint64_t	 cookie;
		enum sock_state	 server;
		uint32_t	 uid;
		enum reason	 reason;
	} table[] = {
#define N	NEVER
		{ SOCK_OWNED, SAME, SOCK_OWNED, 1000, R_NONE },
		{ SOCK_ORPHAN, SAME, SOCK_OWNED, 1000, R_NONE },
		{ SOCK_FORGOTTEN, SAME, SOCK_OWNED, 2000, R_NONE },
		{ SOCK_NONE, 0, SOCK_OWNED, 2000, R_NONE },
		{ SOCK_OWNED, OTHER, SOCK_OWNED, 0, R_REDIRECTED },
		{ SOCK_ORPHAN, OTHER, SOCK_OWNED, 0, R_REDIRECTED },
		{ SOCK_FORGOTTEN, OTHER, SOCK_OWNED, 0, R_REDIRECTED },
		{ SOCK_OWNED, SAME, SOCK_NONE, 0, R_REUSED },
		{ SOCK_ORPHAN, SAME, SOCK_NONE, 0, R_REUSED },
		{ SOCK_FORGOTTEN, SAME, SOCK_NONE, 0, R_REUSED },
		{ SOCK_OWNED, SAME, SOCK_ORPHAN, 0, R_REUSED },
		{ SOCK_OWNED, SAME, SOCK_FORGOTTEN, 0, R_REUSED },
		{ SOCK_FORGOTTEN, SAME, SOCK_ORPHAN, 0, R_REUSED },
		{ SOCK_FORGOTTEN, SAME, SOCK_FORGOTTEN, 0, R_REUSED },
		{ SOCK_NONE, 0, SOCK_ORPHAN, 0, R_REUSED },
		{ SOCK_NONE, 0, SOCK_FORGOTTEN, 0, R_REUSED },
		{ SOCK_OWNED, SAME, SOCK_DENIED, 0, R_DENIED },
		{ SOCK_NONE, 0, SOCK_DENIED, 0, R_DENIED },
		{ SOCK_NONE, 0, SOCK_UNSUPPORTED, 0, R_UNSUPPORTED },
		{ SOCK_NONE, 0, SOCK_FAILED, 0, R_FAILED },
		{ SOCK_DENIED, 0, N, 0, R_DENIED },
		{ SOCK_UNSUPPORTED, 0, N, 0, R_UNSUPPORTED },
		{ SOCK_SEVERAL, 0, N, 0, R_AMBIGUOUS },
		{ SOCK_FAILED, 0, N, 0, R_FAILED },
#undef N
	};
	struct found	 found;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		reset_recorded();
		script.client = table[i].client;
		script.client_cookie = table[i].cookie;
		script.server = table[i].server;
		find(&found, 5000);
		assert_int_equal(script.asked_listens, 0);
		assert_int_equal(script.asked_holders, 0);
		if (table[i].reason != R_NONE) {
			check_unknown(&found, table[i].reason);
			assert_int_equal(script.asked_opener, 0);
			continue;
		}
		assert_int_equal(found.owner.verdict, E_OWNED);
		assert_int_equal(found.owner.uid, table[i].uid);
		assert_int_equal(found.owner.account, table[i].uid);
		assert_int_equal(script.asked_opener, 1);
		check_opener(&found, 0);
	}
}

/* The record is of an end that has not, or not alone, the tuple now. */
static void
t_recorded_of_another(void **state)
{
	struct found	 found;
	enum sock_state	 client;

	(void)state;
	for (client = SOCK_OWNED; client <= SOCK_NONE; client++) {
		reset_recorded();
		script.client = client;
		script.server_cookie = 3;
		find(&found, 5000);
		check_unknown(&found, R_REUSED);

		reset_recorded();
		script.client = client;
		script.record.shared = 1;
		script.server = NEVER;
		find(&found, 5000);
		check_unknown(&found, R_REUSED);

		/* No cookie is 0, so nor is one that is not known. */
		reset_recorded();
		script.client = client;
		script.record.server = 0;
		script.record.client = script.client_cookie = 0;
		script.server = NEVER;
		find(&found, 5000);
		check_unknown(&found, R_REUSED);
		assert_int_equal(script.asked_opener, 0);
	}
}

/* Neither end is there: only the record says so, and not for ever. */
static void
t_record_alone(void **state)
{
	static const struct {
		uint64_t	 age;
		int		 complete;
		enum reason	 reason;
	} table[] = {
		{ 0, 1, R_NONE },
		{ 59999999, 1, R_NONE },
		{ 59999999, 0, R_CLOSED },
		{ 60000000, NEVER, R_CLOSED },
		{ UINT64_MAX, NEVER, R_CLOSED },
	};
	struct found	 found;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		reset_recorded();
		script.client = script.server = SOCK_NONE;
		script.record.age = table[i].age;
		script.complete = table[i].complete;
		find(&found, 5000);
		if (table[i].reason != R_NONE) {
			check_unknown(&found, table[i].reason);
			continue;
		}
		assert_int_equal(script.asked_complete, 1);
		assert_int_equal(found.owner.verdict, E_OWNED);
		assert_int_equal(found.owner.uid, 2000);
		check_opener(&found, 0);
	}
	/* Of an earlier one, if somebody is at fast open meanwhile. */
	reset_recorded();
	script.client = script.server = SOCK_NONE;
	script.attempt = 1;
	find(&found, 5000);
	check_unknown(&found, R_REUSED);
	/* Where the kernel has the MTA's end, age does not matter. */
	reset_recorded();
	script.client = SOCK_FORGOTTEN;
	script.record.age = UINT64_MAX;
	find(&found, 5000);
	assert_int_equal(found.owner.uid, 2000);
}

/* Root's: not what a kernel says that has forgotten. */
static void
t_recorded_root(void **state)
{
	struct found	 found;

	(void)state;
	reset_recorded();
	script.client = SOCK_FORGOTTEN;
	script.record.uid = 0;
	find(&found, 5000);
	assert_int_equal(found.owner.verdict, E_OWNED);
	assert_int_equal(found.owner.uid, 0);
	check_opener(&found, 0);
}

/* Who opened it has gone: then who holds it; if nobody, who opened it. */
static void
t_opener_gone(void **state)
{
	struct found	 found;

	(void)state;
	reset_recorded();
	script.opener_gone = 1;
	find(&found, 5000);
	assert_int_equal(script.asked_opener, 1);
	assert_int_equal(script.asked_holders, 1);
	assert_int_equal(found.owner.source, SRC_SCAN);
	assert_int_equal(found.owner.uid, 1000);
	assert_int_equal(found.owner.pid, 10);
	assert_int_equal(found.owner.login, 500);
	assert_int_equal(found.owner.holders, 1);
	assert_int_equal(found.holder_uid, 1000);
	assert_null(found.owner.text[T_PROGRAM]);

	reset_recorded();
	script.opener_gone = 1;
	script.nholders = 0;
	find(&found, 5000);
	assert_int_equal(script.asked_holders, 1);
	assert_int_equal(found.owner.uid, 1000);
	check_opener(&found, 1);

	/* Its holder ends as well, or the connection. */
	reset_recorded();
	script.opener_gone = script.gone = 1;
	find(&found, 5000);
	check_opener(&found, 1);
	reset_recorded();
	script.opener_gone = 1;
	script.same = 0;
	find(&found, 5000);
	assert_int_equal(script.asked_same, 1);
	check_opener(&found, 1);

	/* No time to search. */
	reset_recorded();
	script.opener_gone = 1;
	find(&found, 0);
	assert_int_equal(script.asked_holders, 0);
	check_opener(&found, 1);
}

/* Nobody can hold what is closed, so nobody is searched for. */
static void
t_opener_gone_and_closed(void **state)
{
	static const enum sock_state	 client[] = {
		SOCK_ORPHAN, SOCK_FORGOTTEN, SOCK_NONE
	};
	struct found			 found;
	size_t				 i;

	(void)state;
	for (i = 0; i < NITEMS(client); i++) {
		reset_recorded();
		script.client = client[i];
		script.opener_gone = 1;
		find(&found, 5000);
		assert_int_equal(script.asked_holders, 0);
		assert_int_equal(found.owner.verdict, E_OWNED);
		assert_int_equal(found.owner.uid,
		    client[i] == SOCK_ORPHAN ? 1000 : 2000);
		check_opener(&found, 1);
	}
}

static void
t_opener_without_a_name(void **state)
{
	struct found	 found;

	(void)state;
	reset_recorded();
	script.record.program[0] = '\0';
	find(&found, 5000);
	assert_int_equal(found.owner.pid, 77);
	assert_null(found.owner.text[T_PROGRAM]);
}

/* Nothing recorded, where others are: all is as without. */
static void
t_not_recorded(void **state)
{
	struct found	 found;

	(void)state;
	reset_recorded();
	script.recorded = 0;
	find(&found, 5000);
	assert_int_equal(found.owner.uid, 1000);
	assert_int_equal(found.owner.pid, 10);
	assert_int_equal(found.owner.source, SRC_SCAN);
	assert_int_equal(script.asked_opener, 0);
	assert_int_equal(script.asked_listens, 1);

	reset_recorded();
	script.recorded = 0;
	script.client = SOCK_FORGOTTEN;
	script.server = NEVER;
	find(&found, 5000);
	check_unknown(&found, R_CLOSED);

	/* Nobody holds it: nor has anybody opened it. */
	reset_recorded();
	script.recorded = 0;
	script.nholders = 0;
	find(&found, 5000);
	check_no_process(&found);
}

/*
 * What ties the record to the MTA's end can be made the same by another user:
 * he has no place where the client's addresses are the same, or none at all
 * on this host, nor a clock like his.
 */
static void
t_from_elsewhere(void **state)
{
	enum { SAME, SOURCE, NEITHER };	/* of its addresses, what is the same */
	static const struct {
		int		 ours, addresses, timely, local;
		enum verdict	 verdict;
		enum reason	 reason;
	} table[] = {
		{ 1, SAME,	0, NEVER,	E_OWNED,	R_NONE },
		{ 1, SOURCE,	1, NEVER,	E_OWNED,	R_NONE },
		{ 1, SOURCE,	0, 1,		E_UNKNOWN,	R_REDIRECTED },
		{ 1, NEITHER,	1, 1,		E_UNKNOWN,	R_REDIRECTED },
		{ 1, NEITHER,	0, 1,		E_UNKNOWN,	R_REDIRECTED },
		{ 1, NEITHER,	1, 0,		E_REMOTE,	R_NONE },
		{ 1, NEITHER,	1, -1,		E_UNKNOWN,	R_FAILED },
		{ 0, SAME,	0, 0,		E_OWNED,	R_NONE },
		{ 0, SAME,	0, 1,		E_UNKNOWN,	R_REDIRECTED },
		{ 0, SAME,	0, -1,		E_UNKNOWN,	R_FAILED },
		{ 0, SAME,	1, NEVER,	E_OWNED,	R_NONE },
		{ 0, SOURCE,	0, 0,		E_REMOTE,	R_NONE },
		{ 0, SOURCE,	1, NEVER,	E_OWNED,	R_NONE },
		{ 0, NEITHER,	1, 1,		E_UNKNOWN,	R_REDIRECTED },
		{ 0, NEITHER,	1, 0,		E_REMOTE,	R_NONE },
	};
	struct found	 found;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		reset_recorded();
		script.client = SOCK_NONE;
		script.server_established = 1;
		script.client_local = table[i].local;
		script.record.ours = table[i].ours;
		script.record.timely = table[i].timely;
		if (table[i].addresses != SAME)
			script.record.target.port++;
		if (table[i].addresses == NEITHER)
			script.record.source.port++;
		find(&found, 5000);
		assert_int_equal(found.owner.verdict, table[i].verdict);
		assert_int_equal(found.owner.reason, table[i].reason);
	}
}

/* Of so many addresses as loopback has, some pair has a clock like his. */
static void
t_from_loopback(void **state)
{
	static const struct {
		const char	*client, *server;
		int		 named;
	} table[] = {
		{ "127.0.0.1",	"127.0.0.1",	1 },
		{ "192.0.2.1",	"127.0.0.1",	1 },
		{ "::1",	"::1",		1 },
		{ "127.0.0.2",	"127.0.0.1",	0 },
		{ "127.1.0.1",	"192.0.2.1",	0 },
		{ "127.0.1.1",	"127.0.0.1",	0 },
		{ "192.0.2.1",	"127.0.0.2",	0 },
		{ "127.0.0.1",	"127.2.0.1",	0 },
	};
	struct found	 found;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		reset_recorded();
		(void)endpoint_parse(&script.key.client, table[i].client,
		    "2501");
		(void)endpoint_parse(&script.key.server, table[i].server,
		    "25");
		script.record.source = script.key.client;
		script.record.target.port++;
		script.record.timely = 1;
		script.client = SOCK_NONE;
		script.server_established = 1;
		script.client_local = 1;
		find(&found, 5000);
		if (table[i].named)
			assert_int_equal(found.owner.verdict, E_OWNED);
		else
			check_unknown(&found, R_REDIRECTED);
	}
}

/* Connected again by who has it: that may be another than who made it. */
static void
t_again(void **state)
{
	static const enum sock_state	 client[] = {
		SOCK_OWNED, SOCK_ORPHAN, SOCK_FORGOTTEN, SOCK_NONE
	};
	struct found			 found;
	uint32_t			 uid;
	size_t				 i;

	(void)state;
	for (i = 0; i < NITEMS(client); i++) {
		uid = i < 2 ? 1000 : 2000;
		reset_recorded();
		script.client = client[i];
		script.record.again = 1;
		find(&found, 5000);
		check_unknown(&found, R_AMBIGUOUS);
		script.record.opener.uid = 0;
		find(&found, 5000);
		check_unknown(&found, R_AMBIGUOUS);
		script.record.opener.uid = uid;
		find(&found, 5000);
		assert_int_equal(found.owner.verdict, E_OWNED);
		assert_int_equal(found.owner.uid, uid);
	}
}

/* Whose it is was recorded, and lost: the kernel's word is not enough. */
static void
t_lost(void **state)
{
	struct found	 found;
	int		 local;

	(void)state;
	reset_recorded();
	script.record.lost = 1;
	script.server = NEVER;
	find(&found, 5000);
	check_unknown(&found, R_AMBIGUOUS);
	/* No client's end, and nothing that would tie it: not from elsewhere. */
	for (local = 0; local <= 1; local++) {
		reset_recorded();
		script.client = SOCK_NONE;
		script.client_local = local;
		memset(&script.record, 0, sizeof(script.record));
		script.record.lost = 1;
		find(&found, 5000);
		check_unknown(&found, R_AMBIGUOUS);
	}
}

/* More than one that could be it: it is one of this host's all the same. */
static void
t_several(void **state)
{
	struct found	 found;

	(void)state;
	reset();
	script.client = SOCK_SEVERAL;
	find(&found, 5000);
	check_unknown(&found, R_AMBIGUOUS);
	reset_recorded();
	script.client = SOCK_SEVERAL;
	find(&found, 5000);
	check_unknown(&found, R_AMBIGUOUS);
}

/* A connection that was made after the question is not the one meant. */
static void
t_asked_before(void **state)
{
	struct found	 found;

	(void)state;
	reset_recorded();
	find(&found, 5000);
	assert_int_equal(found.owner.verdict, E_OWNED);
	script.asked = script.record.since;
	find(&found, 5000);
	check_unknown(&found, R_REUSED);
}

/* owner_opener() adds to what is owned, and takes nothing away. */
static void
t_opener_not_asked_for(void **state)
{
	struct found	 found;

	(void)state;
	reset_recorded();
	script.record.server = 0;
	find(&found, 5000);
	check_unknown(&found, R_REUSED);
	owner_opener(&os_recording, &found);
	check_unknown(&found, R_REUSED);

	reset_recorded();
	script.opener_gone = 1;
	find(&found, 5000);
	owner_opener(&os_recording, &found);
	assert_int_equal(found.owner.pid, 10);
	assert_int_equal(found.holder_uid, 1000);
}

/* A system that knows connections by their ports. */
#define MANY	10			/* more than are announced together */
static struct {
	struct conn_key	 ahead[AHEAD_MAX];
	size_t		 nahead;
	int		 announced, over, asked;
	int		 closed;	/* some have: not all is asked for */
} many;

static void
many_ahead(const struct conn_key *keys, size_t n)
{
	assert_true(n <= AHEAD_MAX);
	assert_int_equal(many.over, 0);
	if (keys == NULL) {
		many.over = 1;
		return;
	}
	assert_int_equal(many.announced++, 0);
	assert_int_equal(many.asked, 0);
	memcpy(many.ahead, keys, n * sizeof(*keys));
	many.nahead = n;
}

/* Each is asked for as was announced. */
static void
many_sock(const struct conn_key *key, struct sock *sock)
{
	uint16_t	 port = key->client.port;

	memset(sock, 0, sizeof(*sock));
	assert_int_equal(many.announced, 1);
	assert_int_equal(many.over, 0);
	if (!many.closed && (size_t)many.asked < many.nahead) {
		assert_true(endpoint_equal(&key->client,
		    &many.ahead[many.asked].client));
		assert_true(endpoint_equal(&key->server,
		    &many.ahead[many.asked].server));
	}
	many.asked++;
	sock->state = SOCK_OWNED;
	sock->inode = port;
	sock->uid = port;
	if (key->server.port == 0)
		sock->state = SOCK_NONE;
	else if (many.closed && port == 1001)
		sock->state = SOCK_FORGOTTEN;
}

static const struct os_ops os_many = {
	.name = "many",
	.sock = many_sock,
	.ahead = many_ahead,
	.local = fake_local
};

/* Asked together, each gets its own answer. */
static void
t_together(void **state)
{
	static struct found	 found[MANY];
	struct conn_key		 keys[MANY];
	struct sock		 socks[MANY];
	struct inquiry		 q[MANY];
	size_t			 i, n, bad;

	(void)state;
	for (n = 0; n <= MANY; n++)
		for (bad = 0; bad <= n; bad++) {
			memset(&many, 0, sizeof(many));
			for (i = 0; i < n; i++) {
				(void)endpoint_parse(&keys[i].client,
				    "127.0.0.1", "1000");
				(void)endpoint_parse(&keys[i].server,
				    "127.0.0.2", "25");
				keys[i].client.port = i == bad ? 0 : 1000 + i;
				q[i] = (struct inquiry){ &keys[i],
				    &socks[i], &found[i] };
				owner_begin(&os_many, &q[i]);
			}
			owner_ask_all(&os_many, q, n);
			assert_int_equal(many.over, 1);
			for (i = 0; i < n; i++) {
				assert_int_equal(found[i].owner.verdict,
				    i == bad ? E_UNKNOWN : E_OWNED);
				if (i == bad)
					continue;
				assert_int_equal(found[i].owner.uid, 1000 + i);
				assert_int_equal(socks[i].inode, 1000 + i);
			}
		}
}

/* One that is not as was announced does not take the answer of another. */
static void
t_together_closed(void **state)
{
	static struct found	 found[3];
	struct conn_key		 keys[3];
	struct sock		 socks[3];
	struct inquiry		 q[3];
	size_t			 i;

	(void)state;
	memset(&many, 0, sizeof(many));
	many.closed = 1;
	for (i = 0; i < 3; i++) {
		(void)endpoint_parse(&keys[i].client, "127.0.0.1", "1000");
		(void)endpoint_parse(&keys[i].server, "127.0.0.2", "25");
		keys[i].client.port += i;
		q[i] = (struct inquiry){ &keys[i], &socks[i], &found[i] };
		owner_begin(&os_many, &q[i]);
	}
	owner_ask_all(&os_many, q, 3);
	assert_int_equal(found[0].owner.uid, 1000);
	assert_int_equal(found[1].owner.verdict, E_UNKNOWN);
	assert_int_equal(found[1].owner.reason, R_CLOSED);
	assert_int_equal(found[2].owner.uid, 1002);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_together),
		cmocka_unit_test(t_together_closed),
		cmocka_unit_test(t_owned),
		cmocka_unit_test(t_owned_by_root),
		cmocka_unit_test(t_orphan),
		cmocka_unit_test(t_no_budget),
		cmocka_unit_test(t_pairs),
		cmocka_unit_test(t_key),
		cmocka_unit_test(t_nobody_holds_it),
		cmocka_unit_test(t_not_the_same),
		cmocka_unit_test(t_process_gone),
		cmocka_unit_test(t_holder_of_another_uid),
		cmocka_unit_test(t_many_holders),
		cmocka_unit_test(t_pick),
		cmocka_unit_test(t_recorded),
		cmocka_unit_test(t_recorded_of_another),
		cmocka_unit_test(t_record_alone),
		cmocka_unit_test(t_recorded_root),
		cmocka_unit_test(t_opener_gone),
		cmocka_unit_test(t_opener_gone_and_closed),
		cmocka_unit_test(t_opener_without_a_name),
		cmocka_unit_test(t_not_recorded),
		cmocka_unit_test(t_opener_not_asked_for),
		cmocka_unit_test(t_from_elsewhere),
		cmocka_unit_test(t_from_loopback),
		cmocka_unit_test(t_again),
		cmocka_unit_test(t_lost),
		cmocka_unit_test(t_several),
		cmocka_unit_test(t_asked_before),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
