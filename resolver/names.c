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
 * The program names: accounts and groups through NSS, which may load anybody's
 * modules and wait for anybody's server.  So it has no rights, and nobody
 * waits for it without a deadline.
 */

#include <sys/types.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "names.h"

#define NSS_BUFFER	65536
#define _PATH_SUBUID	"/etc/subuid"

static struct peer	 resolver;
static int		 quit;

static void
parent_gone(struct peer *parent, const char *why)
{
	(void)parent;
	if (why != NULL)
		fatalx("the parent makes no sense");
	if (!resolver.open)
		exit(0);
	quit = 1;
	child_leave();
}

static void
resolver_gone(struct peer *peer, const char *why)
{
	(void)peer;
	if (why != NULL)
		fatalx("the resolver makes no sense");
	if (quit)
		exit(0);
}

/* The groups of an account, as many as are matched. */
static void
put_groups(struct msg *m, const char *name, gid_t gid)
{
	gid_t	 groups[MAX_GROUPS];
	int	 i, n = MAX_GROUPS;

	if (getgrouplist(name, gid, groups, &n) == -1)
		n = MAX_GROUPS;		/* there are more */
	put_u16(m, n);
	for (i = 0; i < n; i++)
		put_u32(m, groups[i]);
}

/*
 * What NSS found out: only without an error is it sure that there is nobody.
 * Some modules say ENOENT when their server is away.
 */
static enum presence
absent(int error)
{
	return (error == 0 ? FOUND_NO : FOUND_FAILED);
}

/*
 * The account that uid is a subordinate of, or NULL; then *failed says whether
 * there may be one all the same.
 */
static struct passwd *
owner_of(uint32_t uid, struct passwd *pw, int *failed)
{
	static char	 buf[NSS_BUFFER];
	struct passwd	*found = NULL;
	const char	*errstr;
	uint32_t	 id;
	char		 name[MAX_NAME + 2];
	FILE		*f;
	int		 one = 0, error = 0;

	if ((f = fopen(_PATH_SUBUID, "r")) != NULL) {
		one = subuid_owner(f, uid, name, sizeof(name));
		fclose(f);
	} else if (errno != ENOENT)
		error = errno;
	if (one) {
		id = strtonum(name, 0, UINT32_MAX, &errstr);
		if (errstr == NULL)
			error = getpwuid_r(id, pw, buf, sizeof(buf), &found);
		else
			error = getpwnam_r(name, pw, buf, sizeof(buf), &found);
	}
	*failed = found == NULL && error != 0;
	/* Root's subordinates are containers, and nobody's word. */
	return (found == NULL || pw->pw_uid == 0 ? NULL : found);
}

/* Somebody without an account: perhaps a subordinate, in groups of another. */
static void
put_subordinate(struct msg *m, uint32_t uid, int error)
{
	struct passwd	 pw, *owner;
	char		 name[MAX_NAME + 2] = "";
	int		 failed;

	owner = owner_of(uid, &pw, &failed);
	put_u8(m, failed ? FOUND_FAILED : absent(error));
	put_str(m, "");
	put_u32(m, owner == NULL ? uid : pw.pw_uid);
	if (owner != NULL)
		(void)strlcpy(name, pw.pw_name, sizeof(name));
	put_str(m, name);
	if (owner != NULL)
		put_groups(m, pw.pw_name, pw.pw_gid);
	else
		put_u16(m, 0);
}

/* From the resolver: who is uid? */
static int
on_name(struct peer *peer, struct msg *m)
{
	static char	 buf[NSS_BUFFER];
	struct passwd	 pw, *found;
	struct msg	 reply;
	char		 name[MAX_NAME + 2];
	uint32_t	 uid = get_u32(m);
	int		 error;

	if (msg_end(m) == -1)
		return (-1);
	error = getpwuid_r(uid, &pw, buf, sizeof(buf), &found);
	msg_new(&reply, IMSG_NAMED, m->id);
	if (error != 0 || found == NULL || pw.pw_uid != uid)
		put_subordinate(&reply, uid, error);
	else {
		/* One byte more than is shown tells that it was cut. */
		(void)strlcpy(name, pw.pw_name, sizeof(name));
		put_u8(&reply, FOUND_YES);
		put_str(&reply, name);
		put_u32(&reply, uid);
		put_str(&reply, "");
		put_groups(&reply, pw.pw_name, pw.pw_gid);
	}
	(void)peer_send(peer, &reply);
	return (0);
}

