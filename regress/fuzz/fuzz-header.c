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
 * What stands in the header and in the log: whatever an owner is called, it
 * is one header, one line, and no more fields than are asked for.
 *
 * SOURCES: milterd/header.c common/answer.c common/xtext.c common/wire.c
 * SOURCES: common/addr.c common/log.c
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <unistd.h>

#include "fuzz.h"
#include "log.h"
#include "milterd.h"

#define LINE_ALLOWED	998		/* RFC 5322 section 2.1.1 */

static int	 syslogd = -1;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int	 pair[2];

	(void)argc;
	(void)argv;
	REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	syslogd = pair[0];
	log_init("fuzz", pair[1], 1);
	return (0);
}

static void
take_owner(struct input *in, struct owner *o, char *texts[T_MAX])
{
	int	 i;

	owner_unknown(o, take_u8(in) % R_MAX);
	o->verdict = take_u8(in) % E_MAX;
	o->source = take_u8(in) % SRC_MAX;
	o->uid = take_int(in, 4);
	o->login = take_int(in, 4);
	o->pid = take_int(in, 4);
	o->holders = take_u8(in);
	for (i = 0; i < T_MAX; i++) {
		texts[i] = take_string(in);
		o->text[i] = texts[i][0] == '\0' ? NULL : texts[i];
	}
}

static void
take_fields(struct input *in, struct fields *f)
{
	size_t	 n = take_u8(in) % (F_MAX + 1);

	for (f->n = 0; f->n < n; f->n++)
		f->list[f->n] = take_u8(in) % F_MAX;
}

/* The contrary of xtext(); a text that was cut is not checked further. */
static void
check_xtext(const char *text, size_t max)
{
	char	 buf[3 * MAX_SENDER + 7];
	size_t	 i, n = 0;
	unsigned int	 c;

	REQUIRE(xtext(buf, sizeof(buf), text, max) == 0);
	for (i = 0; buf[i] != '\0' && n < max; n++) {
		c = (unsigned char)buf[i++];
		REQUIRE(c > ' ' && c < 0x7f && c != '=');
		if (c == '+') {
			REQUIRE(sscanf(buf + i, "%2X", &c) == 1);
			i += 2;
		}
		REQUIRE((unsigned char)text[n] == c);
	}
	REQUIRE(n == strlen(text) ||
	    (n == max && strcmp(buf + i, "+2E+2E") == 0));
}

/* Printable, folded so that each line begins with a blank and has more. */
static void
check_header(const char *value, size_t before)
{
	size_t	 column = before;
	int	 more = 1;

	for (; *value != '\0'; value++)
		if (*value == '\n') {
			REQUIRE(more);
			REQUIRE(value[1] == '\t');
			value++;
			column = more = 0;
		} else {
			REQUIRE(*value >= ' ' && *value < 0x7f);
			REQUIRE(++column <= LINE_ALLOWED);
			more |= *value != ' ';
		}
}

/* As many words as fields, each with one "=". */
static void
check_line(const char *line, size_t fields)
{
	size_t	 words = *line != '\0', equals = 0;

	for (; *line != '\0'; line++) {
		REQUIRE(*line >= ' ' && *line < 0x7f);
		words += *line == ' ';
		equals += *line == '=';
	}
	REQUIRE(words == equals && words <= fields + 2);
}

static void
check_log(const char *text)
{
	char	 line[16384];
	ssize_t	 n, i;

	log_info("user=%s", text);
	n = recv(syslogd, line, sizeof(line), 0);
	REQUIRE(n > 0 && (size_t)n < sizeof(line));
	for (i = 0; i < n; i++)
		REQUIRE(line[i] >= ' ' && line[i] < 0x7f);
}

static void
check_template(const struct owner *o, const char *template)
{
	char		 name[] = "X-AuthUser";
	struct header	 h = { .kind = H_VALUE, .name = name };
	const char	*s = template;
	int		 f;
	char		*value;

	/* What the configuration may say: printable, and not too long. */
	while ((f = template_next(&s)) >= 0)
		if (f >= F_MAX && (f - F_MAX < ' ' || f - F_MAX > '~'))
			return;
	if (f != -1 || strlen(template) > 200)
		return;
	REQUIRE((h.value = strdup(template)) != NULL);
	REQUIRE((value = header_value(&h, o)) != NULL);
	if (strspn(template, " ") != strlen(template))
		check_header(value, sizeof(name) + 1);
	free(value);
	free(h.value);
}

/* An owner, fields, the value of a header. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input	 in = { data, len };
	struct owner	 o;
	char		 name[] = "X-Sender-Process-Info", line[16384];
	char		*texts[T_MAX], *template, *value;
	struct header	 h = { .kind = H_FIELDS, .name = name };
	int		 i;

	take_fields(&in, &h.fields);
	take_owner(&in, &o, texts);
	template = take_string(&in);
	if (h.fields.n > 0) {
		REQUIRE((value = header_value(&h, &o)) != NULL);
		check_header(value, sizeof(name) + 1);
		free(value);
	}
	REQUIRE(owner_line(line, sizeof(line), &h.fields, &o, "-") == 0);
	check_line(line, h.fields.n);
	check_template(&o, template);
	for (i = 0; i < T_MAX; i++) {
		check_xtext(texts[i], i == T_USER ? MAX_NAME : MAX_SENDER);
		free(texts[i]);
	}
	check_log(template);
	free(template);
	return (0);
}
