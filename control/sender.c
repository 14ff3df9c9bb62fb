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
 * Questions about one sender: who is it (lookup), does the daemon know us
 * (selftest), and what would the rules do with somebody (test)?
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

#define CUT_LEAST	20		/* columns of a rule that is cut */

/* How lookup ends, if it could ask. */
enum { EXIT_OWNED, EXIT_NOBODY };

/* Who stands before the rules. */
struct subject {
	const char	*user;		/* or NULL: by uid */
	int		 named;		/* user, uid or unknown was given */
	int		 unknown;
	uint32_t	 groups[MAX_GROUPS];
	char		 account[MAX_NAME + 2];
	char		 sender[MAX_SENDER + 1];	/* "": not told */
	struct owner	 owner;
};

/* What a rule said to him. */
struct step {
	uint32_t	 rule;
	char		 text[STR_MAX + 1];
	enum outcome	 outcome;
	enum matcher	 matcher;
};

/* And what they decided. */
struct trial {
	struct step	*rows;
	size_t		 n, room;
	enum action	 action;
	uint32_t	 rule, limit;
	char		 reply[STR_MAX + 1];
};

static struct owner *
lookup(const struct conn_key *key)
{
	struct owner	*o;
	struct msg	 m;

	msg_new(&m, IMSG_CTL_LOOKUP, 1);
	put_endpoint(&m, &key->client);
	put_endpoint(&m, &key->server);
	put_u64(&m, clock_usec(CLOCK_MONOTONIC));
	ask(&m, IMSG_CTL_ANSWER, NULL, NULL);
	if ((o = get_owner(&m)) == NULL)
		fail("nonsense from the daemon");
	return (o);
}

/* The fields of an owner that were found, up to last, for a record. */
void
record_owner(const struct owner *o, enum field last)
{
	char		 value[PATH_TEXT];
	unsigned int	 f;

	for (f = 0; f <= last; f++) {
		if (field_value(o, f, value, sizeof(value)) == -1)
			continue;
		if (f == F_UID)
			record_number(field_names[f], o->uid);
		else if (f == F_LOGIN)
			record_number(field_names[f], o->login);
		else if (f == F_PID)
			record_number(field_names[f], o->pid);
		else if (f == F_HOLDERS)
			record_number(field_names[f], o->holders);
		else
			record_string(field_names[f], value);
	}
}

static void
record_answer(const struct owner *o)
{
	record_string("verdict", verdict_names[o->verdict]);
	if (o->verdict == E_UNKNOWN)
		record_string("reason", reason_names[o->reason]);
	record_owner(o, F_SOURCE);
}

/* One line for one owner. */
static void
print_owner(const struct owner *o)
{
	record_open();
	record_answer(o);
	record_close();
}

/* Returns 0, or -1 if that is no connection. */
static int
parse_key(char **argv, struct conn_key *key)
{
	if (endpoint_parse(&key->client, argv[0], argv[1]) == -1 ||
	    endpoint_parse(&key->server, argv[2], argv[3]) == -1 ||
	    key->client.port == 0 || key->server.port == 0)
		return (-1);
	return (0);
}

static void
lookup_line(char *line)
{
	struct conn_key	 key;
	struct owner	*o;
	char		*argv[5], *word;
	int		 argc = 0;

	while ((word = strsep(&line, " \t\r\n")) != NULL)
		if (*word != '\0' && argc < 5)
			argv[argc++] = word;
	if (argc != 4 || parse_key(argv, &key) == -1) {
		record_open();
		record_string("verdict", "error");
		record_string("reason", "syntax");
		record_close();
		return;
	}
	o = lookup(&key);
	print_owner(o);
	free(o);
}

static int
lookup_stdin(void)
{
	char	*line = NULL;
	size_t	 size = 0;

	while (getline(&line, &size, stdin) != -1)
		lookup_line(line);
	free(line);
	return (ferror(stdin) ? ctl.failure : 0);
}

