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
 * The processes of a control group, from its id, which is what the kernel
 * notes in a socket (cgroups(7), version 2; open_by_handle_at(2)).
 */

#include <sys/mount.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux.h"
#include "log.h"

#define ROOT_ID		1		/* all processes: no short cut */
#define FILEID_KERNFS	0xfe		/* <linux/exportfs.h>, kernel only */

static int	 hierarchy = -1;

/*
 * A mount of its own, that is nowhere: from its root no ".." leads out, as it
 * would from the directory that everybody sees.  Who may not make one, as
 * without CAP_SYS_ADMIN, takes that directory: what is asked for is the same.
 */
static int
hierarchy_open(const char *path)
{
	struct statfs	 fs;
	int		 tree, dir;

	/* The tree itself is no descriptor to open by, and stays open. */
	tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree != -1)
		return (openat(tree, ".",
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if ((dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return (-1);
	/* Something else may be mounted there by now. */
	if (fstatfs(dir, &fs) != -1 && fs.f_type == CGROUP2_SUPER_MAGIC)
		return (dir);
	(void)close(dir);
	return (-1);
}

/* As root. */
int
cgroup_open(void)
{
	struct mntent	*me;
	FILE		*f;

	hierarchy = -1;
	if ((f = setmntent("/proc/self/mounts", "re")) != NULL) {
		while (hierarchy == -1 && (me = getmntent(f)) != NULL)
			if (strcmp(me->mnt_type, "cgroup2") == 0)
				hierarchy = hierarchy_open(me->mnt_dir);
		endmntent(f);
	}
	if (hierarchy == -1)
		log_warnx("no control groups to search in: who has closed "
		    "a connection has no unit");
	return (hierarchy);
}

static int
group_open(uint64_t id)
{
	union {
		struct file_handle	 fh;
		char			 room[sizeof(struct file_handle) +
					    sizeof(id)];
	} u;

	u.fh.handle_bytes = sizeof(id);
	u.fh.handle_type = FILEID_KERNFS;
	memcpy(u.fh.f_handle, &id, sizeof(id));
	return (open_by_handle_at(hierarchy, &u.fh,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/*
 * The processes of that group, in the order of the kernel.  Returns their
 * number; 0 if they are more than max, or can't be told.
 */
size_t
cgroup_pids(uint64_t id, uint32_t *pids, size_t max)
{
	char		 buf[4096], *p, *end;
	ssize_t		 len;
	size_t		 n = 0;
	int		 dir;

	if (hierarchy == -1 || id == ROOT_ID || (dir = group_open(id)) == -1)
		return (0);
	len = file_read(dir, "cgroup.procs", buf, sizeof(buf));
	(void)close(dir);
	if (len <= 0 || len == sizeof(buf))
		return (0);
	for (p = buf; (end = memchr(p, '\n', buf + len - p)) != NULL;
	    p = end + 1) {
		*end = '\0';
		if (n == max)
			return (0);
		if (proc_pid(p, &pids[n]) == 0)
			n++;
	}
	return (n);
}

/* The path of a directory that we have.  Returns its length, or -1. */
static ssize_t
group_path(int dir, char *buf, size_t size)
{
	char	 name[32];
	ssize_t	 n;

	(void)snprintf(name, sizeof(name), "self/fd/%d", dir);
	n = readlinkat(proc_dir, name, buf, size);
	return (n <= 0 || n == (ssize_t)size ? -1 : n);
}

/*
 * What /proc/PID/cgroup says of a process there.  Returns the length, or -1
 * if the group is gone.
 */
ssize_t
cgroup_line(uint64_t id, char *buf, size_t size)
{
	char	 top[4096], path[4096], *p = path;
	ssize_t	 ntop, n;
	int	 dir;

	if (hierarchy == -1 || (dir = group_open(id)) == -1)
		return (-1);
	ntop = group_path(hierarchy, top, sizeof(top));
	n = group_path(dir, path, sizeof(path));
	(void)close(dir);
	if (ntop == -1 || n == -1)
		return (-1);
	/* The root of a mount of our own is "/", else it is where it is. */
	if (n > ntop && path[ntop] == '/' && memcmp(path, top, ntop) == 0) {
		p += ntop;
		n -= ntop;
	} else if (n == ntop && memcmp(path, top, n) == 0)
		n = 1;		/* it is "/" */
	n = snprintf(buf, size, "0::%.*s\n", (int)n, p);
	return (n >= (ssize_t)size ? -1 : n);
}
