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

#include <unistd.h>

#include "sandbox.h"

int
sandbox_parent(void)
{
	return (pledge("stdio rpath wpath cpath fattr chown flock unix inet "
	    "getpw sendfd proc exec", NULL));
}

int
sandbox_resolver(void)
{
	if (unveil("/", "") == -1)
		return (-1);
	return (unveil(NULL, NULL));
}

int
sandbox_names(void)
{
	return (pledge("stdio rpath getpw recvfd", NULL));
}

int
sandbox_control(void)
{
	return (pledge("stdio unix recvfd", NULL));
}

int
sandbox_milterd(void)
{
	return (pledge("stdio inet unix recvfd error", NULL));
}
