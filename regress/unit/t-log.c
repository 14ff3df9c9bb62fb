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
 * SOURCES: common/log.c
 *
 * A line is a line: in one write, without a byte that is not text.
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "sysuser.h"

#define LINE_MAX_OUT	8191	/* with its end */

/*
 * One packet is one write: sockets stand for stderr and for syslogd.  What is
 * printed by cmocka meanwhile would be lost, so nothing is.
 */
static int	 saved_stderr = -1;
static int	 out[2];		/* ours, theirs */
static char	 got[2 * 8192];

static int
setup(void **state)
{
	(void)state;
	return (socketpair(AF_UNIX, SOCK_DGRAM, 0, out));
}

static int
teardown(void **state)
{
	(void)state;
	log_init(NULL, -1, 0);
	close(out[0]);
	close(out[1]);
	return (0);
}

static void
capture(void)
{
	saved_stderr = dup(STDERR_FILENO);
	(void)dup2(out[1], STDERR_FILENO);
}

static void
release(void)
{
	(void)dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
}

/* The next thing written, or -1 if there is none. */
static ssize_t
next(void)
{
	ssize_t	 n;

	memset(got, 0, sizeof(got));
	n = recv(out[0], got, sizeof(got) - 1, MSG_DONTWAIT);
	return (n);
}

static void
expect_line(const char *line)
{
	assert_int_equal(next(), strlen(line));
	assert_string_equal(got, line);
}

static void
expect_end(void)
{
	assert_int_equal(next(), -1);
}

static void
speak(int saved)
{
	capture();
	errno = saved;
	log_info("%s %d", "info", 1);
	log_warnx("warnx");
	log_warn("warn %s", "of");
	log_debug("debug");
	if (errno != saved)
		saved = -1;
	release();
	assert_int_not_equal(saved, -1);
}

static void
t_stderr(void **state)
{
	(void)state;
	log_init("worker", -1, 0);
	speak(ENOENT);
	expect_line("worker: info 1\n");
	expect_line("worker: warnx\n");
	expect_line("worker: warn of: No such file or directory\n");
	expect_end();
}

static void
t_stderr_bare(void **state)
{
	(void)state;
	log_init(NULL, -1, 1);
	speak(0);
	expect_line("info 1\n");
	expect_line("warnx\n");
	expect_line("warn of: Success\n");
	expect_line("debug\n");
	expect_end();
}

/* Every byte, and a NUL that a format can make. */
static void
t_bytes(void **state)
{
	char	 text[257], expect[300] = "x: ";
	int	 i;

	(void)state;
	for (i = 1; i < 256; i++) {
		text[i - 1] = i;
		expect[3 + i - 1] = i >= ' ' && i <= '~' ? i : '?';
	}
	text[255] = '\0';
	expect[3 + 255] = '\n';
	expect[3 + 256] = '\0';
	log_init("x", -1, 0);
	capture();
	log_info("%s", text);
	log_info("a\nb\r\nc");
	log_info("%c|", '\0');
	errno = ENOENT;
	log_warn("a\nb");
	log_info("%s", "");
	release();
	expect_line(expect);
	expect_line("x: a?b??c\n");
	expect_line("x: ?|\n");
	expect_line("x: a?b: No such file or directory\n");
	expect_line("x: \n");
	expect_end();
}

/* What is longer than a line is cut, but it still ends. */
static void
t_long(void **state)
{
	static char	 text[20000];
	size_t		 len;
	ssize_t		 n;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	log_init("y", -1, 0);
	for (len = LINE_MAX_OUT - 8; len < LINE_MAX_OUT + 8; len++) {
		capture();
		log_info("%s", text + sizeof(text) - 1 - len);
		release();
		n = next();
		assert_int_equal(n, 3 + len + 1 < LINE_MAX_OUT ?
		    3 + len + 1 : LINE_MAX_OUT);
		assert_int_equal(got[n - 1], '\n');
		assert_int_equal(strspn(got + 3, "x"), n - 4);
	}
	capture();
	log_info("%s", text);
	errno = ENOENT;
	log_warn("%s", text);
	release();
	assert_int_equal(next(), LINE_MAX_OUT);
	/* The error is told whatever stands before it. */
	n = next();
	assert_in_range(n, 1000, LINE_MAX_OUT);
	len = strlen("x: No such file or directory\n");
	assert_string_equal(got + n - len, "x: No such file or directory\n");
	expect_end();
}

