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
 * Names of uids, from the names processes, which may hang for as long as a
 * directory server likes.  So each question has a deadline, answers are kept,
 * and somebody known keeps his name when the directory is away.
 */

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "resolver.h"

#define FRESH_TIME	60		/* s, that an answer is good */
#define ACCOUNTS_MAX	4096
#define NAMES_PROCS	2

static int	 account_cmp(const struct account *, const struct account *);
static int	 on_named(struct peer *, struct msg *);
static void	 names_gone(struct peer *, const char *);

RB_HEAD(accounts, account);
RB_PROTOTYPE(accounts, account, byuid, account_cmp)
RB_GENERATE(accounts, account, byuid, account_cmp)

static struct accounts	 accounts = RB_INITIALIZER(&accounts);
static TAILQ_HEAD(ages, account) ages =
    TAILQ_HEAD_INITIALIZER(ages);
static size_t		 naccounts;
static struct peer	 names[NAMES_PROCS];
static unsigned int	 open_questions[NAMES_PROCS];

static const struct handler names_handlers[] = {
	{ IMSG_NAMED,		on_named },
	{ IMSG_MAX,		NULL }
};

static int
account_cmp(const struct account *a, const struct account *b)
{
	return (a->uid < b->uid ? -1 : a->uid > b->uid);
}

static void
account_clear(struct account *a)
{
	free(a->groups);
	free(a->name);
	free(a->owner);
}

static void
account_free(struct account *a)
{
	RB_REMOVE(accounts, &accounts, a);
	TAILQ_REMOVE(&ages, a, byage);
	naccounts--;
	if (a->asked != NULL)
		open_questions[a->asked - names]--;
	account_clear(a);
	free(a);
}

/* A new one, in the place of the one that was not used for longest. */
static struct account *
account_new(uint32_t uid)
{
	struct account	*a = TAILQ_LAST(&ages, ages);

	if (naccounts >= ACCOUNTS_MAX && a->refs == 0)
		account_free(a);
	if (naccounts >= ACCOUNTS_MAX ||
	    (a = calloc(1, sizeof(*a))) == NULL)
		return (NULL);
	a->uid = uid;
	TAILQ_INIT(&a->waiting);
	TAILQ_INIT(&a->searches);
	RB_INSERT(accounts, &accounts, a);
	TAILQ_INSERT_HEAD(&ages, a, byage);
	naccounts++;
	return (a);
}

/*
 * What we know of uid, or NULL if there is no memory; it stays until refs is
 * counted down again.
 */
struct account *
account_ref(uint32_t uid)
{
	struct account	 key = { .uid = uid }, *a;

	if ((a = RB_FIND(accounts, &accounts, &key)) != NULL) {
		TAILQ_REMOVE(&ages, a, byage);
		TAILQ_INSERT_HEAD(&ages, a, byage);
	} else if ((a = account_new(uid)) == NULL)
		return (NULL);
	a->refs++;
	return (a);
}

/* A names process, in the place of an earlier one. */
void
names_open(int fd, unsigned int instance, uint32_t life)
{
	struct peer	*n = &names[instance % NAMES_PROCS];

	if (n->open) {
		peer_close(n);
		names_gone(n, NULL);
	}
	peer_open(n, fd, ROLE_RESOLVER, ROLE_NAMES, instance, names_handlers,
	    names_gone);
	n->chan.state = S_RUN;
	n->life = life;
}

/* The less busy of those that are there, or NULL. */
static struct peer *
names_peer(void)
{
	struct peer	*best = NULL;
	size_t		 i;

	for (i = 0; i < NAMES_PROCS; i++)
		if (names[i].open && (best == NULL ||
		    open_questions[i] < open_questions[best - names]))
			best = &names[i];
	return (best);
}

static void
ask(struct account *a)
{
	struct peer	*n;
	struct msg	 m;

	if (a->asked != NULL || (n = names_peer()) == NULL)
		return;
	msg_new(&m, IMSG_NAME, a->uid);
	put_u32(&m, a->uid);
	if (peer_send(n, &m) == -1)
		return;
	a->asked = n;
	a->late = 0;
	open_questions[n - names]++;
}

/*
 * True if what we have is to be used as it is: it is good, or there is no
 * use in waiting.  Asks if it is getting old.
 */
int
names_fresh(struct account *a)
{
	time_t	 now = uptime();

	if (a->told != 0 && now - a->told < FRESH_TIME)
		return (1);
	ask(a);
	return (a->asked == NULL || a->late);
}

/* Nothing was answered: what was asked has to be asked again. */
static void
names_gone(struct peer *n, const char *why)
{
	struct account	*a;

	if (why != NULL)
		child_dropped(n);
	RB_FOREACH(a, accounts, &accounts)
		if (a->asked == n) {
			a->asked = NULL;
			if (!TAILQ_EMPTY(&a->waiting))
				ask(a);
		}
	open_questions[n - names] = 0;
}

/* What names said.  Returns -1, and all is as it was, without memory. */
static int
account_set(struct account *a, const char *name, const char *owner,
    const uint32_t *groups, uint32_t ngroups)
{
	uint32_t	*g;
	char		*n, *o = NULL;

	g = reallocarray(NULL, ngroups + 1, sizeof(*g));
	if ((n = strdup(name)) == NULL || g == NULL ||
	    (o = strdup(owner)) == NULL) {
		free(n);
		free(g);
		return (-1);
	}
	memcpy(g, groups, ngroups * sizeof(*g));
	account_clear(a);
	a->name = n;
	a->owner = o;
	a->groups = g;
	a->ngroups = ngroups;
	/* One that is empty, or looks like #uid, names nobody. */
	if (*n == '\0' || *n == '#') {
		free(n);
		a->name = NULL;
	}
	if (*o == '\0' || *o == '#') {
		free(o);
		a->owner = NULL;
	}
	return (0);
}

/* From names, which believes a directory: texts that may say anything. */
static int
on_named(struct peer *n, struct msg *m)
{
	struct account	 key = { .uid = m->id }, *a;
	uint32_t	 groups[MAX_GROUPS], ngroups, owner_uid, i;
	enum presence	 found = get_u8(m);
	char		 name[MAX_NAME + 2], owner[MAX_NAME + 2];

	get_str(m, name, sizeof(name));
	owner_uid = get_u32(m);
	get_str(m, owner, sizeof(owner));
	if ((ngroups = get_u16(m)) > MAX_GROUPS || found >= FOUND_MAX)
		return (-1);
	for (i = 0; i < ngroups; i++)
		groups[i] = get_u32(m);
	if (msg_end(m) == -1)
		return (-1);
	a = RB_FIND(accounts, &accounts, &key);
	if (a == NULL || a->asked != n)
		return (0);		/* forgotten since */
	a->asked = NULL;
	a->late = 0;
	open_questions[n - names]--;
	if (found != FOUND_FAILED &&
	    account_set(a, name, owner, groups, ngroups) == 0) {
		a->owner_uid = owner_uid;
		a->told = uptime();
	}
	pending_named(a);
	return (0);
}