int
verb_lookup(int argc, char **argv)
{
	struct conn_key	 key;
	struct owner	*o;
	int		 owned;

	if (argc == 1 && strcmp(argv[0], "-") == 0)
		return (lookup_stdin());
	if (argc != 4)
		misuse("lookup: needs " LOOKUP_NEEDS);
	if (parse_key(argv, &key) == -1)
		fail("%s %s %s %s: is no connection: say the address and "
		    "port of each end, the client's first", argv[0], argv[1],
		    argv[2], argv[3]);
	o = lookup(&key);
	print_owner(o);
	owned = o->verdict == E_OWNED;
	free(o);
	return (owned ? EXIT_OWNED : EXIT_NOBODY);
}

/*
 * A connection of our own, of that family to that address, accepted.  Returns
 * 0, or -1 if this host has none such.
 */
static int
own_connection(int family, const char *addr, int fds[3], struct conn_key *key)
{
	struct sockaddr_storage	 ss;
	struct endpoint		 e;
	socklen_t		 len;
	int			 off = 0;

	fds[0] = fds[1] = fds[2] = -1;
	if (endpoint_parse(&e, addr, "0") == -1)
		return (-1);
	len = endpoint_to_sa(&e, &ss);
	if ((fds[0] = socket(ss.ss_family, SOCK_STREAM, 0)) == -1 ||
	    bind(fds[0], (struct sockaddr *)&ss, len) == -1 ||
	    listen(fds[0], 1) == -1 ||
	    getsockname(fds[0], (struct sockaddr *)&ss, &len) == -1 ||
	    endpoint_from_sa(&key->server, (struct sockaddr *)&ss) == -1 ||
	    (fds[1] = socket(family, SOCK_STREAM, 0)) == -1)
		return (-1);
	if (family == AF_INET6 && ss.ss_family == AF_INET) {
		(void)setsockopt(fds[1], IPPROTO_IPV6, IPV6_V6ONLY, &off,
		    sizeof(off));
		len = endpoint_to_mapped(&key->server, &ss);
	}
	if (connect(fds[1], (struct sockaddr *)&ss, len) == -1)
		return (-1);
	len = sizeof(ss);
	if (getsockname(fds[1], (struct sockaddr *)&ss, &len) == -1 ||
	    endpoint_from_sa(&key->client, (struct sockaddr *)&ss) == -1 ||
	    (fds[2] = accept(fds[0], NULL, NULL)) == -1)
		return (-1);
	return (0);
}

/* One line of it, or with -j an object. */
static void
selftest_print(const char *what, const char *found, const struct owner *o)
{
	if (!ctl.json && o == NULL)
		(void)printf("%-12s %s\n", what, found);
	else if (!ctl.json) {
		(void)printf("%-12s %s: ", what, found);
		print_owner(o);
	} else {
		json_open(NULL, '{');
		json_string("connection", what);
		json_string("found", found);
		if (o != NULL) {
			json_open("answer", '{');
			record_answer(o);
			json_close();
		}
		json_close();
	}
}

static int
selftest_one(const char *what, int family, const char *addr)
{
	struct conn_key	 key;
	struct owner	*o;
	int		 fds[3], i, good = 1;

	if (own_connection(family, addr, fds, &key) == -1)
		selftest_print(what, "not on this host", NULL);
	else {
		o = lookup(&key);
		good = o->verdict == E_OWNED && o->uid == getuid();
		if (!good)
			selftest_print(what, "WRONG", o);
		else if (o->pid == (uint32_t)getpid())
			selftest_print(what, "user and process", o);
		else
			selftest_print(what, "user only", o);
		free(o);
	}
	for (i = 0; i < 3; i++)
		if (fds[i] != -1)
			close(fds[i]);
	return (good);
}

/* What the resolver found to be possible on this system. */
static uint32_t
ask_caps(void)
{
	struct msg	 m;
	uint32_t	 can;

	msg_new(&m, IMSG_CTL_CAPS_GET, 1);
	ask(&m, IMSG_CTL_CAPS, NULL, NULL);
	can = get_u32(&m);
	check(&m);
	return (can);
}

