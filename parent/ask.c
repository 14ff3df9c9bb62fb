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
 * Questions of control for the uid of a name, which a names process answers.
 * The policy asks there too: one question at a time for each names process,
 * and the two have their turns.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "proc.h"

#define ASK_MAX		64	/* questions of control at a time */
#define ASK_TIME	5	/* s, that control waits for an answer */
#define HANG_TIME	60	/* s, after that, in which one may still look */

struct question {
	TAILQ_ENTRY(question)	 next;
	char			 name[MAX_ACCOUNT + 1];
	uint32_t		 request;	/* as control calls it */
	int			 waiting;	/* control still is */
	int			 lost;		/* one who was asked died */
	const struct proc	*asked;		/* by id; or NULL: not yet */
	uint32_t		 id;
	struct event		 timer;
};
TAILQ_HEAD(questions, question);

static struct parent	*env;
static struct questions	 questions = TAILQ_HEAD_INITIALIZER(questions);
static unsigned int	 nquestions;
static uint32_t		 last_id;

void
ask_init(struct parent *parent)
{
	env = parent;
}

static void
answer(uint32_t request, enum presence found, const struct range *ranges,
    size_t n)
{
	struct msg	 m;
	size_t		 i;

	msg_new(&m, IMSG_USERIDOF, request);
	put_u8(&m, found);
	put_u32(&m, n > 0 ? ranges[0].lo : 0);
	put_u16(&m, n > 0 ? n - 1 : 0);
	for (i = 1; i < n; i++) {
		put_u32(&m, ranges[i].lo);
		put_u32(&m, ranges[i].hi);
	}
	peers_control(&m);
}

static void
question_timer(struct question *q, time_t seconds)
{
	struct timeval	 tv = { seconds, 0 };

	timer_add(&q->timer, &tv);
}

static void
question_free(struct question *q)
{
	(void)evtimer_del(&q->timer);
	TAILQ_REMOVE(&questions, q, next);
	nquestions--;
	free(q);
}

/*
 * Nobody waits for the answer any more.  Who was asked does still look for it:
 * until he has found it, another question is better asked elsewhere.
 */
static void
question_forget(struct question *q)
{
	q->waiting = 0;
	if (q->asked == NULL)
		question_free(q);
	else
		question_timer(q, HANG_TIME);
}

static void
cb_late(int fd, short event, void *arg)
{
	struct question	*q = arg;

	(void)fd;
	(void)event;
	if (q->waiting) {
		answer(q->request, FOUND_FAILED, NULL, 0);
		question_forget(q);
		return;
	}
	question_free(q);
	load_pump();
	ask_pump();
}

/* True if that names process has a question of control. */
int
ask_busy(const struct proc *p)
{
	const struct question	*q;

	TAILQ_FOREACH(q, &questions, next)
		if (q->asked == p)
			return (1);
	return (0);
}

static void
ask(struct question *q, struct proc *p)
{
	struct msg	 m;

	last_id = (last_id + 1) % ASK_ID;
	msg_new(&m, IMSG_ID, ASK_ID | last_id);
	put_u8(&m, TABLE_USERS);
	put_str(&m, q->name);
	if (peer_send(&p->peer, &m) == -1)
		return;		/* it is about to die */
	q->asked = p;
	q->id = ASK_ID | last_id;
}

/* Ask what can be asked now. */
void
ask_pump(void)
{
	struct question	*q;
	struct proc	*p;

	TAILQ_FOREACH(q, &questions, next) {
		if (q->asked != NULL)
			continue;
		if ((p = load_names()) == NULL)
			return;
		ask(q, p);
	}
}

/* control wants to know whose name that is. */
void
ask_user(uint32_t request, const char *name)
{
	struct question	*q;

	if (nquestions == ASK_MAX || (q = calloc(1, sizeof(*q))) == NULL) {
		answer(request, FOUND_FAILED, NULL, 0);
		return;
	}
	(void)strlcpy(q->name, name, sizeof(q->name));
	q->request = request;
	q->waiting = 1;
	evtimer_set(&q->timer, cb_late, q);
	question_timer(q, ASK_TIME);
	TAILQ_INSERT_TAIL(&questions, q, next);
	nquestions++;
	ask_pump();
}

/* From names: as load_idof(), but that control decides what it means. */
void
ask_idof(const struct proc *p, uint32_t id, enum presence found,
    const struct range *ranges, size_t n)
{
	struct question	*q;

	TAILQ_FOREACH(q, &questions, next)
		if (q->asked == p && q->id == id)
			break;
	if (q == NULL)
		return;		/* not asked */
	/* (uid_t)-1 is nobody's, whatever a directory says. */
	if (found == FOUND_YES && ranges[0].lo == UID_UNKNOWN)
		found = FOUND_NO;
	if (q->waiting)
		answer(q->request, found, ranges, n);
	question_free(q);
	load_pump();		/* the policy's turn */
	ask_pump();
}

/* One who was asked died: another one is.  Or control did: nobody cares. */
void
ask_lost(const struct proc *p)
{
	struct question	*q, *next;

	TAILQ_FOREACH_SAFE(q, &questions, next, next) {
		if (p->role == ROLE_CONTROL) {
			question_forget(q);
			continue;
		}
		if (q->asked != p)
			continue;
		q->asked = NULL;
		if (q->waiting && q->lost)
			answer(q->request, FOUND_FAILED, NULL, 0);
		if (!q->waiting || q->lost)
			question_free(q);
		else
			q->lost = 1;
	}
	ask_pump();
}
