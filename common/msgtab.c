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
 * The message table: what is legal on a channel.  Every message passes
 * msg_check() before anybody looks into it; regress compares the table with
 * MESSAGES, which is for people.
 */

#include "sysuser.h"

#define P	(1 << ROLE_PARENT)
#define R	(1 << ROLE_RESOLVER)
#define N	(1 << ROLE_NAMES)
#define K	(1 << ROLE_CONTROL)
#define W	(1 << ROLE_WORKER)
#define C	(1 << ROLE_CLIENT)

#define BOOT	(1 << S_BOOT)
#define RUN	(1 << S_RUN)

#define OWNER_MIN	(4 + 5 * 4 + 8 + 2 + T_MAX)
#define OWNER_MAX	(OWNER_MIN + 4 * MAX_GROUPS + T_MAX * (3 + MAX_PATH))
#define DATA_MAX	(MSG_MAX - MSG_HEADER)
#define EVENT_MIN	(9 + 3 * 2 + OWNER_MIN)
#define EVENT_MAX	(EVENT_MIN - OWNER_MIN + MAX_QUEUEID + 1 + \
			    MAX_SENDER + 1 + MAX_NAME + 1 + OWNER_MAX)

const char *const role_names[ROLE_MAX] = {
	"parent", "resolver", "names", "control", "worker", "client"
};