static void
selftest_caps(uint32_t can)
{
	static const struct {
		int		 can;
		const char	*name, *text;
	} caps[] = {
		{ CAN_ASK, "user", "the user of a connection" },
		{ CAN_SEARCH, "process", "the process: pid, program, exe" },
		{ CAN_ORPHAN, "hung-up",
		    "the user of one who hung up, for a moment" },
		{ CAN_LOGIN, "login", "the login uid" },
		{ CAN_UNIT, "unit", "unit and container" },
		{ CAN_RECORD, "namespaces",
		    "clients in other network namespaces" },
		{ CAN_RECORD, "record",
		    "who hung up long ago (needs a BPF record)" }
	};
	size_t	 i;
	int	 yes;

	for (i = 0; i < NITEMS(caps); i++) {
		yes = (can & 1U << caps[i].can) != 0;
		if (ctl.json)
			json_bool(caps[i].name, yes);
		else
			(void)printf("%-44s %s\n", caps[i].text,
			    yes ? "yes" : "no");
	}
}

/* Does the daemon know who we are? */
int
verb_selftest(int argc, char **argv)
{
	uint32_t	 can = ask_caps();
	int		 good;

	(void)argc;
	(void)argv;
	if (ctl.json) {
		json_open(NULL, '{');
		json_open("can", '{');
		selftest_caps(can);
		json_close();
		json_open("connections", '[');
	} else {
		selftest_caps(can);
		(void)printf("\n");
	}
	good = selftest_one("IPv4", AF_INET, "127.0.0.1");
	good &= selftest_one("IPv6", AF_INET6, "::1");
	good &= selftest_one("IPv4-mapped", AF_INET6, "127.0.0.1");
	if (ctl.json) {
		json_close();
		json_bool("ok", good);
		json_close();
	}
	return (good ? 0 : 1);
}

static void
add_group(struct subject *s, const char *name)
{
	const struct group	*gr;
	const char		*errstr = NULL;
	uint32_t		 gid;

	if ((gr = getgrnam(name)) != NULL)
		gid = gr->gr_gid;
	else
		gid = strtonum(name, 0, UID_UNKNOWN - 1, &errstr);
	if (errstr != NULL)
		fail("%s: no such group: correct it", name);
	if (s->owner.ngroups == MAX_GROUPS)
		fail("%s: a group too many", name);
	s->groups[s->owner.ngroups++] = gid;
}

/* Those of the account after those that were given, up to the most. */
static void
add_groups(struct subject *s, const struct passwd *pw)
{
	gid_t	 list[MAX_GROUPS];
	int	 i, n = MAX_GROUPS;

	if (getgrouplist(pw->pw_name, pw->pw_gid, list, &n) == -1)
		n = MAX_GROUPS;
	for (i = 0; i < n && s->owner.ngroups < MAX_GROUPS; i++)
		s->groups[s->owner.ngroups++] = list[i];
}

static void
find_account(struct subject *s)
{
	const struct passwd	*pw;

	if (s->user != NULL)
		pw = getpwnam(s->user);
	else
		pw = getpwuid(s->owner.uid);
	if (pw == NULL && s->user != NULL)
		fail("%s: no such user: correct it, or say uid", s->user);
	if (pw != NULL) {
		s->owner.uid = pw->pw_uid;
		(void)strlcpy(s->account, pw->pw_name, sizeof(s->account));
		s->owner.text[T_USER] = s->account;
		add_groups(s, pw);
	}
	s->owner.account = s->owner.uid;
}

static void
name_once(struct subject *s)
{
	if (s->named++)
		misuse("test: the user is told twice");
}

static void
set_user(struct subject *s, const char *value)
{
	name_once(s);
	s->user = parse_user(value, &s->owner.uid);
}

