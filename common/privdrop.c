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

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "log.h"
#include "sysuser.h"

/*
 * The one way to give up root: into dir, unless that is NULL, to uid and gid,
 * with nothing but what keep, bits of KEEP_*, names.  Returns only if it is
 * proved to have worked.
 */
void
privdrop(uid_t uid, gid_t gid, const char *dir, int keep)
{
	struct stat	 st;

	if (dir != NULL) {
		if (stat(dir, &st) == -1)
			fatal("%s", dir);
		if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
			fatalx("%s: must be root's and writable by nobody else",
			    dir);
		if (chroot(dir) == -1)
			fatal("chroot %s", dir);
		if (chdir("/") == -1)
			fatal("chdir");
	}
	caps_before(keep);
	if (setgroups(1, &gid) == -1)
		fatal("setgroups");
	if (setresgid(gid, gid, gid) == -1)
		fatal("setresgid %ld", (long)gid);
	if (setresuid(uid, uid, uid) == -1)
		fatal("setresuid %ld", (long)uid);
	caps_after(keep);
	if (setuid(0) != -1 || setgid(0) != -1)
		fatalx("root came back after the drop");
}
