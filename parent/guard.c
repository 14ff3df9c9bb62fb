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
 * Which protections the processes have.  Those that this system lacks are
 * told in one warning, or, with "sandbox required", are the end.
 */

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "proc.h"

static struct parent	*env;
static uint32_t		 lacks[ROLE_MAX];	/* seen so far */
static uint32_t		 told[ROLE_MAX];

static int	 missing(enum role, uint32_t);

/* Of ourselves, before there are others. */
void
guard_init(struct parent *parent)
{
	env = parent;
	env->protections = sandbox_parent();
	if (missing(ROLE_PARENT, env->protections) &&
	    env->conf->sandbox_required) {
		guard_tell();
		fatalx("sandbox required: giving up; or say: sandbox wanted");
	}
}

/* True if there is one, which is kept for guard_tell(). */
static int
missing(enum role role, uint32_t protections)
{
	lacks[role] |= sandbox_meant(role) & ~protections;
	return ((lacks[role] & ~protections) != 0);
}

/*
 * A child says what it has; that it says the truth is the child's own
 * interest.  Returns -1 if the child may not live.
 */
int
guard_ready(struct proc *p, uint32_t protections)
{
	p->protections = protections;
	if (!missing(p->role, protections) || !env->conf->sandbox_required)
		return (0);
	guard_tell();
	return (-1);
}

/* Those who lack this one, after "; seccomp:". */
static void
tell_of(char *line, size_t size, enum protection what)
{
	enum role	 role;
	int		 first = 1;

	for (role = 0; role < ROLE_MAX; role++) {
		if (!(lacks[role] & 1U << what))
			continue;
		if (first && *line != '\0')
			(void)strlcat(line, "; ", size);
		if (first) {
			(void)strlcat(line, protection_names[what], size);
			(void)strlcat(line, " of", size);
			first = 0;
		}
		(void)strlcat(line, " ", size);
		(void)strlcat(line, role_names[role], size);
	}
}

/* What is not in force, if that is news. */
void
guard_tell(void)
{
	char			 line[1024] = "";
	enum protection		 what;

	if (memcmp(lacks, told, sizeof(told)) == 0)
		return;
	memcpy(told, lacks, sizeof(told));
	for (what = 0; what < PROT_MAX; what++)
		tell_of(line, sizeof(line), what);
	log_warnx("not protected on this system by: %s", line);
}