#define ROW(t, from, to, min, max, fd, states, once) \
	[IMSG_##t] = { IMSG_##t, #t, from, to, min, max, fd, states, once }

const struct msgrow msgtab[IMSG_MAX] = {
	/*  type	from	to	min	max	fd states once */
	ROW(HELLO,	R|N|K|W, P,	8,	8,	0, BOOT, 1),
	ROW(PEER,	P,	R|N|K|W, 3,	3,	1, BOOT|RUN, 0),
	ROW(LISTEN,	P,	K|W,	2,	2,	1, BOOT, 0),
	ROW(LOGFD,	P,	R|N|K|W, 0,	0,	1, BOOT|RUN, 0),
	ROW(CONF_BEGIN,	P,	R|W,	8,	8,	0, BOOT|RUN, 0),
	ROW(CONF_ITEM,	P,	R|W,	2,	DATA_MAX, 0, BOOT|RUN, 0),
	ROW(CONF_END,	P,	R|W,	4,	4,	0, BOOT|RUN, 0),
	ROW(CONF_ACK,	R|W,	P,	8,	8,	0, BOOT|RUN, 0),
	ROW(START,	P,	R|N|K|W, 0,	0,	0, BOOT, 1),
	ROW(READY,	R|N|K|W, P,	4,	4,	0, BOOT, 1),
	ROW(PING,	P,	R|N|K|W, 0,	0,	0, RUN, 0),
	ROW(PONG,	R|N|K|W, P,	0,	0,	0, RUN, 0),
	ROW(DROPPED,	R|K,	P,	3,	3,	0, BOOT|RUN, 0),

	ROW(LOOKUP,	K|W,	R,	44,	44,	0, RUN, 0),
	ROW(ANSWER,	R,	K|W,	OWNER_MIN, OWNER_MAX, 0, RUN, 0),
	ROW(CAPS_GET,	K,	R,	0,	0,	0, RUN, 0),
	ROW(CAPS,	R,	K,	4,	4,	0, RUN, 0),
	ROW(NAME,	R,	N,	4,	4,	0, RUN, 0),
	ROW(NAMED,	N,	R,	11, 11 + 2 * (MAX_NAME + 1) +
					    4 * MAX_GROUPS, 0, RUN, 0),
	ROW(ID,		P,	N,	3,	3 + STR_MAX, 0, RUN, 0),
	ROW(IDOF,	N,	P,	7, 7 + 8 * MAX_SUBUIDS, 0, RUN, 0),
	ROW(USERID,	K,	P,	2,	2 + MAX_ACCOUNT, 0, RUN, 0),
	ROW(USERIDOF,	P,	K,	7, 7 + 8 * MAX_SUBUIDS, 0, RUN, 0),

	ROW(CHARGE,	W,	K,	33, 24 + MAX_NAME + 1 +
					    9 * MAX_RATES, 0, RUN, 0),
	ROW(VERDICT,	K,	W,	6,	6,	0, RUN, 0),
	ROW(EVENT,	W,	K,	EVENT_MIN, EVENT_MAX, 0, RUN, 0),
	ROW(TABLE,	K,	W,	1, 1 + 12 * MAX_BLOCKS, 0, RUN, 0),
	ROW(TABLED,	W,	K,	0,	0,	0, RUN, 0),
	ROW(TEST,	K,	W,	2 + OWNER_MIN, 2 + MAX_SENDER + 1 +
					    OWNER_MAX, 0, RUN, 0),
	ROW(TESTROW,	W,	K,	8,	8 + STR_MAX, 0, RUN, 0),
	ROW(TESTED,	W,	K,	11,	11 + STR_MAX, 0, RUN, 0),

	ROW(STATS_GET,	P,	R|W,	0,	0,	0, RUN, 0),
	ROW(STATS,	R|W,	P,	8 * STAT_MAX, 8 * STAT_MAX, 0, RUN, 0),
	ROW(PROCS,	K,	P,	0,	0,	0, RUN, 0),
	ROW(PROC,	P,	K,	PROC_SIZE, PROC_SIZE, 0, RUN, 0),
	ROW(TABLES,	K,	P,	0,	0,	0, RUN, 0),
	ROW(TABLEROW,	P,	K,	12, 12 + MAX_NAME + STR_MAX, 0, RUN, 0),
	ROW(SAVE,	K,	P,	16,	16 + MAX_ACCOUNT, 0, RUN, 0),
	ROW(SAVED,	P,	K,	15,	15 + MAX_ACCOUNT, 0, BOOT, 0),
	ROW(RELOAD,	K,	P,	0,	0,	0, RUN, 0),
	ROW(STOP,	K,	P,	0,	0,	0, RUN, 0),
	ROW(RESULT,	P,	K,	6,	6 + STR_MAX, 0, RUN, 0),

	ROW(CTL_HELLO,	C,	K,	4,	4,	0, BOOT, 1),
	ROW(CTL_STATUS,	C,	K,	0,	0,	0, RUN, 0),
	ROW(CTL_LOOKUP,	C,	K,	44,	44,	0, RUN, 0),
	ROW(CTL_RELOAD,	C,	K,	0,	0,	0, RUN, 0),
	ROW(CTL_STOP,	C,	K,	0,	0,	0, RUN, 0),
	ROW(CTL_CAPS_GET, C,	K,	0,	0,	0, RUN, 0),
	ROW(CTL_TOP,	C,	K,	2,	2,	0, RUN, 0),
	ROW(CTL_MONITOR, C,	K,	0,	0,	0, RUN, 0),
	ROW(CTL_BLOCK,	C,	K,	10,	10 + MAX_ACCOUNT, 0, RUN, 0),
	ROW(CTL_UNBLOCK, C,	K,	6,	6 + MAX_ACCOUNT, 0, RUN, 0),
	ROW(CTL_TABLES,	C,	K,	0,	0,	0, RUN, 0),
	ROW(CTL_TEST,	C,	K,	2 + OWNER_MIN, 2 + MAX_SENDER + 1 +
					    OWNER_MAX, 0, RUN, 0),
	ROW(CTL_PROC,	K,	C,	PROC_SIZE, PROC_SIZE, 0, RUN, 0),
	ROW(CTL_ANSWER,	K,	C,	OWNER_MIN, OWNER_MAX, 0, RUN, 0),
	ROW(CTL_CAPS,	K,	C,	4,	4,	0, RUN, 0),
	ROW(CTL_TOPROW,	K,	C,	8 + 4 * SPAN_MAX * TALLY_MAX,
		8 + 4 * SPAN_MAX * TALLY_MAX + 2 * (MAX_NAME + 1), 0, RUN, 0),
	ROW(CTL_EVENT,	K,	C,	EVENT_MIN, EVENT_MAX, 0, RUN, 0),
	ROW(CTL_ALERT,	K,	C,	23,	23 + MAX_NAME + 1, 0, RUN, 0),
	ROW(CTL_LOST,	K,	C,	4,	4,	0, RUN, 0),
	ROW(CTL_BLOCKED, K,	C,	11,	11 + MAX_ACCOUNT, 0, RUN, 0),
	ROW(CTL_TABLEROW, K,	C,	12, 12 + MAX_NAME + STR_MAX, 0, RUN, 0),
	ROW(CTL_TESTROW, K,	C,	8,	8 + STR_MAX, 0, RUN, 0),
	ROW(CTL_TESTED,	K,	C,	11,	11 + STR_MAX, 0, RUN, 0),
	ROW(CTL_OK,	K,	C,	2,	2 + STR_MAX, 0, RUN, 0),
	ROW(CTL_FAIL,	K,	C,	6,	6 + STR_MAX, 0, BOOT|RUN, 0),
};

/*
 * May this message come from the peer of this channel, now?  Returns NULL, or
 * what is wrong with it.
 */
const char *
msg_check(const struct msg *m, const struct chan *c)
{
	const struct msgrow	*row;

	if ((unsigned int)m->type >= IMSG_MAX)
		return ("unknown type");
	row = &msgtab[m->type];
	if (!(row->from & 1 << c->peer))
		return ("not from there");
	if (!(row->to & 1 << c->self))
		return ("not to here");
	if (!(row->states & 1 << c->state))
		return ("not now");
	if (row->once && c->seen[m->type / 8] & 1 << m->type % 8)
		return ("twice");
	if (m->len < row->min)
		return ("too short");
	if (m->len > row->max)
		return ("too long");
	if (row->fd && m->fd == -1)
		return ("descriptor missing");
	if (!row->fd && m->fd != -1)
		return ("unwanted descriptor");
	return (NULL);
}