static void
set_uid(struct subject *s, const char *value)
{
	name_once(s);
	s->owner.uid = parse_uid(value);
}

/* As the envelope is matched: without brackets, but the empty one is <>. */
static void
set_sender(struct subject *s, const char *value)
{
	size_t	 len = strlen(value);

	if (len >= 2 && value[0] == '<' && value[len - 1] == '>') {
		value++;
		len -= 2;
	}
	if (len > MAX_SENDER)
		fail("sender: longer than %d bytes", MAX_SENDER);
	(void)strlcpy(s->sender, len == 0 ? "<>" : value,
	    len == 0 ? sizeof(s->sender) : len + 1);
}

/* A word and its value. */
static void
parse_pair(struct subject *s, const char *word, const char *value)
{
	static const struct {
		const char	*word;
		void		(*set)(struct subject *, const char *);
		enum text	 text;		/* if there is no set() */
		size_t		 max;
	} words[] = {
		{ "user",	set_user,	T_MAX,		0 },
		{ "uid",	set_uid,	T_MAX,		0 },
		{ "group",	add_group,	T_MAX,		0 },
		{ "program",	NULL,		T_PROGRAM,	MAX_NAME },
		{ "exe",	NULL,		T_EXE,		MAX_PATH },
		{ "cwd",	NULL,		T_CWD,		MAX_PATH },
		{ "unit",	NULL,		T_UNIT,		MAX_PATH },
		{ "sender",	set_sender,	T_MAX,		0 }
	};
	size_t	 i;

	for (i = 0; i < NITEMS(words); i++)
		if (strcmp(word, words[i].word) == 0)
			break;
	if (i == NITEMS(words))
		misuse_word("test", word);
	if (value == NULL)
		misuse("test: \"%s\" needs a value", word);
	if (words[i].set != NULL)
		words[i].set(s, value);
	else if (strlen(value) > words[i].max)
		fail("%s: longer than %zu bytes", word, words[i].max);
	else
		s->owner.text[words[i].text] = value;
}

/* Whoever is not named otherwise is the one who asks. */
static void
parse_subject(struct subject *s, int argc, char **argv)
{
	struct owner	*o = &s->owner;
	int		 i;

	memset(s, 0, sizeof(*s));
	o->verdict = E_OWNED;
	o->named = 1;		/* we ask for the account ourselves */
	o->login = LOGIN_UNSET;
	o->groups = s->groups;
	o->uid = getuid();
	for (i = 0; i < argc; i++)
		if (strcmp(argv[i], "unknown") == 0) {
			name_once(s);
			s->unknown = 1;
		} else {
			parse_pair(s, argv[i], argv[i + 1]);
			i++;
		}
	if (!s->unknown)
		find_account(s);
	else if (o->ngroups > 0 || o->text[T_PROGRAM] != NULL ||
	    o->text[T_EXE] != NULL || o->text[T_CWD] != NULL ||
	    o->text[T_UNIT] != NULL)
		fail("of one who is unknown nothing but the sender is known");
	else
		owner_unknown(o, R_CLOSED);
}

static void
test_row(struct msg *m, void *arg)
{
	struct trial	*t = arg;
	struct step	*row;
	size_t		 room = 2 * t->room + 16;

	if (t->n == t->room) {
		if ((row = reallocarray(t->rows, room, sizeof(*row))) == NULL)
			fail("%s", strerror(errno));
		t->rows = row;
		t->room = room;
	}
	row = &t->rows[t->n++];
	row->rule = get_u32(m);
	row->outcome = get_u8(m);
	row->matcher = get_u8(m);
	get_str(m, row->text, sizeof(row->text));
	check(m);
	if (m->type != IMSG_CTL_TESTROW || row->outcome >= OUT_MAX ||
	    row->matcher > M_MAX)
		fail("nonsense from the daemon");
	text_plain(row->text);
}

