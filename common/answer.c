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

/* An owner: between processes, and in words. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "defaults.h"
#include "sysuser.h"

const char *const verdict_names[E_MAX] = { "unknown", "owned", "remote" };

const char *const reason_names[R_MAX] = {
	"none", "closed", "denied", "timeout", "budget", "unsupported",
	"failed", "ambiguous", "reused", "redirected"
};

const char *const source_names[SRC_MAX] = {
	"uid-only", "scan", "cache", "cgroup", "bpf"
};

const char *const field_names[F_MAX] = {
	"user", "uid", "owner", "login", "pid", "program", "exe", "holders",
	"holder", "source", "cwd", "unit", "container", "cmdline"
};

const char *const protection_names[PROT_MAX] = {
	PROTECTIONS
};

const char *const stat_names[ST_NAMED] = {
	"lookups", "owned", "unknown", "remote", "with-process", "sessions",
	"messages", "tagged", "refused", "stripped", "limited", "uncounted"
};

void
owner_unknown(struct owner *o, enum reason reason)
{
	memset(o, 0, sizeof(*o));
	o->verdict = E_UNKNOWN;
	o->reason = reason;
	o->login = LOGIN_UNSET;
}

void
put_owner(struct msg *m, const struct owner *o)
{
	uint32_t	 i;

	put_u8(m, o->verdict);
	put_u8(m, o->reason);
	put_u8(m, o->source);
	put_u8(m, o->named);
	put_u32(m, o->uid);
	put_u32(m, o->account);
	put_u32(m, o->login);
	put_u32(m, o->pid);
	put_u32(m, o->holders);
	put_u64(m, o->start);
	put_u16(m, o->ngroups);
	for (i = 0; i < o->ngroups; i++)
		put_u32(m, o->groups[i]);
	for (i = 0; i < T_MAX; i++) {
		put_u8(m, o->text[i] != NULL);
		if (o->text[i] != NULL)
			put_str(m, o->text[i]);
	}
}

/*
 * The owner in a message, to its end, in one piece of memory to free(); NULL
 * if the message or the memory is at fault.
 */
struct owner *
get_owner(struct msg *m)
{
	struct owner	*o;
	uint32_t	*groups, i;
	char		*text, *end;

	/* Groups and texts take no more room here than in the message. */
	if ((o = calloc(1, sizeof(*o) + m->len)) == NULL)
		return (NULL);
	o->verdict = get_u8(m);
	o->reason = get_u8(m);
	o->source = get_u8(m);
	o->named = get_u8(m);
	o->uid = get_u32(m);
	o->account = get_u32(m);
	o->login = get_u32(m);
	o->pid = get_u32(m);
	o->holders = get_u32(m);
	o->start = get_u64(m);
	o->ngroups = get_u16(m);
	if (o->verdict >= E_MAX || o->reason >= R_MAX ||
	    o->source >= SRC_MAX || o->ngroups > MAX_GROUPS)
		goto bad;
	o->groups = groups = (uint32_t *)(o + 1);
	for (i = 0; i < o->ngroups && !m->bad; i++)
		groups[i] = get_u32(m);
	text = (char *)(groups + i);
	end = (char *)(o + 1) + m->len;
	for (i = 0; i < T_MAX; i++) {
		if (get_u8(m) == 0)
			continue;
		get_str(m, text, end - text);
		o->text[i] = text;
		text += strlen(text) + 1;
	}
	if (msg_end(m) == -1)
		goto bad;
	return (o);
bad:
	m->bad = 1;
	free(o);
	return (NULL);
}

static int
text_value(const char *s, char *buf, size_t size, size_t max)
{
	return (s == NULL ? -1 : xtext(buf, size, s, max));
}

static int
number_value(uint64_t v, char *buf, size_t size)
{
	return ((size_t)snprintf(buf, size, "%" PRIu64, v) < size ? 0 : -1);
}

int
fields_have(const struct fields *f, enum field field)
{
	return (memchr(f->list, field, f->n) != NULL);
}

/*
 * What a field says of an owner, encoded, in buf.  Returns -1 if nothing is
 * known.  The user of an owner without an account is #uid.
 */
int
field_value(const struct owner *o, enum field f, char *buf, size_t size)
{
	if (o->verdict != E_OWNED)
		return (-1);
	switch (f) {
	case F_USER:
		if (o->text[T_USER] != NULL)
			return (xtext(buf, size, o->text[T_USER], MAX_NAME));
		return ((size_t)snprintf(buf, size, "#%u", o->uid) < size ?
		    0 : -1);
	case F_UID:
		return (number_value(o->uid, buf, size));
	case F_OWNER:
		return (text_value(o->text[T_OWNER], buf, size, MAX_NAME));
	case F_LOGIN:
		return (o->login == LOGIN_UNSET ? -1 :
		    number_value(o->login, buf, size));
	case F_PID:
		return (o->pid == NO_PID ? -1 :
		    number_value(o->pid, buf, size));
	case F_PROGRAM:
		return (text_value(o->text[T_PROGRAM], buf, size, MAX_NAME));
	case F_EXE:
		return (text_value(o->text[T_EXE], buf, size, MAX_PATH));
	case F_HOLDERS:
		return (o->holders == 0 ? -1 :
		    number_value(o->holders, buf, size));
	case F_HOLDER:
		return (text_value(o->text[T_HOLDER], buf, size, MAX_NAME));
	case F_SOURCE:
		if (strlcpy(buf, source_names[o->source], size) >= size)
			return (-1);
		return (0);
	case F_CWD:
		return (text_value(o->text[T_CWD], buf, size, MAX_PATH));
	case F_UNIT:
		return (text_value(o->text[T_UNIT], buf, size, MAX_PATH));
	case F_CONTAINER:
		return (text_value(o->text[T_CONTAINER], buf, size, MAX_PATH));
	case F_CMDLINE:
		return (text_value(o->text[T_CMDLINE], buf, size, MAX_PATH));
	case F_MAX:
		break;
	}
	return (-1);
}

/*
 * The value of a header, piece by piece: %u and %{field} stand for a field,
 * %% for %.  Returns a field, or F_MAX and a byte of text added to it, or -1
 * at the end, or -2 if it makes no sense.
 */
int
template_next(const char **s)
{
	const char	*p = *s;
	size_t		 len;
	int		 f;

	if (*p == '\0')
		return (-1);
	if (*p != '%' || p[1] == '%') {
		*s += *p == '%' ? 2 : 1;
		return (F_MAX + (unsigned char)*p);
	}
	if (p[1] == 'u') {
		*s += 2;
		return (F_USER);
	}
	if (p[1] != '{')
		return (-2);
	p += 2;
	len = strcspn(p, "}");
	for (f = 0; f < F_MAX; f++)
		if (strlen(field_names[f]) == len &&
		    strncmp(field_names[f], p, len) == 0)
			break;
	if (p[len] != '}' || f == F_MAX)
		return (-2);
	*s = p + len + 1;
	return (f);
}