/* A name of the process that leaves no room: nothing is written beyond. */
static void
t_long_ident(void **state)
{
	static char	 ident[10000];

	(void)state;
	memset(ident, 'i', sizeof(ident) - 1);
	log_init(ident, -1, 0);
	capture();
	log_info("text");
	release();
	log_init("ident", -1, 0);
	assert_in_range(next() + 1, 0, LINE_MAX_OUT + 1);
}

/* The frame of RFC 3164, as syslog(3) sends it: <priority>time program[pid]: */
static void
check_frame(int level, const char *text)
{
	char		 head[64], stamp[32], body[512];
	struct tm	 tm;
	time_t		 now, t;
	int		 good = 0;

	assert_true(next() > 0);
	(void)snprintf(body, sizeof(body), " milter-sysuser/worker[%ld]: %s",
	    (long)getpid(), text);
	(void)snprintf(head, sizeof(head), "<%d>", LOG_MAIL | level);
	assert_memory_equal(got, head, strlen(head));
	now = time(NULL);
	for (t = now - 5; t <= now; t++) {
		assert_non_null(localtime_r(&t, &tm));
		assert_int_equal(strftime(stamp, sizeof(stamp), "%b %e %T",
		    &tm), 15);
		if (strncmp(got + strlen(head), stamp, 15) == 0)
			good = 1;
	}
	assert_true(good);
	assert_string_equal(got + strlen(head) + 15, body);
}

static void
t_syslog(void **state)
{
	(void)state;
	log_init("worker", out[1], 1);
	speak(EPERM);
	check_frame(LOG_INFO, "info 1");
	check_frame(LOG_WARNING, "warnx");
	check_frame(LOG_WARNING, "warn of: Operation not permitted");
	check_frame(LOG_DEBUG, "debug");
	expect_end();
	log_info("a\nb\377");
	check_frame(LOG_INFO, "a?b?");
}

static void
t_syslog_long(void **state)
{
	static char	 text[20000];
	ssize_t		 n;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	log_init("worker", out[1], 0);
	log_info("%s", text);
	n = next();
	assert_in_range(n, 8000, 8300);
	assert_int_equal(got[n - 1], 'x');
	expect_end();
}

/* A syslogd that went, or does not read, holds up nobody and kills nobody. */
static void
t_syslog_stuck(void **state)
{
	int	 i, pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	log_init("worker", pair[1], 0);
	errno = EDOM;
	for (i = 0; i < 10000; i++)
		log_info("%0100d", i);
	assert_int_equal(errno, EDOM);
	close(pair[0]);
	log_info("nobody");
	assert_int_equal(errno, EDOM);
	assert_int_equal(log_failed(), 0);
	close(pair[1]);
}

/*
 * A new socket in the place of the old one, which is closed; but the number
 * is the old one's, for a thread may be about to write to it.
 */
