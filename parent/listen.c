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

/* The sockets that others connect to, and what else must be there at start. */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"

#define BACKLOG		512
#define LOCK_TRIES	20
#define LOCK_NSEC	50000000	/* between two: a second in all */

/* With what the one who reads that most likely has to do. */
static void
tell(const char *path)
{
	if (errno == ENOENT)
		log_warnx("%s: its directory is not there: make it, or is the "
		    "mail server not installed?", path);
	else if (errno == EROFS)
		log_warnx("%s: read-only: does the unit of systemd need its "
		    "directory in ReadWritePaths=?", path);
	else
		log_warn("%s", path);
}

/* The directory, root's alone to write; made if it is not there. */
static void
directory(const char *path, mode_t mode)
{
	struct stat	 st;

	if (mkdir(path, mode) == -1 && errno != EEXIST) {
		if (errno == ENOENT)
			fatalx("%s: can't be made; type: mkdir -p %s", path,
			    path);
		tell(path);
		exit(1);
	}
	if (lstat(path, &st) == -1)
		fatal("%s", path);
	if (!S_ISDIR(st.st_mode))
		fatalx("%s: is not a directory: name another", path);
	if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
		fatalx("%s: must be root's and writable by nobody else; "
		    "type: chown root %s; chmod go-w %s", path, path, path);
}

/* Where the children are locked in: nothing may be there. */
void
chroot_make(const char *path)
{
	struct dirent	*de;
	DIR		*dir;

	directory(path, 0755);
	if ((dir = opendir(path)) == NULL)
		fatal("%s", path);
	while ((de = readdir(dir)) != NULL)
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			fatalx("%s: must be empty for chroot, but has "
			    "\"%s\": remove that, or name another",
			    path, de->d_name);
	closedir(dir);
}

/* The sockets of the last daemon that had our lock, and who we are. */
static struct {
	int		 fd;
	struct stat	 old[2], new[2];	/* dev and ino of them */
	const char	*paths[2];		/* of the new ones */
	int		 nold;
} lock = { .fd = -1 };

/*
 * A child that the last daemon was about to start has its lock for another
 * moment, until it becomes another program.
 */
static int
locked(int fd)
{
	const struct timespec	 pause = { 0, LOCK_NSEC };
	int			 i;

	for (i = 0; flock(fd, LOCK_EX | LOCK_NB) == -1; i++) {
		if (errno != EWOULDBLOCK || i == LOCK_TRIES)
			return (0);
		(void)nanosleep(&pause, NULL);
	}
	return (1);
}

/*
 * Only one daemon per state directory.  The lock also says which sockets are
 * its own, so that the next one need not ask whether somebody still listens
 * there: its children may, for they finish their sessions.
 */
void
listen_lock(const char *statedir)
{
	uintmax_t	 dev, ino;
	char		 path[1024], line[128];
	FILE		*f;

	directory(statedir, 0700);
	if ((size_t)snprintf(path, sizeof(path), "%s/lock", statedir) >=
	    sizeof(path))
		fatalx("%s: name too long: say a shorter one", statedir);
	lock.fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock.fd == -1 && errno == EROFS) {
		tell(path);
		exit(1);
	}
	if (lock.fd == -1)
		fatal("%s", path);
	if (!locked(lock.fd)) {
		if (errno != EWOULDBLOCK)
			fatal("%s", path);
		fatalx("%s: another milter-sysuser is running: stop it, or "
		    "say another state directory", path);
	}
	if ((f = fopen(path, "re")) == NULL)
		fatal("%s", path);
	while (lock.nold < 2 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "socket %ju %ju", &dev, &ino) == 2) {
			lock.old[lock.nold].st_dev = dev;
			lock.old[lock.nold++].st_ino = ino;
		}
	fclose(f);
}

/*
 * Now that our pid is the one to stay: it, and our sockets.  Returns 0, or -1
 * and errno.
 */
int
listen_locked(void)
{
	int	 i;

	if (ftruncate(lock.fd, 0) == -1 || lseek(lock.fd, 0, SEEK_SET) == -1 ||
	    dprintf(lock.fd, "%ld\n", (long)getpid()) < 0)
		return (-1);
	for (i = 0; i < 2 && lock.paths[i] != NULL; i++)
		if (dprintf(lock.fd, "socket %ju %ju\n",
		    (uintmax_t)lock.new[i].st_dev,
		    (uintmax_t)lock.new[i].st_ino) < 0)
			return (-1);
	return (0);
}

/* The socket at this path is ours now, perhaps instead of an earlier one. */
static void
note(const char *path)
{
	int	 i;

	for (i = 0; i < 2; i++)
		if (lock.paths[i] == NULL || strcmp(lock.paths[i], path) == 0)
			break;
	if (i < 2 && lstat(path, &lock.new[i]) != -1)
		lock.paths[i] = path;
}

/* Its children are still there; nobody else listens on that socket. */
static int
left_behind(const struct stat *st)
{
	int	 i;

	for (i = 0; i < lock.nold; i++)
		if (lock.old[i].st_dev == st->st_dev &&
		    lock.old[i].st_ino == st->st_ino)
			return (1);
	return (0);
}

