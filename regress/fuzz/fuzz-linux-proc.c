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
 * Texts below /proc.  What is found in them lies in them, and is what it is
 * called.
 *
 * SOURCES: resolver/linux_proc.c
 */

#include <ctype.h>

#include "fuzz.h"
#include "linux_proc.h"

#define ROOM	16

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return (0);
}

static void
check_span(const struct input *in, struct span s)
{
	const char	*begin = (const char *)in->p;

	REQUIRE(s.p == NULL || (s.p >= begin &&
	    s.p + s.len <= begin + in->left));
}

static void
fuzz_stat(const struct input *in)
{
	struct proc_stat	 st;

	if (proc_stat((const char *)in->p, in->left, &st) == -1)
		return;
	check_span(in, st.comm);
	REQUIRE(st.comm.p != NULL && st.comm.p[-1] == '(' &&
	    st.comm.p[st.comm.len] == ')');
}

static void
fuzz_cgroup(const struct input *in)
{
	struct proc_cgroup	 cg;
	const char		*line, *path;
	size_t			 i;

	proc_cgroup((const char *)in->p, in->left, &cg);
	check_span(in, cg.unit);
	check_span(in, cg.container);
	if (cg.unit.p != NULL)
		REQUIRE(cg.unit.len > 6 &&
		    memchr(cg.unit.p, '/', cg.unit.len) == NULL);
	if (cg.container.p == NULL)
		return;
	REQUIRE(cg.container.len > 0);
	for (i = 0; i < cg.container.len; i++)
		REQUIRE(cg.container.p[i] != '/' && cg.container.p[i] != '\n');
	/* A user can make what he likes below his slice. */
	line = cg.container.p;
	while (line > (const char *)in->p && line[-1] != '\n')
		line--;
	path = strchr(strchr(line, ':') + 1, ':') + 1;
	REQUIRE(strncmp(path, "/user.slice/", 12) != 0);
}

static void
fuzz_list(const struct input *in, size_t (*fn)(const char *, size_t,
    uint32_t *, size_t))
{
	uint32_t	*list;
	size_t		 n;

	REQUIRE((list = malloc(ROOM * sizeof(*list))) != NULL);
	n = fn((const char *)in->p, in->left, list, ROOM);
	REQUIRE(n <= ROOM);
	free(list);
}

static void
fuzz_cmdline(struct input *in)
{
	size_t	 size = 1 + take_u8(in), n;
	char	*out;

	REQUIRE((out = malloc(size)) != NULL);
	n = proc_cmdline((const char *)in->p, in->left, out, size);
	REQUIRE(n < size && strlen(out) == n && n <= in->left);
	free(out);
}

/* What is a number there is one here, and comes back the same. */
static void
check_number(const struct input *in, const char *before, uint64_t n,
    const char *after)
{
	char	 text[64];
	int	 len;

	len = snprintf(text, sizeof(text), "%s%llu%s", before,
	    (unsigned long long)n, after);
	REQUIRE((size_t)len <= in->left &&
	    memcmp(text, in->p + in->left - len, len) == 0);
}

static void
fuzz_numbers(struct input *in)
{
	const char	*text = (const char *)in->p;
	struct input	 pid = *in;
	uint64_t	 n;
	uint32_t	 id;
	char		*name;

	if (proc_socket(text, in->left, &n) == 0)
		check_number(in, "socket:[", n, "]");
	if (proc_lastpid(text, in->left, &id) == 0)
		check_number(in, " ", id, "\n");
	if (proc_loginuid(text, in->left, &id) == 0)
		check_number(in, "", id,
		    text[in->left - 1] == '\n' ? "\n" : "");
	if (proc_uint(text, in->left, UINT64_MAX, &n) == 0)
		check_number(in, "", n, "");
	name = take_string(&pid);
	if (proc_pid(name, &id) == 0)
		REQUIRE(id != 0 && strtoul(name, NULL, 10) == id);
	free(name);
}

/* Which text, and the text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input	 in = { data, len };

	switch (take_u8(&in)) {
	case 's':
		fuzz_stat(&in);
		break;
	case 'c':
		fuzz_cgroup(&in);
		break;
	case 'i':
		fuzz_list(&in, proc_igmp);
		break;
	case '6':
		fuzz_list(&in, proc_inet6);
		break;
	case 'l':
		fuzz_cmdline(&in);
		break;
	default:
		fuzz_numbers(&in);
		break;
	}
	return (0);
}
