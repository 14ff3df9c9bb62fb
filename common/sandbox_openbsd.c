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
 * pledge(2) and unveil(2).  What is promised is what the process still does:
 *
 *	parent		reads the configuration, writes the one state file,
 *			makes a socket for each new worker and gives it to him,
 *			starts and kills children
 *	resolver	no promise allows what it asks (os_openbsd.c); it is in
 *			an empty chroot, and sees no file there
 *	names		whatever getpwuid(3) and its kin may need, ypbind too
 *	control		accepts clients, asks who they are, gets channels to
 *			new workers
 *	milterd		the same.  libmilter removes its socket at the end,
 *			which is the parent's: with "error" that fails, and
 *			does not end the process
 */

#include <sys/types.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sysuser.h"

/*
 * What is not promised: "rpath", "inet" and "proc".  There are no abstract
 * sockets.
 */
#define BIT(p)		(1U << (p))
#define PARENT		BIT(PROT_CALLS)
#define RESOLVER	BIT(PROT_FILES)
#define NAMES		(BIT(PROT_CALLS) | BIT(PROT_SCOPE))
#define MILTERD		(BIT(PROT_CALLS) | BIT(PROT_FILES) | BIT(PROT_SCOPE))
#define CONTROL		(MILTERD | BIT(PROT_NET))
#define ANY_CHILD	BIT(PROT_CAPS)

/* Returns what that protects from, or 0. */
static uint32_t
promise(const char *promises, uint32_t bits)
{
	if (pledge(promises, NULL) == 0)
		return (bits);
	log_debug("pledge: %s", strerror(errno));
	return (0);
}

uint32_t
sandbox_parent(void)
{
	return (promise("stdio rpath wpath cpath fattr chown flock unix inet "
	    "getpw sendfd proc exec", PARENT));
}

uint32_t
sandbox_resolver(void)
{
	if (unveil("/", "") == 0 && unveil(NULL, NULL) == 0)
		return (RESOLVER);
	log_debug("unveil: %s", strerror(errno));
	return (0);
}

uint32_t
sandbox_names(void)
{
	return (promise("stdio rpath getpw recvfd", NAMES));
}

uint32_t
sandbox_control(void)
{
	return (promise("stdio unix recvfd", CONTROL));
}

uint32_t
sandbox_milterd(void)
{
	return (promise("stdio inet unix recvfd error", MILTERD));
}

/* What there is for a process, if the system has it all. */
uint32_t
sandbox_meant(enum role role)
{
	switch (role) {
	case ROLE_PARENT:
		return (PARENT);
	case ROLE_RESOLVER:
		return (BIT(PROT_CHROOT) | ANY_CHILD | RESOLVER);
	case ROLE_NAMES:
		return (ANY_CHILD | NAMES);
	case ROLE_CONTROL:
		return (BIT(PROT_CHROOT) | ANY_CHILD | CONTROL);
	default:
		return (BIT(PROT_CHROOT) | ANY_CHILD | MILTERD);
	}
}