static enum presence
user_id(const char *name, uint32_t *id)
{
	static char	 buf[NSS_BUFFER];
	struct passwd	 pw, *found;
	int		 error;

	error = getpwnam_r(name, &pw, buf, sizeof(buf), &found);
	if (error != 0 || found == NULL || strcmp(pw.pw_name, name) != 0)
		return (absent(error));
	*id = pw.pw_uid;
	return (FOUND_YES);
}

static enum presence
group_id(const char *name, uint32_t *id)
{
	static char	 buf[NSS_BUFFER];
	struct group	 gr, *found;
	int		 error;

	error = getgrnam_r(name, &gr, buf, sizeof(buf), &found);
	if (error != 0 || found == NULL || strcmp(gr.gr_name, name) != 0)
		return (absent(error));
	*id = gr.gr_gid;
	return (FOUND_YES);
}

/* What counts as the user's own: the ranges of his subordinate uids. */
static void
put_subuids(struct msg *m, const char *name, uint32_t uid)
{
	struct range	 ranges[MAX_SUBUIDS];
	size_t		 i, n = 0;
	FILE		*f;

	if ((f = fopen(_PATH_SUBUID, "r")) != NULL) {
		n = subuid_ranges(f, name, uid, ranges, MAX_SUBUIDS);
		fclose(f);
	}
	put_u16(m, n);
	for (i = 0; i < n; i++) {
		put_u32(m, ranges[i].lo);
		put_u32(m, ranges[i].hi);
	}
}

/* From the parent: what is the id of a name in the configuration? */
static int
on_id(struct peer *parent, struct msg *m)
{
	struct msg	 reply;
	enum table_kind	 kind = get_u8(m);
	enum presence	 found;
	uint32_t	 id = 0;
	char		 name[STR_MAX + 1];

	get_str(m, name, sizeof(name));
	if (msg_end(m) == -1 || kind >= TABLE_KINDS)
		return (-1);
	found = kind == TABLE_USERS ? user_id(name, &id) : group_id(name, &id);
	msg_new(&reply, IMSG_IDOF, m->id);
	put_u8(&reply, found);
	put_u32(&reply, id);
	if (found == FOUND_YES && kind == TABLE_USERS && id != 0)
		put_subuids(&reply, name, id);
	else
		put_u16(&reply, 0);
	(void)peer_send(parent, &reply);
	return (0);
}

static int
on_peer(struct peer *parent, struct msg *m)
{
	static const struct handler	 handlers[] = {
		{ IMSG_NAME,	on_name },
		{ IMSG_MAX,	NULL }
	};
	enum role			 role = get_u8(m);
	unsigned int			 instance = get_u16(m);

	(void)parent;
	if (msg_end(m) == -1 || role != ROLE_RESOLVER)
		return (-1);
	peer_close(&resolver);
	peer_open(&resolver, msg_claim_fd(m), ROLE_NAMES, role, instance,
	    handlers, resolver_gone);
	resolver.chan.state = S_RUN;
	return (0);
}

static int
on_start(struct peer *parent, struct msg *m)
{
	if (msg_end(m) == -1)
		return (-1);
	child_ready(parent, sandbox_names());
	return (0);
}

int
main(int argc, char **argv)
{
	static const struct handler	 handlers[] = {
		{ IMSG_PEER,	on_peer },
		{ IMSG_LOGFD,	on_logfd },
		{ IMSG_START,	on_start },
		{ IMSG_PING,	on_ping },
		{ IMSG_ID,	on_id },
		{ IMSG_MAX,	NULL }
	};
	struct child			 child;
	struct peer			 parent;

	child_init(&child, ROLE_NAMES, argc, argv);
	child_drop(&child, KEEP_NOTHING);
	resolver.chan.fd = -1;
	child_serve(&child, &parent, handlers, parent_gone);
	setproctitle("answers names");
	(void)event_dispatch();
	return (1);
}
