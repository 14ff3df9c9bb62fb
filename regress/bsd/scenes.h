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
 * What every backend for a BSD has to answer, whatever it asks its kernel:
 * the rows are those of Linux, as far as these systems can know.
 */

#ifndef SCENES_H
#define SCENES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel.h"
#include "owner-find.h"

#define CLIENT	"127.0.0.1", "40000"
#define SERVER	"127.0.0.1", "25"
#define V4	"tcp 1 127.0.0.1 40000 127.0.0.1 25 uid=1000"
#define V4MTA	"tcp 2 127.0.0.1 25 127.0.0.1 40000 accepted=1"
#define LISTEN	"tcp 3 0.0.0.0 25 0.0.0.0 0 state=1 accepted=1"
#define MTA	"proc 25 comm=smtpd fd=2 fd=3"
#define TELNET	"proc 100 uid=1000 start=50 comm=telnet exe=/usr/bin/telnet " \
		    "cwd=/home/u args=telnet fd=1"

struct scene {
	const char	*name;
	const char	*lines[12];
	const char	*client[2], *server[2];
	const char	*answer;
};

/* verdict reason uid pid holders program */
static const struct scene	 scenes[] = {
	{ "IPv4", { V4, V4MTA, LISTEN, MTA, TELNET },
	    { CLIENT }, { SERVER }, "owned none 1000 100 1 telnet" },
	{ "IPv6", { "tcp 1 ::1 40000 ::1 25 uid=1000",
	    "tcp 2 ::1 25 ::1 40000 accepted=1", LISTEN, MTA, TELNET },
	    { "::1", "40000" }, { "::1", "25" },
	    "owned none 1000 100 1 telnet" },
	{ "the host's public address", { "addr 192.0.2.1",
	    "tcp 1 192.0.2.1 40000 192.0.2.1 25 uid=1000",
	    "tcp 2 192.0.2.1 25 192.0.2.1 40000 accepted=1", MTA, TELNET },
	    { "192.0.2.1", "40000" }, { "192.0.2.1", "25" },
	    "owned none 1000 100 1 telnet" },
	{ "another host", { "addr 192.0.2.1",
	    "tcp 2 192.0.2.1 25 192.0.2.9 40000 accepted=1", MTA },
	    { "192.0.2.9", "40000" }, { "192.0.2.1", "25" },
	    "remote none 0 0 0 -" },
	{ "root himself", { "tcp 1 127.0.0.1 40000 127.0.0.1 25 uid=0",
	    V4MTA, MTA, "proc 7 start=9 comm=cron fd=1" },
	    { CLIENT }, { SERVER }, "owned none 0 7 1 cron" },
	{ "closed and forgotten", { V4MTA " state=5", LISTEN, MTA },
	    { CLIENT }, { SERVER }, "unknown closed 0 0 0 -" },
	{ "only a pcb is left, and says root", { V4MTA " state=5", MTA,
	    "tcp 1 127.0.0.1 40000 127.0.0.1 25 uid=0 detached=1 state=9" },
	    { CLIENT }, { SERVER }, "unknown closed 0 0 0 -" },
	{ "closed, and the owner is known", { V4MTA " state=5", MTA,
	    "tcp 1 127.0.0.1 40000 127.0.0.1 25 uid=1000 closed=1 state=9" },
	    { CLIENT }, { SERVER }, "owned none 1000 0 0 -" },
	{ "a handshake is no connection", { MTA,
	    "tcp 1 127.0.0.1 40000 127.0.0.1 25 uid=1000 state=2", TELNET },
	    { CLIENT }, { SERVER }, "unknown closed 0 0 0 -" },
	{ "the port is used again", { V4, LISTEN, MTA, TELNET,
	    "tcp 2 127.0.0.1 25 127.0.0.1 40000 accepted=1 queued=1" },
	    { CLIENT }, { SERVER }, "unknown reused 0 0 0 -" },
	{ "the port is used again, the queue is full", { V4, LISTEN, MTA,
	    TELNET }, { CLIENT }, { SERVER }, "unknown reused 0 0 0 -" },
	{ "redirected", { V4MTA, MTA,
	    "tcp 1 127.0.0.1 40000 192.0.2.5 25 uid=1000", TELNET },
	    { CLIENT }, { SERVER }, "unknown redirected 0 0 0 -" },
	{ "the wrong way round", { V4, V4MTA, LISTEN, MTA, TELNET },
	    { SERVER }, { CLIENT }, "unknown ambiguous 0 0 0 -" },
	{ "a client that listens as well", { V4, V4MTA, LISTEN, MTA, TELNET,
	    "tcp 4 127.0.0.1 40000 0.0.0.0 0 state=1 accepted=1" },
	    { CLIENT }, { SERVER }, "owned none 1000 100 1 telnet" },
	{ "two hold it: the older one", { V4, V4MTA, MTA,
	    "proc 300 uid=1000 start=60 comm=child fd=1", TELNET },
	    { CLIENT }, { SERVER }, "owned none 1000 100 2 telnet" },
	{ "one holds it twice", { V4, V4MTA, MTA,
	    "proc 300 uid=1000 start=60 comm=twice fd=1 fd=1" },
	    { CLIENT }, { SERVER }, "owned none 1000 300 1 twice" },
	{ "passed to another user", { V4, V4MTA, MTA,
	    "proc 300 uid=2000 start=60 comm=other fd=1" },
	    { CLIENT }, { SERVER }, "owned none 1000 300 1 other" },
	{ "he became another user, with others about", { V4, V4MTA, MTA,
	    "proc 200 uid=1000 start=10 comm=shell",
	    "proc 300 uid=2000 start=60 comm=setuid fd=1" },
	    { CLIENT }, { SERVER }, "owned none 1000 300 1 setuid" },
	{ "its own user's first, though younger", { V4, V4MTA, MTA,
	    "proc 300 uid=2000 start=10 comm=other fd=1", TELNET },
	    { CLIENT }, { SERVER }, "owned none 1000 100 1 telnet" },
	{ "a neighbour's port", { V4, V4MTA, MTA, TELNET,
	    "tcp 4 127.0.0.1 40001 127.0.0.1 25 uid=1001",
	    "tcp 5 127.0.0.1 25 127.0.0.1 40001 accepted=1",
	    "proc 400 uid=1001 comm=other fd=4" },
	    { "127.0.0.1", "40001" }, { SERVER },
	    "owned none 1001 400 1 other" },
	{ "we may not ask", { V4, V4MTA, MTA, TELNET, "deny cred",
	    "deny pcbs", "deny files" }, { CLIENT }, { SERVER }, NULL },
	{ "the list of connections has another format", { V4, V4MTA, MTA,
	    TELNET, "lie pcbs", "lie cred", "cut files 1" },
	    { CLIENT }, { SERVER }, NULL },
	{ "the last byte is missing", { V4, V4MTA, MTA, TELNET,
	    "cut pcbs 1", "cut files 1" }, { CLIENT }, { SERVER }, NULL }
};