/*
 * What can't be had from here on is said, and is -1 then: the parent goes on,
 * but for at its start.
 */

static int
sun_set(struct sockaddr_un *sun, const char *path)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (strlcpy(sun->sun_path, path, sizeof(sun->sun_path)) >=
	    sizeof(sun->sun_path)) {
		log_warnx("%s: too long for a socket: say a shorter one",
		    path);
		return (-1);
	}
	return (0);
}

/* True if somebody accepts connections there, or has no room for more. */
static int
listens(const char *path, int type)
{
	struct sockaddr_un	 sun;
	int			 fd, alive;

	if (sun_set(&sun, path) == -1)
		return (-1);
	if ((fd = socket(AF_UNIX, type, 0)) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
		log_warn("socket");
		if (fd != -1)
			close(fd);
		return (-1);
	}
	alive = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != -1 ||
	    errno != ECONNREFUSED;
	close(fd);
	return (alive);
}

/* What a daemon that is gone left behind may go, what lives may not. */
static int
clear_path(const char *path, int type)
{
	struct stat	 st;
	int		 alive = 0;

	if (lstat(path, &st) == -1) {
		if (errno == ENOENT)
			return (0);
		log_warn("%s", path);
		return (-1);
	}
	if (!S_ISSOCK(st.st_mode)) {
		log_warnx("%s: is there and is no socket: remove it, or name "
		    "another", path);
		return (-1);
	}
	if (!left_behind(&st) && (alive = listens(path, type)) == 1)
		log_warnx("%s: a living daemon listens there: stop it, or "
		    "name another", path);
	if (alive != 0)
		return (-1);
	if (unlink(path) == -1) {
		log_warn("%s", path);
		return (-1);
	}
	return (0);
}

static int
bind_unix(const struct listener *l, int fd)
{
	struct sockaddr_un	 sun;
	mode_t			 old;
	int			 rv;

	if (sun_set(&sun, l->path) == -1)
		return (-1);
	/* Nobody can connect before listen(), when all this is right. */
	old = umask(0777 & ~l->mode);
	if ((rv = bind(fd, (struct sockaddr *)&sun, sizeof(sun))) == -1)
		tell(l->path);
	(void)umask(old);
	if (rv != -1 && (rv = lchown(l->path, l->uid, l->gid)) == -1)
		log_warn("%s", l->path);
	return (rv);
}

static int
bind_inet(const struct listener *l, int fd)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len;
	char			 text[64];
	int			 on = 1;

	len = endpoint_to_sa(&l->addr, &ss);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, len) != -1)
		return (0);
	(void)endpoint_text(&l->addr, text, sizeof(text));
	if (errno == EADDRINUSE)
		log_warnx("%s: another program listens there: stop it, or say "
		    "another port", text);
	else if (errno == EADDRNOTAVAIL)
		log_warnx("%s: is no address of this host: say one that is",
		    text);
	else
		log_warn("%s", text);
	return (-1);
}

/*
 * What the children that have such a socket could change in it: it does not
 * block, and lets some wait.  Returns 0, or -1 and errno.
 */
int
listen_mend(int fd)
{
	return (fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
	    listen(fd, BACKLOG) == -1 ? -1 : 0);
}

static int
listener(const struct listener *l, int type)
{
	int	 fd;

	if (l->family == AF_UNIX && clear_path(l->path, type) == -1)
		return (-1);
	if ((fd = socket(l->family, type, 0)) == -1) {
		log_warn("socket");
		return (-1);
	}
	if ((l->family == AF_UNIX ? bind_unix(l, fd) :
	    bind_inet(l, fd)) == -1) {
		close(fd);
		return (-1);
	}
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 || listen_mend(fd) == -1) {
		log_warn("listen");
		close(fd);
		return (-1);
	}
	return (fd);
}

/* Returns a listening, non-blocking socket, or -1 and has said why. */
int
listen_bind(const struct listener *l, int type)
{
	int	 fd = listener(l, type);

	if (fd != -1 && l->family == AF_UNIX)
		note(l->path);
	return (fd);
}

/*
 * A socket that listens and that nobody can connect to.  A worker that is to
 * leave puts it in the place of the real one, for libmilter has no other way
 * to take no more sessions and yet serve those that are open.
 */
int
listen_drain(const char *statedir)
{
	struct listener	 l = { .family = AF_UNIX, .mode = 0600 };
	char		 path[1024];
	int		 fd;

	(void)snprintf(path, sizeof(path), "%s/drain", statedir);
	l.path = path;
	if ((fd = listener(&l, SOCK_STREAM)) == -1)
		exit(1);
	if (unlink(path) == -1)
		fatal("%s", path);
	return (fd);
}

void
listen_unlink(const struct listener *l)
{
	if (l->family == AF_UNIX && unlink(l->path) == -1 && errno != ENOENT)
		log_warn("%s", l->path);
}
