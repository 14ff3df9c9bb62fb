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
 * SOURCES: milterd/blocked.c common/wire.c common/chan.c common/msgtab.c
 * SOURCES: common/addr.c
 * LIBS: -lpthread -Wl,--wrap=reallocarray
 *
 * Who is blocked at run time, from the first word of control on.
 */

#include <sys/wait.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "milterd.h"

#define WAIT_ASKED	2000	/* ms, as the manual says */
#define WAIT		200	/* ms, what it gets here */
#define FATAL		7	/* how a child ends that called it */

static unsigned int	 warnings;	/* under blocked.c's lock */
static uint32_t		 wait_asked;
static int		 no_memory;

void	*__real_reallocarray(void *, size_t, size_t);
void	*__wrap_reallocarray(void *, size_t, size_t);

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	if (no_memory) {
		errno = ENOMEM;
		return (NULL);
	}
	return (__real_reallocarray(p, n, size));
}

void
log_warnx(const char *fmt, ...)
{
	(void)fmt;
	warnings++;
}

void
fatal(const char *fmt, ...)
{
	(void)fmt;
	_exit(FATAL);
}

/* link.c's; nobody wants to wait that long here. */
void
deadline_set(struct timespec *ts, uint32_t ms)
{
	wait_asked = ms;
	(void)clock_gettime(CLOCK_MONOTONIC, ts);
	ts->tv_nsec += WAIT * 1000000L;
	if (ts->tv_nsec >= 1000000000L) {
		ts->tv_nsec -= 1000000000L;
		ts->tv_sec++;
	}
}

static uint64_t
msec(void)
{
	struct timespec	 ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static void
pause_ms(unsigned int ms)
{
	struct timespec	 ts = { 0, ms * 1000000L };

	(void)nanosleep(&ts, NULL);
}

static void
put_block(struct msg *m, uint32_t key, uint32_t lo, uint32_t hi)
{
	put_u32(m, key);
	put_u32(m, lo);
	put_u32(m, hi);
}

/* As control says it: one block to add or delete, none for the others. */
static int
change(enum table_op op, uint32_t key, uint32_t lo, uint32_t hi)
{
	struct msg	 m;

	msg_new(&m, IMSG_TABLE, 0);
	put_u8(&m, op);
	if (op == TABLE_ADD || op == TABLE_DELETE)
		put_block(&m, key, lo, hi);
	return (blocked_change(&m));
}

/* A message with no blocks yet. */
static void
table_new(struct msg *m, enum table_op op)
{
	msg_new(m, IMSG_TABLE, 0);
	put_u8(m, op);
}

/* Somebody who is not named, or who is, and is nobody's subordinate. */
static int
blocked_as(uint32_t uid, int named)
{
	struct owner	 o = { .verdict = E_OWNED, .named = named, .uid = uid,
			    .account = uid };

	return (blocked(&o));
}

static int
blocked_uid(uint32_t uid)
{
	return (blocked_as(uid, 0));
}

static void
begin(void)
{
	pthread_condattr_t	 monotonic;

	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	blocked_init(&monotonic);
}

/* A worker that has its table, which is empty. */
static int
fresh(void **state)
{
	(void)state;
	begin();
	return (change(TABLE_CLEAR, 0, 0, 0) == TABLE_CLEAR &&
	    change(TABLE_SYNC, 0, 0, 0) == TABLE_SYNC ? 0 : -1);
}

/*
 * The first wait is the only one, so each test of it has a process of its
 * own, where must() takes the place of assertions.
 */
static void
must(int ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "%s\n", what);
		_exit(1);
	}
}

