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

/* How a child begins: HELLO, descriptors and configuration, START, READY. */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sysuser.h"

#define CHANNEL_FD	3	/* to the parent */
#define SYSLOG_FD	4	/* unless -d */
#define LEAVE_TIME	11	/* s; workers give their sessions 10 */

static uint32_t	 dropped;	/* bits 1 << enum protection */
static struct peer	*to_parent;

static uint32_t
number(const char *what, const char *arg)
{
	const char	*errstr;
	uint32_t	 n;

	n = strtonum(arg, 0, UINT32_MAX - 1, &errstr);
	if (errstr != NULL)
		fatalx("-%s %s: %s", what, arg, errstr);
	return (n);
}

/*
 * The flags that the parent gives: what logging and the drop need, for they
 * come before the first message.
 */
void
child_init(struct child *c, enum role role, int argc, char **argv)
{
	struct stat	 st;
	int		 ch;

	memset(c, 0, sizeof(*c));
	c->role = role;
	c->debug = 1;
	log_init(role_names[role], -1, 0);
	while ((ch = getopt(argc, argv, "F:I:c:g:lu:v")) != -1)
		switch (ch) {
		case 'F':
			c->family = number("F", optarg);
			break;
		case 'I':
			c->instance = number("I", optarg);
			break;
		case 'c':
			c->dir = optarg;
			break;
		case 'g':
			c->gid = number("g", optarg);
			break;
		case 'l':
			c->debug = 0;
			break;
		case 'u':
			c->uid = number("u", optarg);
			break;
		case 'v':
			c->verbose = 1;
			break;
		default:
			exit(1);
		}
	if (argc != optind || fstat(CHANNEL_FD, &st) == -1 ||
	    !S_ISSOCK(st.st_mode))
		fatalx("not to be run by hand: milter-sysuser(8) starts it");
	if (c->uid == 0 || c->gid == 0)
		fatalx("will not run as uid 0 or gid 0");
	log_init(role_names[role], c->debug ? -1 : SYSLOG_FD, c->verbose);
	if (c->debug)
		log_hurry();

	/* EOF from the parent is the only order to leave. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGUSR1, SIG_IGN);
}

/* Give up what keep, bits of KEEP_*, does not name. */
void
child_drop(const struct child *c, int keep)
{
	privdrop(c->uid, c->gid, c->dir, keep);
	dropped = 1U << PROT_CAPS;
	if (c->dir != NULL)
		dropped |= 1U << PROT_CHROOT;
}

/* After the drop: begin to listen to the parent.  The loop is the caller's. */
void
child_serve(const struct child *c, struct peer *parent,
    const struct handler *handlers, void (*gone)(struct peer *, const char *))
{
	struct msg	 m;

	if (event_init() == NULL || event_priority_init(TURN_MAX) == -1)
		fatalx("no event loop");
	to_parent = parent;
	peer_open(parent, CHANNEL_FD, c->role, ROLE_PARENT, 0, handlers, gone);
	peer_priority(parent, TURN_FIRST, TURN_NEXT);
	msg_new(&m, IMSG_HELLO, 0);
	put_u32(&m, PROTOCOL_VERSION);
	put_u32(&m, getpid());
	if (peer_send(parent, &m) == -1) {
		/* It has gone already, and said why. */
		if (errno == EPIPE)
			exit(0);
		fatal("the parent");
	}
}

/*
 * To be called by the handler of START, once all is in place: with what
 * protects us from now on, bits 1 << enum protection.
 */
void
child_ready(struct peer *parent, uint32_t protections)
{
	struct msg	 m;

	parent->chan.state = S_RUN;
	msg_new(&m, IMSG_READY, 0);
	put_u32(&m, dropped | protections);
	(void)peer_send(parent, &m);
}

/* That policy is in force. */
void
child_ack(struct peer *parent, uint32_t generation)
{
	struct msg	 m;

	msg_new(&m, IMSG_CONF_ACK, 0);
	put_u32(&m, generation);
	put_u32(&m, 0);
	(void)peer_send(parent, &m);
}

int
on_logfd(struct peer *parent, struct msg *m)
{
	(void)parent;
	log_setfd(msg_claim_fd(m));
	return (msg_end(m));
}

/* From the parent, which kills who does not answer. */
int
on_ping(struct peer *from, struct msg *m)
{
	struct msg	 reply;

	msg_new(&reply, IMSG_PONG, 0);
	(void)peer_send(from, &reply);
	return (msg_end(m));
}

/*
 * We do not listen to that child any more, nor will it get another channel to
 * us in this life: the parent is to give it a new one.
 */
void
child_dropped(const struct peer *who)
{
	struct msg	 m;

	msg_new(&m, IMSG_DROPPED, who->life);
	put_u8(&m, who->chan.peer);
	put_u16(&m, who->chan.instance);
	(void)peer_send(to_parent, &m);
}

static void
cb_leave(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	exit(0);
}

/*
 * The parent has gone, and the workers may still have sessions that need us:
 * who calls this leaves when they have, or in this time.
 */
void
child_leave(void)
{
	static struct event	 timer;
	struct timeval		 tv = { LEAVE_TIME, 0 };

	evtimer_set(&timer, cb_leave, NULL);
	timer_add(&timer, &tv);
}
