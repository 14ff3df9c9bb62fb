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
 * What clients, workers, the resolver and the parent say to control: what it
 * says to them is legal, and nobody but root makes it change anything.
 *
 * SOURCES: common/sandbox_none.c
 * SOURCES: control/ledger.c common/addr.c common/answer.c common/caps_linux.c
 * SOURCES: common/chan.c common/clock.c common/confwire.c
 * SOURCES: common/log.c common/msgtab.c common/peer.c common/privdrop.c
 * SOURCES: common/wire.c common/xtext.c
 * LIBS: -Wl,--wrap=accept,--wrap=getpeereid,--wrap=arc4random,--wrap=exit
 */

#include <fcntl.h>
#include <setjmp.h>

#include "packet.h"

/* Their variables are set back after each run. */
#include "child.c"
#include "control.c"
#include "clients.c"
#define add table_add
#include "tables.c"
#undef add
#define add stats_count_in
#include "workers.c"
#undef add

/* At our end of its channels. */
enum who { ROOT, USER, WORKER, RESOLVER, PARENT, WORKER2, WHOS };

static struct chan	 ends[WHOS];
static struct peer	 parent_peer;
static int		 pending = -1;	/* to be accepted */
static uid_t		 pending_uid;
static int		 knock[2];	/* in place of a listening socket */
static int		 root_spoke;
static jmp_buf		 end;
static int		 running;
static struct event_base *base;

int	 __wrap_accept(int, struct sockaddr *, socklen_t *);
int	 __wrap_getpeereid(int, uid_t *, gid_t *);
uint32_t __wrap_arc4random(void);
void	 __real_exit(int) NORETURN;
void	 __wrap_exit(int) NORETURN;

int
__wrap_accept(int fd, struct sockaddr *sa, socklen_t *len)
{
	int	 new = pending;
	char	 c;

	(void)sa;
	(void)len;
	REQUIRE(read(fd, &c, 1) == 1);
	pending = -1;
	return (new);
}

int
__wrap_getpeereid(int fd, uid_t *uid, gid_t *gid)
{
	(void)fd;
	*uid = *gid = pending_uid;
	return (0);
}

uint32_t
__wrap_arc4random(void)
{
	return (0);
}

/* It ends when the parent makes no sense. */
void
__wrap_exit(int status)
{
	if (!running)
		__real_exit(status);
	longjmp(end, 1);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	REQUIRE(pipe(knock) == 0);
	log_init("fuzz", open("/dev/null", O_WRONLY), 0);
	return (0);
}

/* One more channel: ours is the other end.  Returns control's. */
static int
channel(enum who who, enum role self)
{
	int	 pair[2];

	REQUIRE(chan_pair(pair) == 0);
	chan_init(&ends[who], pair[0], self, ROLE_CONTROL, 1);
	ends[who].state = S_RUN;
	return (pair[1]);
}

/* Until nobody has anything to do. */
static void
turn(void)
{
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
client_new(enum who who, uid_t uid)
{
	pending = channel(who, ROLE_CLIENT);
	pending_uid = uid;
	REQUIRE(write(knock[1], "x", 1) == 1);
	turn();
	REQUIRE(pending == -1);
}

static void
begin_all(void)
{
	REQUIRE((base = event_init()) != NULL);
	control_init(&parent_peer);
	to_parent = &parent_peer;
	peer_open(&parent_peer, channel(PARENT, ROLE_PARENT), ROLE_CONTROL,
	    ROLE_PARENT, 0, control_handlers, control_gone);
	parent_peer.chan.state = S_RUN;
	peer_open(&resolver, channel(RESOLVER, ROLE_RESOLVER), ROLE_CONTROL,
	    ROLE_RESOLVER, 1, resolver_handlers, resolver_gone);
	resolver.chan.state = S_RUN;
	REQUIRE(clients_listen(dup(knock[0])) == 0 && clients_start() == 0);
	workers_start();
	REQUIRE(worker_open(channel(WORKER, ROLE_WORKER), 1, 1) == 0);
	REQUIRE(worker_open(channel(WORKER2, ROLE_WORKER), 2, 2) == 0);
	client_new(ROOT, 0);
	client_new(USER, 1000);
	root_spoke = 0;
}

static void
end_all(void)
{
	struct peer	*p;
	int		 i;

	while ((p = TAILQ_FIRST(&clients)) != NULL) {
		peer_close(p);
		client_gone(p, NULL);
	}
	while ((p = TAILQ_FIRST(&workers)) != NULL)
		worker_free(p);
	while (!TAILQ_EMPTY(&table))
		drop(TAILQ_FIRST(&table));
	peer_close(&resolver);
	peer_close(&parent_peer);
	clients_stop();
	ledger_free(ledger);
	stats_free(stats);
	quit = started = 0;
	event_base_free(base);
	for (i = 0; i < WHOS; i++)
		chan_close(&ends[i]);
}

/* What only root may cause. */
static int
is_roots(enum imsg type)
{
	return (type == IMSG_SAVE || type == IMSG_USERID ||
	    type == IMSG_RELOAD || type == IMSG_STOP ||
	    type == IMSG_LOOKUP || type == IMSG_CAPS_GET);
}

static void
listen_to(struct chan *c)
{
	struct msg	 m;
	const char	*why;
	int		 rv;

	while ((rv = chan_recv(c, &m, &why)) == 1)
		REQUIRE(root_spoke || !is_roots(m.type));
	REQUIRE(rv == 0 || why == NULL);
}

static void
talk(struct input *in)
{
	struct input	 packet;
	enum who	 who;
	uint8_t		 how;

	if (setjmp(end) != 0)
		return;
	while (in->left > 0) {
		who = take_u8(in) % WHOS;
		how = take_u8(in);
		packet = take_part(in);
		/* The parent can do anything; for the others see there. */
		root_spoke |= who == ROOT || who == PARENT;
		if (packet.left > 0)
			packet_send(ends[who].fd, &packet, how & 1);
		if (how & 2)
			listen_to(&ends[who]);
		turn();
	}
}

/* Who speaks, whether with a descriptor and whether he listens, and what. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input	 in = { data, len };
	int		 i;

	begin_all();
	running = 1;
	talk(&in);
	running = 0;
	for (i = 0; i < WHOS; i++)
		listen_to(&ends[i]);
	end_all();
	return (0);
}
