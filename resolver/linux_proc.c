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
 * Reading the texts of /proc.  The kernel wrote them, but a user chose parts
 * of them: the name of the process, the command line, below his own slice
 * the names of cgroups.
 */

#include <limits.h>
#include <string.h>

#include "linux_proc.h"

static int	 span_is(struct span, const char *);
static int	 span_begins(struct span, const char *);
static int	 span_ends(struct span, const char *);
static int	 span_cut(struct span, const char *, const char *,
		    struct span *);
static int	 next_piece(struct span *, char, struct span *);
static int	 next_line(struct span *, struct span *);
static struct span cgroup_path(const char *, size_t);
static int	 is_unit(struct span);
static int	 is_id(struct span);
static void	 unit_container(struct span, int, struct span *);

/* A whole decimal number, nothing else, as the kernel writes it. */
int
proc_uint(const char *s, size_t len, uint64_t max, uint64_t *value)
{
	uint64_t	 v = 0;
	size_t		 i;
	unsigned int	 digit;

	if (len == 0 || (len > 1 && s[0] == '0'))
		return (-1);
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return (-1);
		digit = s[i] - '0';
		if (v > (UINT64_MAX - digit) / 10)
			return (-1);
		v = v * 10 + digit;
	}
	if (v > max)
		return (-1);
	*value = v;
	return (0);
}

/* The name of an entry in /proc or in a task directory. */
int
proc_pid(const char *name, uint32_t *pid)
{
	uint64_t	 v;

	if (proc_uint(name, strlen(name), INT_MAX, &v) == -1 || v == 0)
		return (-1);
	*pid = v;
	return (0);
}

/*
 * "PID (COMM) STATE PPID ...".  COMM may hold anything, ')' and newlines
 * included, but what follows the last ')' is the kernel's.
 */
int
proc_stat(const char *buf, size_t len, struct proc_stat *st)
{
	static const int	 threads = 20, start = 22;	/* proc(5) */
	const char		*open, *close;
	struct span		 rest, field;
	uint64_t		 v = 0;
	int			 i;

	open = memchr(buf, '(', len);
	close = memrchr(buf, ')', len);
	if (open == NULL || close == NULL || close < open)
		return (-1);
	st->comm.p = open + 1;
	st->comm.len = close - open - 1;
	rest.p = close + 1;
	rest.len = buf + len - rest.p;
	if (rest.len == 0 || *rest.p != ' ')
		return (-1);
	rest.p++;
	rest.len--;
	for (i = 3; i <= start; i++) {
		/* A field that nothing follows may have been cut. */
		if (next_piece(&rest, ' ', &field) == -1)
			return (-1);
		if (i == threads) {
			if (proc_uint(field.p, field.len, UINT32_MAX, &v) ==
			    -1)
				return (-1);
			st->threads = v;
		}
	}
	return (proc_uint(field.p, field.len, UINT64_MAX, &st->start));
}

/* "socket:[INODE]", the text of a link in a directory of descriptors. */
int
proc_socket(const char *link, size_t len, uint64_t *inode)
{
	struct span	 s = { link, len }, number;

	if (!span_cut(s, "socket:[", "]", &number))
		return (-1);
	return (proc_uint(number.p, number.len, UINT64_MAX, inode));
}

int
proc_loginuid(const char *buf, size_t len, uint32_t *uid)
{
	uint64_t	 v;

	if (len > 0 && buf[len - 1] == '\n')
		len--;
	if (proc_uint(buf, len, UINT32_MAX, &v) == -1)
		return (-1);
	*uid = v;
	return (0);
}

/* /proc/loadavg ends in the pid that was given last. */
int
proc_lastpid(const char *buf, size_t len, uint32_t *pid)
{
	const char	*space;
	uint64_t	 v;

	if (len == 0 || buf[len - 1] != '\n')
		return (-1);
	len--;
	if ((space = memrchr(buf, ' ', len)) == NULL)
		return (-1);
	space++;
	if (proc_uint(space, buf + len - space, INT_MAX, &v) == -1)
		return (-1);
	*pid = v;
	return (0);
}

/*
 * The unit is the first .service or .scope from the root: that one the
 * system's manager made.  Deeper ones a user's own manager may have made, so
 * nothing is read there, and no container is believed below user.slice,
 * where users make cgroups as they like.
 */
void
proc_cgroup(const char *buf, size_t len, struct proc_cgroup *cg)
{
	struct span	 path, part, before = { NULL, 0 };
	int		 machine = 0, pods = 0, user = 0, first = 1;

	memset(cg, 0, sizeof(*cg));
	path = cgroup_path(buf, len);
	while (path.len > 0) {
		if (next_piece(&path, '/', &part) == -1) {
			part = path;
			path.len = 0;
		}
		/* "..": above the root of our cgroup namespace. */
		if (part.len == 0 || span_is(part, ".."))
			continue;
		if (first) {
			user = span_is(part, "user.slice");
			machine = span_is(part, "machine.slice");
			pods = span_begins(part, "kubepods");
			first = 0;
		}
		if (is_unit(part)) {
			cg->unit = part;
			if (!user)
				unit_container(part, machine, &cg->container);
			return;
		}
		if (!user && is_id(part) &&
		    (pods || span_is(before, "docker"))) {
			cg->container = part;
			return;
		}
		before = part;
	}
}

