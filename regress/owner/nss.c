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
 * A directory of accounts for NSS that does what the file SAYS tells it to:
 * one word, read at each question.
 *
 *	ok		ldapN has uid 70000 + N, N from 1 to 999; so do groups
 *	slow		the same, but it takes 0.2 s
 *	stall		no answer while it says so
 *	hang NAME	none to a question for this one
 *	unavail N	it can't be asked; errno is N
 *	tryagain N	likewise
 *	notfound	there is nobody
 *	long		names are 4 kB long
 *	empty		names are empty
 *	hash		names are #0
 *	newline		names have the end of a line in them
 *	blanks		names look like fields
 *	wrong		ids are 0
 */

#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST	70000
#define LAST	70999

enum nss_status	 _nss_sutest_getpwnam_r(const char *, struct passwd *, char *,
		    size_t, int *);
enum nss_status	 _nss_sutest_getpwuid_r(uid_t, struct passwd *, char *, size_t,
		    int *);
enum nss_status	 _nss_sutest_getgrnam_r(const char *, struct group *, char *,
		    size_t, int *);
enum nss_status	 _nss_sutest_initgroups_dyn(const char *, gid_t, long *,
		    long *, gid_t **, long, int *);

/* What it says now, and of whom or with which errno. */
static void
says(char word[32], char arg[64])
{
	FILE	*f;

	word[0] = arg[0] = '\0';
	if ((f = fopen(SAYS, "re")) == NULL)
		return;
	if (fscanf(f, "%31s %63s", word, arg) < 1)
		word[0] = '\0';
	fclose(f);
}

/* Wait as long as it says so.  Then what is to be done. */
static enum nss_status
ask(const char *name, char word[32], int *error)
{
	struct timespec	 tick = { 0, 20 * 1000 * 1000 };
	struct timespec	 slow = { 0, 200 * 1000 * 1000 };
	char		 arg[64];

	for (;;) {
		says(word, arg);
		if (strcmp(word, "stall") != 0 && (strcmp(word, "hang") != 0 ||
		    name == NULL || strcmp(arg, name) != 0))
			break;
		(void)nanosleep(&tick, NULL);
	}
	if (strcmp(word, "slow") == 0)
		(void)nanosleep(&slow, NULL);
	*error = errno = atoi(arg);
	if (strcmp(word, "unavail") == 0)
		return (NSS_STATUS_UNAVAIL);
	if (strcmp(word, "tryagain") == 0)
		return (NSS_STATUS_TRYAGAIN);
	*error = errno = 0;
	return (strcmp(word, "notfound") == 0 ? NSS_STATUS_NOTFOUND :
	    NSS_STATUS_SUCCESS);
}

static enum nss_status
name_put(const char *word, const char *name, char *buf, size_t size,
    int *error)
{
	if (size < 5000) {
		*error = errno = ERANGE;
		return (NSS_STATUS_TRYAGAIN);
	}
	if (strcmp(word, "long") == 0) {
		memset(buf, 'n', 4096);
		buf[4096] = '\0';
		return (NSS_STATUS_SUCCESS);
	}
	(void)snprintf(buf, size, "%s", strcmp(word, "empty") == 0 ? "" :
	    strcmp(word, "hash") == 0 ? "#0" :
	    strcmp(word, "newline") == 0 ? "x\r\nX-Injected: yes\n" :
	    strcmp(word, "blanks") == 0 ? "x uid=0 user=root" : name);
	return (NSS_STATUS_SUCCESS);
}

static enum nss_status
passwd_put(const char *word, unsigned int id, struct passwd *pw, char *buf,
    size_t size, int *error)
{
	char	 name[32];

	(void)snprintf(name, sizeof(name), "ldap%u", id - FIRST);
	memset(pw, 0, sizeof(*pw));
	pw->pw_name = buf;
	pw->pw_passwd = pw->pw_gecos = pw->pw_dir = pw->pw_shell =
	    (char *)(size_t)"x";
	pw->pw_uid = pw->pw_gid = strcmp(word, "wrong") == 0 ? 0 : id;
	return (name_put(word, name, buf, size, error));
}

static unsigned int
id_of(const char *name)
{
	unsigned int	 n;
	char		 rest;

	return (sscanf(name, "ldap%u%c", &n, &rest) == 1 && n >= 1 &&
	    n <= LAST - FIRST ? FIRST + n : 0);
}

enum nss_status
_nss_sutest_getpwnam_r(const char *name, struct passwd *pw, char *buf,
    size_t size, int *error)
{
	enum nss_status	 rv;
	unsigned int	 id = id_of(name);
	char		 word[32];

	if ((rv = ask(name, word, error)) != NSS_STATUS_SUCCESS)
		return (rv);
	if (id == 0)
		return (NSS_STATUS_NOTFOUND);
	return (passwd_put(word, id, pw, buf, size, error));
}

enum nss_status
_nss_sutest_getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t size,
    int *error)
{
	enum nss_status	 rv;
	char		 word[32], name[32] = "";

	if (uid > FIRST && uid <= LAST)
		(void)snprintf(name, sizeof(name), "ldap%u", uid - FIRST);
	if ((rv = ask(name, word, error)) != NSS_STATUS_SUCCESS)
		return (rv);
	if (name[0] == '\0')
		return (NSS_STATUS_NOTFOUND);
	return (passwd_put(word, uid, pw, buf, size, error));
}

enum nss_status
_nss_sutest_getgrnam_r(const char *name, struct group *gr, char *buf,
    size_t size, int *error)
{
	static char	*nobody[] = { NULL };
	enum nss_status	 rv;
	unsigned int	 id = id_of(name);
	char		 word[32];

	if ((rv = ask(name, word, error)) != NSS_STATUS_SUCCESS)
		return (rv);
	if (id == 0)
		return (NSS_STATUS_NOTFOUND);
	memset(gr, 0, sizeof(*gr));
	gr->gr_name = buf;
	gr->gr_passwd = (char *)(size_t)"x";
	gr->gr_gid = strcmp(word, "wrong") == 0 ? 0 : id;
	gr->gr_mem = nobody;
	return (name_put(word, name, buf, size, error));
}

/* Nobody is in a group of it, but that takes its time, too. */
enum nss_status
_nss_sutest_initgroups_dyn(const char *name, gid_t skip, long *start,
    long *size, gid_t **groups, long limit, int *error)
{
	enum nss_status	 rv;
	char		 word[32];

	(void)skip;
	(void)start;
	(void)size;
	(void)groups;
	(void)limit;
	rv = ask(name, word, error);
	return (rv == NSS_STATUS_SUCCESS ? NSS_STATUS_NOTFOUND : rv);
}