/* The answer in a line; NULL in a scene means: any that names nobody. */
static const char *
scene_answer(const struct found *f, char *buf, size_t size)
{
	const struct owner	*o = &f->owner;

	(void)snprintf(buf, size, "%s %s %u %u %u %s",
	    verdict_names[o->verdict], o->reason == R_NONE ? "none" :
	    reason_names[o->reason], o->verdict == E_OWNED ? o->uid : 0,
	    o->pid, o->holders, o->text[T_PROGRAM] == NULL ? "-" :
	    o->text[T_PROGRAM]);
	return (buf);
}

static void
scene_begin(const char *const *lines, size_t n)
{
	size_t	 i;

	kernel_reset();
	for (i = 0; i < n && lines[i] != NULL; i++)
		kernel_line(lines[i]);
}

static const char *
scene_ask(const char *const client[2], const char *const server[2],
    struct found *f)
{
	static char	 buf[256];
	struct budget	 budget = { .usec = 10000000 };
	struct conn_key	 key;

	if (endpoint_parse(&key.client, client[0], client[1]) == -1 ||
	    endpoint_parse(&key.server, server[0], server[1]) == -1)
		return ("bad scene");
	memset(f, 0, sizeof(*f));
	f->want = UINT32_MAX;
	owner_find(&os_native, &key, &budget, f);
	return (scene_answer(f, buf, sizeof(buf)));
}

/* Scenes of one's own: all lines, then NULL. */
static void
scene_set(const char *line, ...)
{
	va_list	 ap;

	kernel_reset();
	va_start(ap, line);
	for (; line != NULL; line = va_arg(ap, const char *))
		kernel_line(line);
	va_end(ap);
	os_native.open();
}

/* The usual question. */
static const char *
scene_said(struct found *f)
{
	static const char *const	 client[] = { CLIENT };
	static const char *const	 server[] = { SERVER };

	return (scene_ask(client, server, f));
}

/* One more line, of what may happen meanwhile. */
static const char *
scene_with(const char *line, struct found *f)
{
	scene_set(V4, V4MTA, MTA, TELNET, line, NULL);
	return (scene_said(f));
}

/* Before the nth question from now. */
static void
scene_when(int n, const char *line)
{
	char	 when[256];

	(void)snprintf(when, sizeof(when), "when %d %s", n, line);
	kernel_line(when);
}

/*
 * Tests that every backend has.
 */

