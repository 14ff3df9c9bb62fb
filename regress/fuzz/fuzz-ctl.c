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
 * A daemon that lies to sysuserctl: what it prints can do nothing to a
 * terminal, and with -j it is JSON or an error.
 *
 * SOURCES: control/sender.c control/show.c control/words.c common/addr.c
 * SOURCES: common/answer.c common/chan.c common/clock.c common/confwire.c
 * SOURCES: common/log.c common/msgtab.c common/wire.c common/xtext.c
 * LIBS: -Wl,--wrap=connect,--wrap=accept,--wrap=exit,--wrap=kill
 * LIBS: -Wl,--wrap=nanosleep,--wrap=signal,--wrap=isatty
 * LIBS: -Wl,--wrap=calloc,--wrap=reallocarray,--wrap=free
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <setjmp.h>

#include "fuzz.h"

/* Their variables are set back after each run. */
int	 ctl_main(int, char **);
#define main ctl_main
#include "sysuserctl.c"
#undef main
#include "json.c"
#include "top.c"

#define KEPT	256		/* pieces of memory */
#define WORDS	8

static char	*commands[][WORDS] = {
	{ "block", "bob", "for", "1h" },
	{ "lookup", "127.0.0.1", "40000", "127.0.0.1", "25" },
	{ "metrics" }, { "monitor" }, { "reload" }, { "selftest" },
	{ "status" }, { "stop" }, { "tables" },
	{ "test", "unknown", "sender", "bob@example.org" },
	{ "top" }, { "unblock", "bob" }
};

static jmp_buf	 end;
static int	 running;
static int	 daemon_end;		/* of the socket, for sysuserctl */
static int	 first_fd;		/* from here on they are its own */
static void	*kept[KEPT];		/* it leaves the freeing to exit(3) */

void	 __real_exit(int) NORETURN;
void	 __wrap_exit(int) NORETURN;
int	 __wrap_connect(int, const struct sockaddr *, socklen_t);
int	 __wrap_accept(int, struct sockaddr *, socklen_t *);
int	 __wrap_kill(pid_t, int);
int	 __wrap_nanosleep(const struct timespec *, struct timespec *);
void	(*__wrap_signal(int, void (*)(int)))(int);
int	 __wrap_isatty(int);
void	*__real_calloc(size_t, size_t);
void	*__wrap_calloc(size_t, size_t);
void	*__real_reallocarray(void *, size_t, size_t);
void	*__wrap_reallocarray(void *, size_t, size_t);
void	 __real_free(void *);
void	 __wrap_free(void *);

void
__wrap_exit(int status)
{
	if (!running)
		__real_exit(status);
	longjmp(end, status + 1);
}

int
__wrap_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	(void)len;
	return (sa->sa_family != AF_UNIX ? 0 :
	    dup2(daemon_end, fd) == -1 ? -1 : 0);
}

int
__wrap_accept(int fd, struct sockaddr *sa, socklen_t *len)
{
	(void)sa;
	(void)len;
	return (dup(fd));
}

int
__wrap_kill(pid_t pid, int sig)
{
	(void)pid;
	REQUIRE(sig == 0);
	return (0);
}

int
__wrap_nanosleep(const struct timespec *ts, struct timespec *left)
{
	(void)ts;
	(void)left;
	return (0);
}

void
(*__wrap_signal(int sig, void (*fn)(int)))(int)
{
	(void)sig;
	return (fn);
}

int
__wrap_isatty(int fd)
{
	(void)fd;
	return (0);
}

static void
remember(const void *was, void *now)
{
	size_t	 i;

	for (i = 0; i < KEPT && kept[i] != was; i++)
		continue;
	if (i < KEPT)
		kept[i] = now;
	else if (was == NULL)
		REQUIRE(!"room for one more");
}

void *
__wrap_calloc(size_t n, size_t size)
{
	void	*p = __real_calloc(n, size);

	if (running && p != NULL)
		remember(NULL, p);
	return (p);
}

void *
__wrap_reallocarray(void *was, size_t n, size_t size)
{
	void	*p = __real_reallocarray(was, n, size);

	if (running && p != NULL)
		remember(was, p);
	return (p);
}

void
__wrap_free(void *p)
{
	if (running && p != NULL)
		remember(p, NULL);
	__real_free(p);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	first_fd = dup(STDERR_FILENO);
	close(first_fd);
	return (0);
}

/*
 * JSON, RFC 8259: each returns what follows.
 */

