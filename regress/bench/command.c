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

/* Other programs that know whose a connection is, and our own one. */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "log.h"

#define PATIENCE	120000		/* ms, for a program to say something */
#define ANSWER_MAX	65536

static char	 libraries[4096];
static char	 path_env[] = "PATH=/usr/sbin:/sbin:/usr/bin:/bin";
static char	 locale_env[] = "LC_ALL=C";
static int	 to_dialogue = -1, from_dialogue = -1;
static pid_t	 dialogue = -1;

/* Where the libraries of unpacked programs are. */
void
command_env(const char *dirs)
{
	(void)snprintf(libraries, sizeof(libraries), "LD_LIBRARY_PATH=%s",
	    dirs);
}

/* Returns its pid, or -1. */
static pid_t
command_start(char *const argv[], int in, int out)
{
	char				*envp[] = { path_env, locale_env,
					    libraries, NULL };
	posix_spawn_file_actions_t	 fa;
	pid_t				 pid;

	if (libraries[0] == '\0')
		envp[2] = NULL;
	if (posix_spawn_file_actions_init(&fa) != 0)
		return (-1);
	(void)posix_spawn_file_actions_adddup2(&fa, in, STDIN_FILENO);
	(void)posix_spawn_file_actions_adddup2(&fa, out, STDOUT_FILENO);
	if ((errno = posix_spawn(&pid, argv[0], &fa, NULL, argv, envp)) != 0)
		pid = -1;
	(void)posix_spawn_file_actions_destroy(&fa);
	return (pid);
}

/*
 * Read until end is there, or the end of the file, or no room.  Returns -1 if
 * nothing comes any more.
 */
static int
read_until(int fd, char end, char *buf, size_t size)
{
	struct pollfd	 pfd = { .fd = fd, .events = POLLIN };
	size_t		 n = 0;
	ssize_t		 got;

	while (n < size - 1) {
		buf[n] = '\0';
		if (poll(&pfd, 1, PATIENCE) != 1)
			return (-1);
		if ((got = read(fd, buf + n, size - 1 - n)) <= 0)
			break;
		n += got;
		if (end != '\0' && buf[n - 1] == end)
			break;
	}
	buf[n] = '\0';
	return (0);
}

/*
 * Run a program to its end.  Returns 1 if it said this, 0 if not, or -1 if it
 * could not be run.
 */
int
command_run(char *const argv[], const char *wanted)
{
	static char	 buf[ANSWER_MAX];
	int		 out[2], null;
	pid_t		 pid;

	if ((null = open("/dev/null", O_RDONLY | O_CLOEXEC)) == -1 ||
	    pipe2(out, O_CLOEXEC) == -1)
		fatal("pipe");
	pid = command_start(argv, null, out[1]);
	close(null);
	close(out[1]);
	if (pid != -1) {
		if (read_until(out[0], '\0', buf, sizeof(buf)) == -1)
			(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	close(out[0]);
	return (pid == -1 ? -1 : strstr(buf, wanted) != NULL);
}

/* sysuserctl, which answers line by line. */
void
dialogue_open(const char *program, const char *socket)
{
	char	 path[1024], sock[1024];
	char	 opt[] = "-s", verb[] = "lookup", dash[] = "-";
	char	*argv[] = { path, opt, sock, verb, dash, NULL };
	int	 in[2], out[2];

	if (strlcpy(path, program, sizeof(path)) >= sizeof(path) ||
	    strlcpy(sock, socket, sizeof(sock)) >= sizeof(sock) ||
	    pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1)
		fatal("pipe");
	if ((dialogue = command_start(argv, in[0], out[1])) == -1)
		fatal("%s", program);
	close(in[0]);
	close(out[1]);
	to_dialogue = in[1];
	from_dialogue = out[0];
}

void
dialogue_close(void)
{
	close(to_dialogue);
	close(from_dialogue);
	(void)waitpid(dialogue, NULL, 0);
}

/* Returns 1 if it names the client's process, 0 if not. */
int
dialogue_ask(const struct client *c)
{
	char	 line[1024], wanted[32];
	int	 len;

	len = snprintf(line, sizeof(line), "127.0.0.1 %u 127.0.0.1 %u\n",
	    c->key.client.port, c->key.server.port);
	if (write(to_dialogue, line, len) != len)
		fatal("to sysuserctl");
	if (read_until(from_dialogue, '\n', line, sizeof(line)) == -1)
		fatalx("sysuserctl does not answer");
	(void)snprintf(wanted, sizeof(wanted), " pid=%d ", c->pid);
	if (strncmp(line, "verdict=owned ", 14) != 0)
		fatalx("sysuserctl says: %s", line);
	return (strstr(line, wanted) != NULL);
}

/* RFC 1413.  Returns 1 if there is a user, 0 if not, -1 without a server. */
int
ident_ask(in_port_t port, const struct client *c)
{
	struct sockaddr_in	 sin;
	char			 line[256];
	int			 fd, len;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		fatal("socket");
	len = snprintf(line, sizeof(line), "%u, %u\r\n", c->key.client.port,
	    c->key.server.port);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    write(fd, line, len) != len) {
		close(fd);
		return (-1);
	}
	(void)read_until(fd, '\n', line, sizeof(line));
	close(fd);
	return (strstr(line, "USERID") != NULL);
}
