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

#include <stddef.h>
#include <stdio.h>
#include <string.h>

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

/* Returns how many scenes went wrong, and says which. */
static int
scenes_run(void)
{
	const struct scene	*s;
	struct found		 f;
	const char		*said;
	int			 bad = 0;

	for (s = scenes; s < scenes + NITEMS(scenes); s++) {
		scene_begin(s->lines, NITEMS(s->lines));
		os_native.open();
		said = scene_ask(s->client, s->server, &f);
		if (s->answer != NULL ? strcmp(said, s->answer) == 0 :
		    strncmp(said, "unknown ", 8) == 0)
			continue;
		(void)fprintf(stderr, "# %s: %s\n", s->name, said);
		bad++;
	}
	return (bad);
}

/* One more connection, whose processes may change meanwhile. */
static const char *
scene_with(const char *line, struct found *f)
{
	const char *const	 lines[] = { V4, V4MTA, MTA, TELNET };
	const char *const	 client[] = { CLIENT }, *const server[] =
				    { SERVER };

	scene_begin(lines, NITEMS(lines));
	kernel_line(line);
	os_native.open();
	return (scene_ask(client, server, f));
}

#endif