static int
in_child(void (*fn)(void))
{
	pid_t	 pid;
	int	 status;

	if ((pid = fork()) == 0) {
		(void)alarm(60);
		begin();
		fn();
		_exit(0);
	}
	assert_int_not_equal(pid, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* One mail that waits for the table, in a thread. */
struct mail {
	pthread_t	 thread;
	uint32_t	 uid;
	int		 blocked;
	uint64_t	 took;		/* ms */
};

static void *
mail_thread(void *arg)
{
	struct mail	*mail = arg;
	uint64_t	 start = msec();

	mail->blocked = blocked_uid(mail->uid);
	mail->took = msec() - start;
	return (NULL);
}

static void
mail_start(struct mail *mail, uint32_t uid)
{
	mail->uid = uid;
	must(pthread_create(&mail->thread, NULL, mail_thread, mail) == 0,
	    "pthread_create");
}

static void
mail_end(struct mail *mail)
{
	must(pthread_join(mail->thread, NULL) == 0, "pthread_join");
}

/* Control is away: mail waits once, flows, and obeys as soon as it is back. */
static void
never(void)
{
	uint64_t	 start = msec();

	must(!blocked_uid(1000), "blocked by nobody");
	must(msec() - start >= WAIT, "did not wait");
	must(wait_asked == WAIT_ASKED, "another time to wait");
	must(warnings == 1, "no warning");
	start = msec();
	must(!blocked_uid(1000) && !blocked_uid(0), "blocked by nobody");
	must(msec() - start < WAIT, "waited twice");
	must(change(TABLE_ADD, 1, 1000, 1000) == TABLE_ADD, "add");
	must(blocked_uid(1000) && !blocked_uid(1001), "not in force");
	must(change(TABLE_SYNC, 0, 0, 0) == TABLE_SYNC, "sync");
	must(blocked_uid(1000) && !blocked_uid(1001), "not in force");
	must(warnings == 1, "warned twice");
}

/* All of the table is waited for, not its first entries, and no longer. */
static void
soon(void)
{
	struct mail	 bad, good;
	uint64_t	 start = msec();

	must(change(TABLE_CLEAR, 0, 0, 0) == TABLE_CLEAR, "clear");
	mail_start(&bad, 1001);
	mail_start(&good, 1002);
	must(change(TABLE_ADD, 1, 1000, 1000) == TABLE_ADD, "add");
	pause_ms(WAIT / 4);
	must(change(TABLE_ADD, 2, 1001, 1001) == TABLE_ADD, "add");
	must(change(TABLE_DELETE, 1, 0, 0) == TABLE_DELETE, "delete");
	must(change(TABLE_SYNC, 0, 0, 0) == TABLE_SYNC, "sync");
	start = msec() - start;
	mail_end(&bad);
	mail_end(&good);
	/* On a machine that is too slow for this nothing is proved. */
	if (start >= WAIT)
		return;
	must(bad.blocked == 1 && good.blocked == 0, "did not wait for all");
	must(bad.took < WAIT && good.took < WAIT, "was not woken");
	must(warnings == 0, "a warning");
}

/* A part of a table is none: nobody is blocked until all of it is there. */
static void
half(void)
{
	uint64_t	 start = msec();

	must(change(TABLE_CLEAR, 0, 0, 0) == TABLE_CLEAR, "clear");
	must(change(TABLE_ADD, 1, 1000, 1001) == TABLE_ADD, "add");
	must(change(TABLE_ADD, 2, 1002, 1002) == TABLE_ADD, "add");
	must(change(TABLE_DELETE, 2, 0, 0) == TABLE_DELETE, "delete");
	must(!blocked_uid(1000), "blocked by nobody");
	must(msec() - start >= WAIT && warnings == 1, "did not wait");
	must(!blocked_uid(1001), "half a table is in force");
	must(change(TABLE_SYNC, 0, 0, 0) == TABLE_SYNC, "sync");
	must(blocked_uid(1001) && !blocked_uid(1002), "not in force");
}

/* All that wait give up with the first of them, and one warning does. */
static void
together(void)
{
	struct mail	 first, second;

	mail_start(&first, 1000);
	pause_ms(WAIT / 2);
	mail_start(&second, 1000);
	mail_end(&first);
	mail_end(&second);
	must(!first.blocked && !second.blocked, "blocked by nobody");
	must(warnings == 1, "warned twice");
	must(second.took < WAIT, "waited for its own end");
}

/* It can't be told who is blocked: another worker is to. */
static void
full(void)
{
	uint32_t	 i;

	for (i = 0; i < 2000; i++) {
		if (i == 500)
			no_memory = 1;
		must(change(TABLE_ADD, i, i, i) == TABLE_ADD, "add");
	}
}

static void
t_first(void **state)
{
	(void)state;
	assert_int_equal(in_child(never), 0);
	assert_int_equal(in_child(soon), 0);
	assert_int_equal(in_child(half), 0);
	assert_int_equal(in_child(together), 0);
}

static void
t_no_memory(void **state)
{
	(void)state;
	assert_int_equal(in_child(full), FATAL);
}

/*
 * Whom two blocks hit: uid 1000, who has 100000 to 165535 beside it, and those
 * from 70000 to 70009.
 */
static void
t_owners(void **state)
{
	static const struct {
		const char	*what;
		struct owner	 o;
		int		 expect;
	} table[] = {
		{ "he", { .verdict = E_OWNED, .named = 1, .uid = 1000,
		    .account = 1000, .text = { [T_USER] = "alice" } }, 1 },
		{ "without an account", { .verdict = E_OWNED, .named = 1,
		    .uid = 1000, .account = 1000 }, 1 },
		{ "another", { .verdict = E_OWNED, .named = 1, .uid = 1001,
		    .account = 1001, .text = { [T_USER] = "bob" } }, 0 },
		{ "of that name only", { .verdict = E_OWNED, .named = 1,
		    .uid = 1001, .account = 1001,
		    .text = { [T_USER] = "alice" } }, 0 },
		{ "root", { .verdict = E_OWNED, .named = 1 }, 0 },
		{ "his subordinate", { .verdict = E_OWNED, .named = 1,
		    .uid = 100000, .account = 1000,
		    .text = { [T_OWNER] = "alice" } }, 1 },
		{ "his in a new range", { .verdict = E_OWNED, .named = 1,
		    .uid = 200000, .account = 1000,
		    .text = { [T_OWNER] = "alice" } }, 1 },
		{ "his, with a name, too", { .verdict = E_OWNED, .named = 1,
		    .uid = 200000, .account = 1000, .text = {
		    [T_USER] = "box", [T_OWNER] = "alice" } }, 1 },
		{ "bob's subordinate", { .verdict = E_OWNED, .named = 1,
		    .uid = 200000, .account = 1001,
		    .text = { [T_OWNER] = "bob" } }, 0 },
		{ "bob's now", { .verdict = E_OWNED, .named = 1,
		    .uid = 100000, .account = 1001,
		    .text = { [T_OWNER] = "bob" } }, 0 },
		{ "blocked himself", { .verdict = E_OWNED, .named = 1,
		    .uid = 70005, .account = 1001,
		    .text = { [T_OWNER] = "bob" } }, 1 },
		{ "whose owner is in his range", { .verdict = E_OWNED,
		    .named = 1, .uid = 200000, .account = 100005,
		    .text = { [T_OWNER] = "box" } }, 0 },
		/* An account may have a uid in his range. */
		{ "an account", { .verdict = E_OWNED, .named = 1,
		    .uid = 100000, .account = 100000,
		    .text = { [T_USER] = "box" } }, 0 },
		{ "nobody's", { .verdict = E_OWNED, .named = 1,
		    .uid = 165535, .account = 165535 }, 0 },
		/* Without a name there is no account. */
		{ "a number that is left", { .verdict = E_OWNED, .named = 1,
		    .uid = 200000, .account = 1000 }, 0 },
		/* Until names speak, the range is his. */
		{ "he, not named", { .verdict = E_OWNED, .uid = 1000,
		    .account = 1000 }, 1 },
		{ "the first of his", { .verdict = E_OWNED, .uid = 100000,
		    .account = 100000 }, 1 },
		{ "the last of his", { .verdict = E_OWNED, .uid = 165535,
		    .account = 165535 }, 1 },
		{ "before it", { .verdict = E_OWNED, .uid = 99999,
		    .account = 99999 }, 0 },
		{ "after it", { .verdict = E_OWNED, .uid = 165536,
		    .account = 165536 }, 0 },
		{ "not named, with an owner", { .verdict = E_OWNED,
		    .uid = 200000, .account = 1000,
		    .text = { [T_OWNER] = "alice" } }, 0 },
		/* What is left of an unknown one must not count. */
		{ "unknown", { .verdict = E_UNKNOWN, .reason = R_CLOSED,
		    .named = 1, .uid = 1000, .account = 1000,
		    .text = { [T_USER] = "alice", [T_OWNER] = "alice" } },
		    0 },
		{ "unknown, not named", { .verdict = E_UNKNOWN,
		    .uid = 100000, .account = 100000 }, 0 },
		{ "remote", { .verdict = E_REMOTE, .named = 1, .uid = 1000,
		    .account = 1000, .text = { [T_OWNER] = "alice" } }, 0 },
	};
	struct msg	 m;
	size_t		 i;

	(void)state;
	table_new(&m, TABLE_ADD);
	put_block(&m, 1, 1000, 1000);
	put_block(&m, 1, 100000, 165535);
	put_block(&m, 2, 70000, 70009);
	assert_int_equal(blocked_change(&m), TABLE_ADD);
	for (i = 0; i < NITEMS(table); i++)
		if (blocked(&table[i].o) != table[i].expect)
			fail_msg("%s", table[i].what);
}

/* What control says, one after the other, and who is blocked then. */
static void
t_changes(void **state)
{
	static const uint32_t	 uids[] = {
		0, 1, 999, 1000, 1001, 1002, 1003, UINT32_MAX
	};
	static const struct {
		int		 op;
		uint32_t	 key, lo, hi;
		int		 expect[NITEMS(uids)];
	} table[] = {
		{ TABLE_DELETE, 1, 0, 0, { 0, 0, 0, 0, 0, 0, 0, 0 } },
		{ TABLE_ADD, 1, 1000, 1002, { 0, 0, 0, 1, 1, 1, 0, 0 } },
		/* What comes later of a key is instead of what it had. */
		{ TABLE_ADD, 1, 0, 0, { 1, 0, 0, 0, 0, 0, 0, 0 } },
		{ TABLE_ADD, 9, 1000, 1002, { 1, 0, 0, 1, 1, 1, 0, 0 } },
		{ TABLE_ADD, 2, 1002, 1003, { 1, 0, 0, 1, 1, 1, 1, 0 } },
		{ TABLE_ADD, UINT32_MAX, UINT32_MAX, UINT32_MAX,
		    { 1, 0, 0, 1, 1, 1, 1, 1 } },
		{ TABLE_DELETE, 3, 0, 0, { 1, 0, 0, 1, 1, 1, 1, 1 } },
		/* The key counts, not the range that is said. */
		{ TABLE_DELETE, 4, 1000, 1002, { 1, 0, 0, 1, 1, 1, 1, 1 } },
		/* All of an entry go, and what another has stays. */
		{ TABLE_DELETE, 1, 0, 0, { 0, 0, 0, 1, 1, 1, 1, 1 } },
		{ TABLE_DELETE, 1, 0, 0, { 0, 0, 0, 1, 1, 1, 1, 1 } },
		{ TABLE_DELETE, 9, 0, 0, { 0, 0, 0, 0, 0, 1, 1, 1 } },
		{ TABLE_SYNC, 0, 0, 0, { 0, 0, 0, 0, 0, 1, 1, 1 } },
		/* The same twice, and it goes at once. */
		{ TABLE_ADD, 2, 1002, 1003, { 0, 0, 0, 0, 0, 1, 1, 1 } },
		{ TABLE_DELETE, 2, 0, 0, { 0, 0, 0, 0, 0, 0, 0, 1 } },
		{ TABLE_ADD, 0, 0, UINT32_MAX, { 1, 1, 1, 1, 1, 1, 1, 1 } },
		{ TABLE_DELETE, 0, 0, 0, { 0, 0, 0, 0, 0, 0, 0, 1 } },
		/* A new control: until it has said all, the old one's holds. */
		{ TABLE_CLEAR, 0, 0, 0, { 0, 0, 0, 0, 0, 0, 0, 1 } },
		{ TABLE_ADD, 5, 1, 999, { 0, 0, 0, 0, 0, 0, 0, 1 } },
		{ TABLE_ADD, 6, 1000, 1001, { 0, 0, 0, 0, 0, 0, 0, 1 } },
		{ TABLE_DELETE, 5, 0, 0, { 0, 0, 0, 0, 0, 0, 0, 1 } },
		{ TABLE_DELETE, UINT32_MAX, 0, 0, { 0, 0, 0, 0, 0, 0, 0, 1 } },
		{ TABLE_SYNC, 0, 0, 0, { 0, 0, 0, 1, 1, 0, 0, 0 } },
		{ TABLE_ADD, 7, 0, 0, { 1, 0, 0, 1, 1, 0, 0, 0 } },
		{ TABLE_SYNC, 0, 0, 0, { 1, 0, 0, 1, 1, 0, 0, 0 } },
		/* One that dies meanwhile leaves nothing behind. */
		{ TABLE_CLEAR, 0, 0, 0, { 1, 0, 0, 1, 1, 0, 0, 0 } },
		{ TABLE_ADD, 8, 999, 999, { 1, 0, 0, 1, 1, 0, 0, 0 } },
		{ TABLE_CLEAR, 0, 0, 0, { 1, 0, 0, 1, 1, 0, 0, 0 } },
		{ TABLE_ADD, 8, 1003, 1003, { 1, 0, 0, 1, 1, 0, 0, 0 } },
		{ TABLE_SYNC, 0, 0, 0, { 0, 0, 0, 0, 0, 0, 1, 0 } },
		{ TABLE_CLEAR, 0, 0, 0, { 0, 0, 0, 0, 0, 0, 1, 0 } },
		{ TABLE_SYNC, 0, 0, 0, { 0, 0, 0, 0, 0, 0, 0, 0 } },
	};
	size_t	 i, j;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		assert_int_equal(change(table[i].op, table[i].key,
		    table[i].lo, table[i].hi), table[i].op);
		for (j = 0; j < NITEMS(uids); j++)
			if (blocked_uid(uids[j]) != table[i].expect[j])
				fail_msg("row %zu, uid %u", i, uids[j]);
	}
}

/* All ranges of an entry come in one message, the uid before the others. */
static void
t_ranges(void **state)
{
	struct msg	 m;

	(void)state;
	table_new(&m, TABLE_ADD);
	put_block(&m, 1, 1000, 1000);
	put_block(&m, 1, 2000, 2009);
	put_block(&m, 1, 4000, 4009);
	put_block(&m, 2, 3000, 3000);
	assert_int_equal(blocked_change(&m), TABLE_ADD);
	assert_true(blocked_uid(1000) && blocked_uid(2005) &&
	    blocked_uid(4009) && blocked_uid(3000));
	assert_true(blocked_as(1000, 1) && blocked_as(3000, 1));
	assert_false(blocked_as(2005, 1) || blocked_as(4009, 1));
	/* Who is blocked by his own uid does not go through for the range. */
	assert_int_equal(change(TABLE_ADD, 3, 2005, 2005), TABLE_ADD);
	assert_true(blocked_as(2005, 1));
	assert_false(blocked_as(2004, 1));
	assert_int_equal(change(TABLE_ADD, 1, 1001, 1001), TABLE_ADD);
	assert_true(blocked_uid(1001) && blocked_uid(3000) &&
	    blocked_uid(2005));
	assert_false(blocked_uid(1000) || blocked_uid(2004) ||
	    blocked_uid(4009));
	/* The same key in the next message begins with the uid again. */
	assert_int_equal(change(TABLE_ADD, 1, 2004, 2004), TABLE_ADD);
	assert_true(blocked_as(2004, 1));
	assert_false(blocked_uid(1001));
}

/* Some keys in one message, in any order, and what each had before goes. */
static void
t_replaced(void **state)
{
	static const uint32_t	 keys[] = {
		UINT32_MAX, 3, 0, 7, 1, 0x80000000
	};
	struct msg		 m;
	uint32_t		 i, round;

	(void)state;
	assert_int_equal(change(TABLE_ADD, 2, 50, 50), TABLE_ADD);
	assert_int_equal(change(TABLE_ADD, 0x7fffffff, 51, 51), TABLE_ADD);
	for (round = 0; round < 4; round++) {
		table_new(&m, TABLE_ADD);
		for (i = 0; i < NITEMS(keys); i++) {
			put_block(&m, keys[i], 1000 * round + i,
			    1000 * round + i);
			/* Another number of ranges each time. */
			if ((i + round) % 2 == 0)
				put_block(&m, keys[i], 10000 * (round + 1) + i,
				    10000 * (round + 1) + i);
		}
		assert_int_equal(blocked_change(&m), TABLE_ADD);
		for (i = 0; i < 4 * NITEMS(keys); i++) {
			assert_int_equal(blocked_as(1000 * (i / NITEMS(keys)) +
			    i % NITEMS(keys), 1), i / NITEMS(keys) == round);
			assert_int_equal(blocked_uid(10000 *
			    (i / NITEMS(keys) + 1) + i % NITEMS(keys)),
			    i / NITEMS(keys) == round &&
			    (i % NITEMS(keys) + round) % 2 == 0);
		}
		assert_true(blocked_uid(50) && blocked_uid(51));
	}
	table_new(&m, TABLE_DELETE);
	for (i = 0; i < NITEMS(keys); i++)
		put_block(&m, keys[i], 0, 0);
	assert_int_equal(blocked_change(&m), TABLE_DELETE);
	for (i = 0; i < NITEMS(keys); i++)
		assert_false(blocked_uid(3000 + i) || blocked_uid(40000 + i));
	assert_true(blocked_uid(50) && blocked_uid(51));
}

/* Control's word for a table that is empty, or that ends with a message. */
static void
t_nothing(void **state)
{
	struct msg	 m;

	(void)state;
	table_new(&m, TABLE_CLEAR);
	assert_int_equal(blocked_change(&m), TABLE_CLEAR);
	table_new(&m, TABLE_ADD);
	assert_int_equal(blocked_change(&m), TABLE_ADD);
	table_new(&m, TABLE_SYNC);
	assert_int_equal(blocked_change(&m), TABLE_SYNC);
	assert_false(blocked_uid(0) || blocked_uid(1000));
	table_new(&m, TABLE_ADD);
	assert_int_equal(blocked_change(&m), TABLE_ADD);
	table_new(&m, TABLE_DELETE);
	assert_int_equal(blocked_change(&m), TABLE_DELETE);
	assert_int_equal(change(TABLE_ADD, 1, 1000, 1000), TABLE_ADD);
	table_new(&m, TABLE_ADD);
	assert_int_equal(blocked_change(&m), TABLE_ADD);
	table_new(&m, TABLE_DELETE);
	assert_int_equal(blocked_change(&m), TABLE_DELETE);
	assert_true(blocked_uid(1000));
}

/* Thousands, put in and taken away in another order. */
static void
t_many(void **state)
{
	uint32_t	 i, n = 3000;

	(void)state;
	for (i = 0; i < n; i++)
		assert_int_equal(change(TABLE_ADD, i, 3 * i, 3 * i + 1),
		    TABLE_ADD);
	for (i = 0; i < n; i++)
		assert_true(blocked_uid(3 * i) && blocked_uid(3 * i + 1) &&
		    !blocked_uid(3 * i + 2));
	assert_false(blocked_uid(3 * n));
	/* 7 and 3000 have no common divisor. */
	for (i = 0; i < n; i++) {
		assert_true(blocked_uid(i * 7 % n * 3));
		assert_int_equal(change(TABLE_DELETE, i * 7 % n, 0, 0),
		    TABLE_DELETE);
		assert_false(blocked_uid(i * 7 % n * 3));
		assert_int_equal(blocked_uid((i + 1) * 7 % n * 3), i + 1 < n);
	}
}

/* As many in one message as go in; those of the wrong kind are passed over. */
static void
t_packed(void **state)
{
	struct msg	 m;
	uint32_t	 i;
	enum table_op	 op;

	(void)state;
	for (op = TABLE_ADD; op <= TABLE_SYNC; op++) {
		msg_new(&m, IMSG_TABLE, 0);
		put_u8(&m, op);
		for (i = 0; m.len < msgtab[IMSG_TABLE].max; i++)
			put_block(&m, i, 2 * i, 2 * i);
		assert_int_equal(m.bad, 0);
		assert_int_equal(m.len, msgtab[IMSG_TABLE].max);
		assert_int_equal(blocked_change(&m), op);
		while (i-- > 0) {
			assert_int_equal(blocked_uid(2 * i), op == TABLE_ADD);
			assert_false(blocked_uid(2 * i + 1));
		}
	}
	msg_new(&m, IMSG_TABLE, 0);
	put_u8(&m, TABLE_CLEAR);
	put_block(&m, 1, 1000, 1000);
	assert_int_equal(blocked_change(&m), TABLE_CLEAR);
	assert_int_equal(change(TABLE_SYNC, 0, 0, 0), TABLE_SYNC);
	assert_false(blocked_uid(1000));
}

/* What makes no sense is refused, lifts no block and makes none. */
static void
t_flaws(void **state)
{
	static const struct {
		int		 op;
		uint32_t	 lo, hi;
	} table[] = {
		{ TABLE_OP_MAX, 0, 0 },
		{ TABLE_OP_MAX, 1001, 1001 },
		{ 0xff, 1001, 1001 },
		{ TABLE_ADD, 1, 0 },
		{ TABLE_ADD, UINT32_MAX, 0 },
		{ TABLE_ADD, UINT32_MAX, UINT32_MAX - 1 },
		{ TABLE_DELETE, 1, 0 },
		{ TABLE_CLEAR, 1, 0 },
		{ TABLE_SYNC, 1, 0 },
	};
	struct msg	 m;
	size_t		 i, len;
	int		 op;

	(void)state;
	assert_int_equal(change(TABLE_ADD, 1, 1000, 1000), TABLE_ADD);
	for (i = 0; i < NITEMS(table); i++) {
		msg_new(&m, IMSG_TABLE, 0);
		put_u8(&m, table[i].op);
		put_block(&m, 1, table[i].lo, table[i].hi);
		if (blocked_change(&m) != -1)
			fail_msg("row %zu", i);
		assert_true(blocked_uid(1000));
		assert_false(blocked_uid(0) || blocked_uid(1) ||
		    blocked_uid(1001) || blocked_uid(UINT32_MAX));
	}
	/* Cut within the first block or the second. */
	for (op = 0; op < TABLE_OP_MAX; op++)
		for (len = 0; len < 25; len++) {
			table_new(&m, op);
			put_block(&m, 2, 2000, 2000);
			put_block(&m, 1, 0, UINT32_MAX);
			if (len == 1 || len == 13)
				continue;
			m.len = len;
			assert_int_equal(blocked_change(&m), -1);
			assert_true(blocked_uid(1000));
			assert_false(blocked_uid(0) || blocked_uid(1001) ||
			    blocked_uid(2000));
		}
	assert_int_equal(change(TABLE_ADD, 3, 3000, 3000), TABLE_ADD);
	assert_true(blocked_uid(3000));
	/* Nor is half a table in force. */
	assert_int_equal(change(TABLE_CLEAR, 0, 0, 0), TABLE_CLEAR);
	msg_new(&m, IMSG_TABLE, 0);
	put_u8(&m, TABLE_SYNC);
	put_u8(&m, 0);
	assert_int_equal(blocked_change(&m), -1);
	assert_true(blocked_uid(1000));
}

/* Among many blocks that are good there is a bad one: none counts. */
static void
t_flaw_among(void **state)
{
	struct msg	 m;
	uint32_t	 i, bad, n = MAX_BLOCKS;
	int		 op, renewing;

	(void)state;
	for (i = 0; i < n; i++)
		assert_int_equal(change(TABLE_ADD, i, i, i), TABLE_ADD);
	for (renewing = 0; renewing <= 1; renewing++) {
		if (renewing)
			assert_int_equal(change(TABLE_CLEAR, 0, 0, 0),
			    TABLE_CLEAR);
		for (op = 0; op <= TABLE_OP_MAX; op++)
			for (bad = 0; bad < n; bad += n / 4) {
				table_new(&m, op);
				for (i = 0; i < n; i++)
					put_block(&m, i, 1000 + i, 1000 + i -
					    (i == bad));
				assert_int_equal(blocked_change(&m), -1);
				for (i = 0; i < n; i++)
					assert_true(blocked_uid(i) &&
					    !blocked_uid(1000 + i));
			}
	}
	/* Nor was any of it kept for later. */
	assert_int_equal(change(TABLE_SYNC, 0, 0, 0), TABLE_SYNC);
	for (i = 0; i < n; i++)
		assert_false(blocked_uid(i) || blocked_uid(1000 + i));
	/* One more than there may be. */
	table_new(&m, TABLE_ADD);
	for (i = 0; i <= n; i++)
		put_block(&m, i, i, i);
	assert_int_equal(m.bad, 0);
	assert_int_equal(blocked_change(&m), -1);
	for (i = 0; i <= n; i++)
		assert_false(blocked_uid(i));
}

static void *
asking_thread(void *arg)
{
	unsigned int	*wrong = arg;
	int		 i;

	for (i = 0; i < 20000; i++)
		if (!blocked_uid(1000) || blocked_uid(1001))
			(*wrong)++;
	return (NULL);
}

/* Threads that ask while the table changes see none of it half. */
static void
t_threads(void **state)
{
	pthread_t	 threads[4];
	unsigned int	 wrong[NITEMS(threads)] = { 0 };
	uint32_t	 i, j;

	(void)state;
	/* 1000 moves about in the table, between others that go. */
	for (i = 0; i < 10; i++)
		(void)change(TABLE_ADD, i, 2000 + i, 2000 + i);
	(void)change(TABLE_ADD, 10, 1000, 1000);
	for (i = 0; i < NITEMS(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    asking_thread, &wrong[i]), 0);
	for (j = 0; j < 200; j++)
		for (i = 0; i < 200; i++)
			(void)change(j % 2 == i % 2 ? TABLE_ADD :
			    TABLE_DELETE, i == 10 ? 11 : i, 2000, 2000 + i);
	for (i = 0; i < NITEMS(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (i = 0; i < NITEMS(threads); i++)
		assert_int_equal(wrong[i], 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_first),
		cmocka_unit_test(t_no_memory),
		cmocka_unit_test_setup(t_owners, fresh),
		cmocka_unit_test_setup(t_changes, fresh),
		cmocka_unit_test_setup(t_ranges, fresh),
		cmocka_unit_test_setup(t_replaced, fresh),
		cmocka_unit_test_setup(t_nothing, fresh),
		cmocka_unit_test_setup(t_many, fresh),
		cmocka_unit_test_setup(t_packed, fresh),
		cmocka_unit_test_setup(t_flaws, fresh),
		cmocka_unit_test_setup(t_flaw_among, fresh),
		cmocka_unit_test_setup(t_threads, fresh),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