static void
test_ask(const struct subject *s, struct trial *t)
{
	struct msg	 m;

	msg_new(&m, IMSG_CTL_TEST, 1);
	put_str(&m, s->sender);
	put_owner(&m, &s->owner);
	ask(&m, IMSG_CTL_TESTED, test_row, t);
	t->action = get_u8(&m);
	t->rule = get_u32(&m);
	t->limit = get_u32(&m);
	get_str(&m, t->reply, sizeof(t->reply));
	check(&m);
	if (t->action >= A_MAX)
		fail("nonsense from the daemon");
	text_plain(t->reply);
}

/* In words, and of which matcher. */
static void
outcome_text(char *buf, size_t size, const struct step *row)
{
	static const char *const	 words[OUT_MAX] = {
		[OUT_FALSE] = "no",
		[OUT_OPEN] = "can't tell",
		[OUT_LIMIT] = "counts here",
		[OUT_DECIDES] = "decides"
	};

	(void)snprintf(buf, size, "%s%s%s", words[row->outcome],
	    row->matcher == M_MAX ? "" : ": ",
	    row->matcher == M_MAX ? "" : matcher_names[row->matcher]);
}

/* What they decided, for a record. */
static void
record_result(const struct trial *t)
{
	record_string("action", action_names[t->action]);
	record_rule(t->rule);
	if (t->limit != 0)
		record_number("limit", t->limit);
	if (t->reply[0] == '\0')
		return;
	if (ctl.json)
		json_string("reply", t->reply);
	else
		(void)printf(" reply=\"%s\"", t->reply);
}

/* On a terminal the long texts are cut, so that each rule is one line. */
static void
test_print(struct trial *t)
{
	char		 word[64], rule[SPAN_TEXT];
	unsigned int	 lines, cols;
	size_t		 i, numbers = 0, texts = 0, words = 0, fixed;

	for (i = 0; i < t->n; i++) {
		outcome_text(word, sizeof(word), &t->rows[i]);
		text_rule(rule, sizeof(rule), t->rows[i].rule);
		words = MAXIMUM(words, strlen(word));
		numbers = MAXIMUM(numbers, strlen(rule));
		texts = MAXIMUM(texts, strlen(t->rows[i].text));
	}
	fixed = strlen("rule ") + numbers + 2 + 2 + words;
	if (terminal_size(&lines, &cols) == 0 && fixed + texts > cols)
		texts = cols > fixed + CUT_LEAST ? cols - fixed : CUT_LEAST;
	for (i = 0; i < t->n; i++) {
		outcome_text(word, sizeof(word), &t->rows[i]);
		text_rule(rule, sizeof(rule), t->rows[i].rule);
		text_cut(t->rows[i].text, texts);
		(void)printf("rule %-*s  %-*s  %s\n", (int)numbers, rule,
		    (int)texts, t->rows[i].text, word);
	}
	record_open();
	record_result(t);
	record_close();
}

static void
test_json(const struct trial *t)
{
	static const char *const	 outcomes[OUT_MAX] = {
		[OUT_FALSE] = "no",
		[OUT_OPEN] = "open",
		[OUT_LIMIT] = "counts",
		[OUT_DECIDES] = "decides"
	};
	const struct step		*row;
	size_t				 i;

	json_open(NULL, '{');
	json_open("rules", '[');
	for (i = 0; i < t->n; i++) {
		row = &t->rows[i];
		json_open(NULL, '{');
		record_rule(row->rule);
		json_string("text", row->text);
		json_string("outcome", outcomes[row->outcome]);
		if (row->matcher != M_MAX)
			json_string("matcher", matcher_names[row->matcher]);
		json_close();
	}
	json_close();
	record_result(t);
	json_close();
}

/* What would the rules do with that user, program, sender? */
int
verb_test(int argc, char **argv)
{
	struct subject	 s;
	struct trial	 t = { .n = 0 };

	parse_subject(&s, argc, argv);
	test_ask(&s, &t);
	if (ctl.json)
		test_json(&t);
	else
		test_print(&t);
	free(t.rows);
	return (0);
}