static const char *json_value(const char *);

static const char *
json_text(const char *s)
{
	REQUIRE(*s++ == '"');
	while (*s != '"')
		if (*s == '\\' && s[1] == 'u') {
			REQUIRE(strspn(s + 2, "0123456789abcdef") >= 4);
			s += 6;
		} else if (*s == '\\') {
			REQUIRE(s[1] == '"' || s[1] == '\\');
			s += 2;
		} else {
			REQUIRE(*s >= ' ' && *s < 0x7f);
			s++;
		}
	return (s + 1);
}

static const char *
json_list(const char *s, char last)
{
	int	 named = *s++ == '{';

	if (*s == last)
		return (s + 1);
	for (;; s++) {
		if (named) {
			s = json_text(s);
			REQUIRE(*s++ == ':');
		}
		s = json_value(s);
		if (*s == last)
			return (s + 1);
		REQUIRE(*s == ',');
	}
}

static const char *
json_value(const char *s)
{
	static const char *const	 words[] = { "true", "false", "null" };
	size_t				 i;

	if (*s == '"')
		return (json_text(s));
	if (*s == '{' || *s == '[')
		return (json_list(s, *s == '{' ? '}' : ']'));
	for (i = 0; i < NITEMS(words); i++)
		if (strncmp(s, words[i], strlen(words[i])) == 0)
			return (s + strlen(words[i]));
	REQUIRE(strspn(s, "0123456789") > 0);
	return (s + strspn(s, "0123456789"));
}

static void
check_json(const char *s)
{
	while (*s != '\0') {
		s = json_value(s);
		REQUIRE(*s++ == '\n');
	}
}

static void
check_plain(const char *s)
{
	for (; *s != '\0'; s++)
		REQUIRE(*s == '\n' || (*s >= ' ' && *s < 0x7f));
}

/* All that the daemon says, and then it closes. */
static void
speak(struct input *in, int sock)
{
	struct input	 part;

	while (in->left > 0) {
		part = take_part(in);
		if (part.left > 0 && send(sock, part.p, part.left,
		    MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
			break;
	}
	(void)shutdown(sock, SHUT_WR);
}

static void
reset(void)
{
	size_t	 i;

	for (i = 0; i < KEPT; i++) {
		__real_free(kept[i]);
		kept[i] = NULL;
	}
	closefrom(first_fd);
	memset(&ctl, 0, sizeof(ctl));
	ctl.failure = 1;
	memset(&top, 0, sizeof(top));
	top.programs = 1;
	memset(&out, 0, sizeof(out));
	optind = 0;
}

/* Its arguments; returns how many. */
static int
arguments(char **argv, char **words, int json)
{
	static char	 name[] = "sysuserctl", path[] = "-s/nowhere";
	static char	 option[] = "-j";
	int		 argc = 0;

	argv[argc++] = name;
	argv[argc++] = path;
	if (json)
		argv[argc++] = option;
	while (*words != NULL)
		argv[argc++] = *words++;
	argv[argc] = NULL;
	return (argc);
}

/* Returns the exit status. */
static int
run(int argc, char **argv)
{
	int	 rv;

	running = 1;
	if ((rv = setjmp(end)) == 0)
		rv = ctl_main(argc, argv) + 1;
	running = 0;
	return (rv - 1);
}

/* A command, -j or not, and the packets of the daemon. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input	 in = { data, len };
	char		**words = commands[take_u8(&in) % NITEMS(commands)];
	int		 json = take_u8(&in) & 1, pair[2], argc, rv;
	FILE		*was_out = stdout, *was_err = stderr;
	char		*argv[WORDS + 4], *printed, *said;
	size_t		 size;

	REQUIRE(chan_pair(pair) == 0);
	speak(&in, pair[0]);
	daemon_end = pair[1];
	REQUIRE((stdout = open_memstream(&printed, &size)) != NULL);
	REQUIRE((stderr = open_memstream(&said, &size)) != NULL);
	argc = arguments(argv, words, json);
	rv = run(argc, argv);
	(void)fclose(stdout);
	(void)fclose(stderr);
	stdout = was_out;
	stderr = was_err;
	REQUIRE(rv >= 0 && rv <= EXIT_LOOKUP);
	check_plain(said);
	check_plain(printed);
	if (json && (rv == 0 || *words[0] == 'm'))
		check_json(printed);
	__real_free(said);
	__real_free(printed);
	reset();
	return (0);
}