/* NULs become spaces; those at the end go.  Returns the length of out. */
size_t
proc_cmdline(const char *buf, size_t len, char *out, size_t size)
{
	size_t	 i;

	while (len > 0 && buf[len - 1] == '\0')
		len--;
	if (len > size - 1)
		len = size - 1;
	for (i = 0; i < len; i++)
		out[i] = buf[i] == '\0' ? ' ' : buf[i];
	out[len] = '\0';
	return (len);
}

static int
span_is(struct span s, const char *text)
{
	return (s.len == strlen(text) && memcmp(s.p, text, s.len) == 0);
}

static int
span_begins(struct span s, const char *text)
{
	size_t	 len = strlen(text);

	return (s.len >= len && memcmp(s.p, text, len) == 0);
}

static int
span_ends(struct span s, const char *text)
{
	size_t	 len = strlen(text);

	return (s.len >= len && memcmp(s.p + s.len - len, text, len) == 0);
}

/* What stands between head and tail, at least one byte. */
static int
span_cut(struct span s, const char *head, const char *tail, struct span *out)
{
	size_t	 around = strlen(head) + strlen(tail);

	if (s.len <= around || !span_begins(s, head) || !span_ends(s, tail))
		return (0);
	out->p = s.p + strlen(head);
	out->len = s.len - around;
	return (1);
}

/* Takes the piece before the next end; -1 if there is no more end. */
static int
next_piece(struct span *rest, char end, struct span *piece)
{
	const char	*p;

	if (rest->len == 0 || (p = memchr(rest->p, end, rest->len)) == NULL)
		return (-1);
	piece->p = rest->p;
	piece->len = p - rest->p;
	rest->p += piece->len + 1;
	rest->len -= piece->len + 1;
	return (0);
}

/* A line without its newline at the end was cut: it is not looked at. */
static int
next_line(struct span *rest, struct span *line)
{
	return (next_piece(rest, '\n', line));
}

/* "0::PATH", or systemd's own hierarchy if version 2 is not in use. */
static struct span
cgroup_path(const char *buf, size_t len)
{
	struct span	 rest = { buf, len }, line, id, names;
	struct span	 v1 = { NULL, 0 }, v2 = { NULL, 0 };

	while (next_line(&rest, &line) == 0) {
		if (next_piece(&line, ':', &id) == -1 ||
		    next_piece(&line, ':', &names) == -1)
			continue;
		if (span_is(id, "0") && names.len == 0)
			v2 = line;
		else if (span_is(names, "name=systemd"))
			v1 = line;
	}
	return (v2.len > 1 ? v2 : v1);
}

static int
is_unit(struct span s)
{
	struct span	 name;

	return (span_cut(s, "", ".service", &name) ||
	    span_cut(s, "", ".scope", &name));
}

/* The id of a container: 64 hexadecimal digits. */
static int
is_id(struct span s)
{
	size_t	 i;

	if (s.len != 64)
		return (0);
	for (i = 0; i < s.len; i++)
		if ((s.p[i] < '0' || s.p[i] > '9') &&
		    (s.p[i] < 'a' || s.p[i] > 'f'))
			return (0);
	return (1);
}

/* The container whose unit this is, if it is one's. */
static void
unit_container(struct span unit, int machine, struct span *container)
{
	static const char *const heads[] = {
		"docker-", "libpod-", "cri-containerd-", "crio-"
	};
	struct span	 id;
	size_t		 i;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (span_cut(unit, heads[i], ".scope", &id) && is_id(id))
			*container = id;
	if (machine && (span_cut(unit, "machine-", ".scope", &id) ||
	    span_cut(unit, "systemd-nspawn@", ".service", &id)))
		*container = id;
}

/*
 * The interfaces in /proc/net/igmp, max at most: lines that begin with an
 * index have one; those of groups begin with a blank.  Returns their number.
 */
size_t
proc_igmp(const char *buf, size_t len, uint32_t *list, size_t max)
{
	struct span	 rest = { buf, len }, line, index;
	uint64_t	 v;
	size_t		 n = 0;

	while (n < max && next_line(&rest, &line) == 0)
		if (next_piece(&line, '\t', &index) == 0 &&
		    proc_uint(index.p, index.len, INT32_MAX, &v) == 0)
			list[n++] = v;
	return (n);
}

/* Likewise /proc/net/if_inet6: an address, and the index in hexadecimal. */
size_t
proc_inet6(const char *buf, size_t len, uint32_t *list, size_t max)
{
	struct span	 rest = { buf, len }, line, addr, index;
	static const char	 hex_digits[] = "0123456789abcdef";
	const char	*digit;
	uint32_t	 v;
	size_t		 i, n = 0;

	while (n < max && next_line(&rest, &line) == 0) {
		if (next_piece(&line, ' ', &addr) == -1 ||
		    next_piece(&line, ' ', &index) == -1 || index.len > 8)
			continue;
		for (v = 0, i = 0; i < index.len; i++) {
			digit = memchr(hex_digits, index.p[i], 16);
			if (digit == NULL)
				break;
			v = v << 4 | (digit - hex_digits);
		}
		if (i == index.len && v != 0)
			list[n++] = v;
	}
	return (n);
}
