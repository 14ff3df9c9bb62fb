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
 * What is read below /proc.  A process ends whenever it likes, so ENOENT,
 * ESRCH and EACCES are normal: what can't be read is absent.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "linux.h"

int	 proc_dir = -1;

int
pid_open(uint32_t pid)
{
	char	 path[16];

	(void)snprintf(path, sizeof(path), "%u", pid);
	return (openat(proc_dir, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/* A file of one record, which comes in one piece, as it is now. */
ssize_t
record_read(int fd, char *buf, size_t size)
{
	ssize_t	 n;

	do
		n = pread(fd, buf, size, 0);
	while (n == -1 && errno == EINTR);
	return (n);
}

/* As much as fits; files of /proc are made anew for each reader. */
ssize_t
file_read(int dir, const char *name, char *buf, size_t size)
{
	size_t	 len = 0;
	ssize_t	 n;
	int	 fd;

	if ((fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return (-1);
	do {
		n = read(fd, buf + len, size - len);
		if (n > 0)
			len += n;
	} while (len < size && (n > 0 || (n == -1 && errno == EINTR)));
	(void)close(fd);
	return (n == -1 ? -1 : (ssize_t)len);
}

/* Where a link points to; NULL for what kernel threads have, nothing. */
const char *
link_read(int dir, const char *name, char *buf, size_t size)
{
	ssize_t	 n;

	if ((n = readlinkat(dir, name, buf, size - 1)) <= 0)
		return (NULL);
	buf[n] = '\0';
	return (buf);
}

/* The inode of the socket that this descriptor is, or 0. */
uint64_t
socket_at(int dir, const char *name)
{
	char		 link[64];
	uint64_t	 inode;
	ssize_t		 n;

	n = readlinkat(dir, name, link, sizeof(link));
	return (n > 0 && (size_t)n < sizeof(link) &&
	    proc_socket(link, n, &inode) == 0 ? inode : 0);
}

int
holds(int dir, const char *name, uint64_t inode)
{
	return (inode != 0 && socket_at(dir, name) == inode);
}
