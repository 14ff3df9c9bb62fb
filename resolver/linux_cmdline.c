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
 * The command line is in the process's own memory, and who owns that can
 * make a reader wait for ever: with a page of a file system of his own, for
 * one.  So a thread reads it, and nobody waits for the thread for long.  While
 * it hangs there is no command line of anybody, and nothing else is missing.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "linux.h"
#include "log.h"

#define WAIT_NSEC	5000000		/* 5 ms */
#define READ_MAX	512

static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t	 asked = PTHREAD_COND_INITIALIZER;
static pthread_cond_t	 done;
static int		 started;
static int		 file = -1;	/* to be read; -1: nothing to do */
static ssize_t		 len;		/* of text, or -1 */
static char		 text[READ_MAX];

static void *
reader(void *arg)
{
	char	 buf[READ_MAX];
	ssize_t	 n;
	int	 fd;

	(void)arg;
	(void)pthread_mutex_lock(&lock);
	for (;;) {
		while ((fd = file) == -1)
			(void)pthread_cond_wait(&asked, &lock);
		(void)pthread_mutex_unlock(&lock);
		n = read(fd, buf, sizeof(buf));
		(void)close(fd);
		(void)pthread_mutex_lock(&lock);
		if ((len = n) > 0)
			memcpy(text, buf, n);
		file = -1;
		(void)pthread_cond_signal(&done);
	}
	return (NULL);
}

/* Called with the lock held. */
static int
start(void)
{
	pthread_condattr_t	 attr;
	pthread_t		 thread;

	if (started)
		return (0);
	if (pthread_condattr_init(&attr) != 0 ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&done, &attr) != 0 ||
	    pthread_create(&thread, NULL, reader, NULL) != 0)
		return (-1);
	started = 1;
	return (0);
}

/*
 * The command line of the process whose directory that is, with blanks for
 * the NULs.  Returns its length, or 0 if there is none or it is not told at
 * once.
 */
size_t
cmdline_read(int dir, char *buf, size_t size)
{
	struct timespec	 end;
	size_t		 n = 0;
	int		 fd, error = 0;

	if ((fd = openat(dir, "cmdline", O_RDONLY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1)
		return (0);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += WAIT_NSEC;
	if (end.tv_nsec >= 1000000000L) {
		end.tv_nsec -= 1000000000L;
		end.tv_sec++;
	}
	(void)pthread_mutex_lock(&lock);
	if (start() == -1 || file != -1) {
		(void)pthread_mutex_unlock(&lock);
		(void)close(fd);
		return (0);
	}
	file = fd;
	(void)pthread_cond_signal(&asked);
	while (file != -1 && error == 0)
		error = pthread_cond_timedwait(&done, &lock, &end);
	if (file == -1 && len > 0)
		n = proc_cmdline(text, len, buf, size);
	(void)pthread_mutex_unlock(&lock);
	return (n);
}