static void
t_setfd(void **state)
{
	int	 pair[2], fd, i;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	log_init("worker", pair[1], 0);
	for (i = 0; i < 3; i++) {
		assert_true((fd = dup(out[1])) != -1);
		log_setfd(fd);
		assert_int_equal(fcntl(fd, F_GETFD), -1);
		assert_true(fcntl(pair[1], F_GETFD) != -1);
		log_info("again");
		check_frame(LOG_INFO, "again");
		expect_end();
	}
	/* Nobody has the other end of the first one any more. */
	assert_int_equal(send(pair[0], "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(pair[0]);
	close(pair[1]);
	/* And from stderr, which is not closed. */
	log_init("worker", -1, 0);
	assert_true((fd = dup(out[1])) != -1);
	log_setfd(fd);
	assert_true(fcntl(STDERR_FILENO, F_GETFD) != -1);
	assert_true(fcntl(fd, F_GETFD) != -1);
	log_info("again");
	check_frame(LOG_INFO, "again");
	log_init(NULL, -1, 0);
	close(fd);
}

/* There may be a syslogd here, or not. */
static void
t_connect(void **state)
{
	struct rlimit	 old, none;
	int		 fd, type;
	socklen_t	 len = sizeof(type);

	(void)state;
	errno = 0;
	if ((fd = log_connect()) == -1)
		assert_int_not_equal(errno, 0);
	else {
		assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type,
		    &len), 0);
		assert_int_equal(type, SOCK_DGRAM);
		close(fd);
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(log_connect(), -1);
	assert_int_equal(errno, EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

/* The end of a process: one line, exit status 1. */
static void
t_fatal(void **state)
{
	int	 i, status;
	pid_t	 pid;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_true((pid = fork()) != -1);
		if (pid == 0) {
			log_init("worker", -1, 0);
			(void)dup2(out[1], STDERR_FILENO);
			/* Not what cmocka has printed so far. */
			if (freopen("/dev/null", "w", stdout) == NULL)
				_exit(2);
			errno = EACCES;
			if (i == 0)
				fatal("open %s", "x\n");
			else
				fatalx("%s", "nonsense");
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
		expect_line(i == 0 ? "worker: open x?: Permission denied\n" :
		    "worker: nonsense\n");
		expect_end();
	}
}

/* That stderr took nothing is kept: the first reason, whatever follows. */
static void
t_failed(void **state)
{
	int	 null;

	(void)state;
	assert_int_equal(log_failed(), 0);
	close(out[0]);
	assert_true((null = open("/dev/null", O_RDONLY)) != -1);
	log_init("worker", -1, 0);
	capture();
	(void)dup2(null, STDERR_FILENO);
	errno = EDOM;
	log_info("lost");
	(void)dup2(out[1], STDERR_FILENO);	/* where nobody listens */
	log_info("lost too");
	release();
	out[0] = null;
	assert_int_equal(errno, EDOM);
	assert_int_equal(log_failed(), EBADF);
}

static uint64_t
ms(void)
{
	struct timespec	 ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

/* All that is in a pipe, which does not block; the last 16 KB are kept. */
static size_t
drain(int fd)
{
	static char	 buf[8192];
	size_t		 all = 0;
	ssize_t		 n;

	memset(got, 0, sizeof(got));
	while ((n = read(fd, buf, sizeof(buf) - 1)) > 0) {
		buf[n] = '\0';
		if (strlen(got) + n >= sizeof(got))
			got[0] = '\0';
		(void)strlcat(got, buf, sizeof(got));
		all += n;
	}
	return (all);
}

/*
 * In a process of its own, for what log_hurry() finds out is for good: who
 * does not read stderr is waited for once, and told what he missed.
 */
static int
stuck(const int end[2])
{
	static char	 text[6000];
	uint64_t	 before;
	int		 i;

	memset(text, 'x', sizeof(text) - 1);
	(void)dup2(end[1], STDERR_FILENO);
	close(end[1]);
	log_init("x", -1, 0);
	log_hurry();
	/* What others share does not change. */
	if (fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK)
		return (10);
	log_info("first");
	if (drain(end[0]) != 9 || strcmp(got, "x: first\n") != 0)
		return (11);
	before = ms();
	errno = EDOM;
	/* A megabyte, of lines longer than PIPE_BUF. */
	for (i = 0; i < 200; i++)
		log_info("%s", text);
	if (errno != EDOM || log_failed() != 0)
		return (12);
	if (ms() - before >= 10000)
		return (13);
	if (drain(end[0]) == 0)
		return (14);
	log_info("back");
	log_info("again");
	(void)drain(end[0]);
	/* What was cut ends there. */
	if (strncmp(got, "\nx: lines lost", 5) == 0)
		memmove(got, got + 1, strlen(got));
	if (sscanf(got, "x: lines lost, for nobody read them: %d\n", &i) != 1 ||
	    i < 1 || i > 200 || strstr(got, "\nx: back\nx: again\n") == NULL)
		return (15);
	close(end[0]);
	log_info("nobody");
	return (log_failed() == EPIPE ? 0 : 16);
}

static void
stuck_with(const int end[2])
{
	pid_t	 pid;
	int	 status;

	assert_true(fcntl(end[0], F_SETFL, O_NONBLOCK) != -1);
	assert_true((pid = fork()) != -1);
	if (pid == 0) {
		(void)signal(SIGPIPE, SIG_IGN);
		(void)alarm(60);
		_exit(stuck(end));
	}
	close(end[0]);
	close(end[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
t_stuck_pipe(void **state)
{
	int	 end[2];

	(void)state;
	assert_int_equal(pipe(end), 0);
	stuck_with(end);
}

/* As a service manager gives one. */
static void
t_stuck_socket(void **state)
{
	int	 end[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, end), 0);
	stuck_with(end);
}

#define SLOW_LINES	400
#define SLOW_LEN	1000

/* 400 lines to who is slow; and one more when he has read all. */
static void
slow_child(const int end[2])
{
	struct pollfd	 pfd = { end[0], POLLIN, 0 };
	int		 i;

	(void)alarm(60);
	(void)dup2(end[1], STDERR_FILENO);
	log_init("x", -1, 0);
	log_hurry();
	for (i = 0; i < SLOW_LINES; i++)
		log_info("%0*d", SLOW_LEN - 4, i);
	while (poll(&pfd, 1, 0) > 0)
		(void)usleep(1000);
	log_info("end");
	_exit(log_failed());
}

/* All that is said until the end, as a string. */
static size_t
slow_read(int fd, char *buf, size_t size)
{
	struct timespec	 tick = { 0, 5 * 1000 * 1000 };
	size_t		 all = 0;
	ssize_t		 n;

	while (all + sizeof(got) < size &&
	    (n = read(fd, buf + all, sizeof(got))) > 0) {
		all += n;
		(void)nanosleep(&tick, NULL);
	}
	buf[all] = '\0';
	return (all);
}

/* How many of the 400 came, or are said to be lost; and was it the end? */
static int
slow_told(char *text, int *end)
{
	char	*line;
	int	 lost, told = 0;

	for (*end = 0; (line = strsep(&text, "\n")) != NULL;)
		if (strlen(line) == SLOW_LEN - 1)
			told++;
		else if (sscanf(line, "x: lines lost, for nobody read them: "
		    "%d", &lost) == 1)
			told += lost;
		else if (strcmp(line, "x: end") == 0)
			*end = 1;
	return (told);
}

/*
 * A reader who is slow, but reads, misses little, and nothing where he gets his
 * turn within the patience; on a busy machine he may need more than one try
 * for that.  Each time he is told of all that he missed.
 */
static void
t_slow(void **state)
{
	static char	 text[2 * SLOW_LINES * SLOW_LEN];
	int		 end[2], i, last, status;
	size_t		 all = 0;
	pid_t		 pid;

	(void)state;
	for (i = 0; i < 20 && all < SLOW_LINES * SLOW_LEN / 2; i++) {
		assert_int_equal(pipe(end), 0);
		assert_true((pid = fork()) != -1);
		if (pid == 0)
			slow_child(end);
		close(end[1]);
		all = slow_read(end[0], text, sizeof(text));
		close(end[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_int_equal(slow_told(text, &last), SLOW_LINES);
		assert_int_equal(last, 1);
	}
	assert_in_range(all, SLOW_LINES * SLOW_LEN / 2,
	    SLOW_LINES * SLOW_LEN * 5 / 4);
}

/* A file is one that takes all. */
static void
t_file(void **state)
{
	char	 path[] = "/tmp/milter-sysuser.XXXXXX";
	int	 fd, status;
	pid_t	 pid;

	(void)state;
	assert_true((fd = mkstemp(path)) != -1);
	(void)unlink(path);
	assert_true((pid = fork()) != -1);
	if (pid == 0) {
		(void)dup2(fd, STDERR_FILENO);
		log_init("x", -1, 0);
		log_hurry();
		log_info("text");
		log_line("ready");
		_exit(log_failed());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	memset(got, 0, sizeof(got));
	assert_int_equal(pread(fd, got, sizeof(got) - 1, 0), 14);
	assert_string_equal(got, "x: text\nready\n");
	close(fd);
}

#define LOG(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		LOG(t_stderr),
		LOG(t_stderr_bare),
		LOG(t_bytes),
		LOG(t_long),
		LOG(t_long_ident),
		LOG(t_syslog),
		LOG(t_syslog_long),
		LOG(t_syslog_stuck),
		LOG(t_setfd),
		LOG(t_connect),
		LOG(t_fatal),
		LOG(t_stuck_pipe),
		LOG(t_stuck_socket),
		LOG(t_slow),
		LOG(t_file),
		LOG(t_failed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
