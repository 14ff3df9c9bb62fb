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
 * capsicum(4): in capability mode there are no names, of files, addresses or
 * processes, only the descriptors that one has; and those that are there from
 * the start can do no more than we do with them.
 *
 * control and milterd get all their descriptors from the parent, and later
 * ones as well.  The resolver asks through Casper (resolver/freebsd_ask.c).
 * names loads whatever NSS is configured, which opens files and sockets, and
 * the parent binds sockets and starts programs by their name: both stay
 * outside.
 */

#include <sys/types.h>
#include <sys/capsicum.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sysuser.h"

/*
 * In capability mode: few system calls, no open(2) of a name, no connect(2) or
 * bind(2), no kill(2) but of itself.
 */
#define BIT(p)		(1U << (p))
#define CAPABILITY_MODE	(BIT(PROT_CALLS) | BIT(PROT_FILES) | \
			    BIT(PROT_NET) | BIT(PROT_SCOPE))

/*
 * Standard input and output are /dev/null, or with -d a terminal or a file;
 * nobody reads from them.  One that is closed needs no limit.
 */
static int
limit_stdio(void)
{
	cap_rights_t	 rights;
	int		 fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fd == STDIN_FILENO)
			cap_rights_init(&rights, CAP_FSTAT);
		else
			cap_rights_init(&rights, CAP_EVENT, CAP_FSTAT,
			    CAP_WRITE);
		if (cap_rights_limit(fd, &rights) == -1 && errno != EBADF)
			return (-1);
	}
	return (0);
}

/* Without it a kernel says ENOSYS. */
static uint32_t
enter(void)
{
	if (limit_stdio() == -1 || cap_enter() == -1) {
		log_debug("capsicum: %s", strerror(errno));
		return (0);
	}
	return (CAPABILITY_MODE);
}

/* It has names of files, and programs to start, as long as it lives. */
uint32_t
sandbox_parent(void)
{
	return (0);
}

uint32_t
sandbox_resolver(void)
{
	return (enter());
}

uint32_t
sandbox_names(void)
{
	return (0);
}

uint32_t
sandbox_control(void)
{
	return (enter());
}

/*
 * accept(2) of the listening socket works in here.  At its end libmilter can't
 * remove the socket of the file system: it is the parent's.
 */
uint32_t
sandbox_milterd(void)
{
	return (enter());
}

/* What there is for a process, if the system has it all. */
uint32_t
sandbox_meant(enum role role)
{
	switch (role) {
	case ROLE_PARENT:
		return (0);
	case ROLE_NAMES:
		return (BIT(PROT_CAPS));
	default:
		return (BIT(PROT_CHROOT) | BIT(PROT_CAPS) | CAPABILITY_MODE);
	}
}