static void
t_scenes(void **state)
{
	const struct scene	*s;
	struct found		 f;
	const char		*said;
	int			 bad = 0;

	(void)state;
	for (s = scenes; s < scenes + NITEMS(scenes); s++) {
		scene_begin(s->lines, NITEMS(s->lines));
		os_native.open();
		said = scene_ask(s->client, s->server, &f);
		if (s->answer != NULL ? strcmp(said, s->answer) == 0 :
		    strncmp(said, "unknown ", 8) == 0)
			continue;
		print_error("%s: %s\n", s->name, said);
		bad++;
	}
	assert_int_equal(bad, 0);
	assert_int_equal(kernel.empty, 0);
}

/* Every answer can be the first one after a change. */
static void
t_changes(void **state)
{
	static const char *const	 changes[] = {
		/* The pid is used again, by one who has the socket or not. */
		NULL, "proc 100 uid=1000 start=70 comm=next",
		"proc 100 uid=1000 start=70 comm=next fd=1"
	};
	struct found			 f;
	const char			*said;
	size_t				 i;
	int				 n;

	(void)state;
	for (n = 1; n < 40; n++)
		for (i = 0; i < NITEMS(changes); i++) {
			scene_set(V4, V4MTA, MTA, TELNET, NULL);
			scene_when(n, "gone 100");
			if (changes[i] != NULL)
				scene_when(n, changes[i]);
			said = scene_said(&f);
			if (f.owner.pid == NO_PID)
				assert_string_equal(said,
				    "owned none 1000 0 0 -");
			else if (f.owner.start == 50 * 1000000)
				assert_string_equal(said,
				    "owned none 1000 100 1 telnet");
			else {
				assert_int_equal(i, 2);
				assert_int_equal(f.owner.start, 70 * 1000000);
				assert_string_equal(said,
				    "owned none 1000 100 1 next");
			}
		}
}

/* The connection becomes another user's at each moment: never a mixture. */
static void
t_reused(void **state)
{
	struct found	 f;
	const char	*said;
	int		 n;

	(void)state;
	for (n = 1; n < 40; n++) {
		scene_set(V4, V4MTA, MTA, TELNET,
		    "proc 200 uid=2000 start=60 comm=thief", NULL);
		scene_when(n, "gone 1");
		scene_when(n, "tcp 9 127.0.0.1 40000 127.0.0.1 25 uid=2000");
		scene_when(n, "gone 200");
		scene_when(n, "proc 200 uid=2000 start=60 comm=thief fd=9");
		said = scene_said(&f);
		if (f.owner.verdict != E_OWNED) {
			assert_memory_equal(said, "unknown", 7);
			continue;
		}
		assert_true(f.owner.uid == 1000 || f.owner.uid == 2000);
		if (f.owner.pid != NO_PID)
			assert_int_equal(f.owner.pid,
			    f.owner.uid == 1000 ? 100 : 200);
	}
}

static void
t_local(void **state)
{
	static const struct { const char *addr; int local; } rows[] = {
		{ "127.0.0.1", 1 }, { "127.9.9.9", 1 }, { "::1", 1 },
		{ "192.0.2.1", 1 }, { "192.0.2.2", 0 }, { "2001:db8::1", 1 },
		{ "2001:db8::2", 0 }, { "fe80::1", 1 }, { "fe80::2", 0 }
	};
	struct endpoint	 e;
	size_t		 i;

	(void)state;
	scene_set(MTA, "addr 192.0.2.1", "addr 2001:db8::1", "addr fe80::1",
	    NULL);
	for (i = 0; i < NITEMS(rows); i++) {
		assert_int_equal(endpoint_parse(&e, rows[i].addr, "1"), 0);
		assert_int_equal(os_native.local(&e), rows[i].local);
	}
}

static int
always(void *arg)
{
	(void)arg;
	return (1);
}

/* When others wait, one holder is enough; no time at all is no search. */
static void
t_budget(void **state)
{
	struct budget	 budget = { 10000000, always, NULL };
	struct holder	 list[MAX_HOLDERS];
	struct conn_key	 key;
	struct sock	 sock;

	(void)state;
	scene_set(V4, V4MTA, MTA, "proc 300 uid=1000 start=60 comm=child fd=1",
	    TELNET, NULL);
	assert_int_equal(endpoint_parse(&key.client, CLIENT), 0);
	assert_int_equal(endpoint_parse(&key.server, SERVER), 0);
	os_native.sock(&key, &sock);
	assert_int_equal(sock.state, SOCK_OWNED);
	assert_int_equal(os_native.holders(&sock, &budget, list), 1);
	assert_int_equal(list[0].pid, 300);
	budget.busy = NULL;
	assert_int_equal(os_native.holders(&sock, &budget, list), 2);
	budget.usec = 0;
	assert_int_equal(os_native.holders(&sock, &budget, list), 0);
}

#define SCENE_TESTS	cmocka_unit_test(t_scenes), \
			    cmocka_unit_test(t_changes), \
			    cmocka_unit_test(t_reused), \
			    cmocka_unit_test(t_local), \
			    cmocka_unit_test(t_budget)

#endif
