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


/* What the daemon shows of itself: status, metrics, tables and monitor. */

#include <sys/types.h>

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

#define METRIC		"milter_sysuser_"

/* A table of the configuration, or who is blocked. */
struct shown {
	char		 name[ACCOUNT_TEXT];
	char		 file[STR_MAX + 1];
	uint32_t	 entries, unknown;
	uint32_t	 uid, seconds;
	int		 known;
};

struct list {
	struct shown	*rows;
	size_t		 n, room;
};

struct everything {
	struct list	 blocked, tables;
};

static void
status_row(struct msg *m, void *arg)
{
	struct status	*st = arg;
	struct process	*p;
	size_t		 i, room = 2 * st->room + 8;

	if (st->n == st->room) {
		if ((p = reallocarray(st->list, room, sizeof(*p))) == NULL)
			fail("%s", strerror(errno));
		st->list = p;
		st->room = room;
	}
	p = &st->list[st->n++];
	p->role = get_u8(m);
	p->instance = get_u16(m);
	p->pid = get_u32(m);
	p->uid = get_u32(m);
	p->seconds = get_u32(m);
	p->restarts = get_u32(m);
	p->running = get_u8(m);
	p->protections = get_u32(m);
	p->missing = get_u32(m);
	for (i = 0; i < STAT_MAX; i++)
		st->total[i] += get_u64(m);
	check(m);
	if (m->type != IMSG_CTL_PROC || p->role >= ROLE_MAX)
		fail("nonsense from the daemon");
}

/*
 * In place of what st had, which is zero at first.  Returns 0, or -1 and
 * ctl.why.
 */
int
status_try(struct status *st)
{
	struct msg	 m;

	st->n = 0;
	memset(st->total, 0, sizeof(st->total));
	msg_new(&m, IMSG_CTL_STATUS, 1);
	return (ask_try(&m, IMSG_CTL_OK, status_row, st));
}

void
status_get(struct status *st)
{
	if (status_try(st) == -1)
		fail("%s", ctl.why);
}

static void
process_name(char *buf, size_t size, const struct process *p)
{
	if (p->role == ROLE_WORKER || p->role == ROLE_NAMES)
		(void)snprintf(buf, size, "%s %u", role_names[p->role],
		    p->instance);
	else
		(void)strlcpy(buf, role_names[p->role], size);
}

static uint64_t
sum(const uint64_t *counters, size_t n)
{
	uint64_t	 total = 0;

	while (n > 0)
		total += counters[--n];
	return (total);
}

/* The class of times in which that many percent have ended; -1: no times. */
static int
quantile(const struct status *st, unsigned int percent)
{
	const uint64_t	*times = st->total + ST_TIME;
	uint64_t	 total = sum(times, TIME_MAX), seen = 0;
	int		 i;

	if (total == 0)
		return (-1);
	for (i = 0; i < TIME_MAX - 1; i++) {
		seen += times[i];
		if (seen >= total - total * (100 - percent) / 100)
			break;
	}
	return (i);
}

static void
print_quantile(const struct status *st, unsigned int percent)
{
	char	 text[SPAN_TEXT];
	int	 class = quantile(st, percent);

	if (class == TIME_MAX - 1)
		text_usec(text, sizeof(text), time_bound(class - 1));
	else if (class != -1)
		text_usec(text, sizeof(text), time_bound(class));
	(void)printf("p%u %c%s", percent, class == -1 ? '-' :
	    class == TIME_MAX - 1 ? '>' : '<', class == -1 ? "" : text);
}

static void
print_processes(const struct status *st)
{
	const struct process	*p;
	char			 name[32], up[SPAN_TEXT];
	size_t			 i;

	(void)printf("%-12s %8s %6s %9s %9s  %s\n", "PROCESS", "PID", "UID",
	    "UPTIME", "RESTARTS", "STATE");
	for (i = 0; i < st->n; i++) {
		p = &st->list[i];
		process_name(name, sizeof(name), p);
		text_span(up, sizeof(up), p->seconds);
		(void)printf("%-12s %8u %6u %9s %9u  %s\n", name, p->pid,
		    p->uid, up, p->restarts, p->running ? "running" : "down");
	}
}

/*
 * Of all that run as this role: yes, if each of them has it, no, if it is
 * meant for them, and else nothing.
 */
static const char *
protected(const struct status *st, enum role role, enum protection what)
{
	const struct process	*p;
	uint32_t		 has = UINT32_MAX, missing = 0;
	size_t			 i, n = 0;

	for (i = 0; i < st->n; i++) {
		p = &st->list[i];
		if (p->role != role || !p->running)
			continue;
		has &= p->protections;
		missing |= p->missing;
		n++;
	}
	if (missing & 1U << what)
		return ("no");
	return (n > 0 && has & 1U << what ? "yes" : "-");
}

static void
print_protections(const struct status *st)
{
	enum protection	 what;
	enum role	 role;

	(void)printf("%-14s", "PROTECTION");
	for (role = 0; role < ROLE_CLIENT; role++)
		(void)printf(" %8s", role_names[role]);
	(void)printf("\n");
	for (what = 0; what < PROT_MAX; what++) {
		(void)printf("%-14s", protection_names[what]);
		for (role = 0; role < ROLE_CLIENT; role++)
			(void)printf(" %8s", protected(st, role, what));
		(void)printf("\n");
	}
}

static void
print_sources(const struct status *st)
{
	const uint64_t	*found = st->total + ST_SOURCE;
	uint64_t	 total = sum(found, SRC_MAX);
	const char	*between = "";
	int		 i;

	(void)printf("%-10s", "sources");
	for (i = SRC_MAX - 1; i >= 0; i--)
		if (found[i] > 0) {
			(void)printf("%s%s %.1f%%", between, source_names[i],
			    100.0 * found[i] / total);
			between = ", ";
		}
	(void)printf("%s\n", total == 0 ? "none yet" : "");
}

/* One line of words: a counter, and what belongs to it. */
static void
print_counts(const struct status *st, const char *name, enum counter all,
    const enum counter *parts, size_t n)
{
	size_t	 i;

	(void)printf("%-10s%" PRIu64, name, st->total[all]);
	for (i = 0; i < n; i++)
		(void)printf("%s%s %" PRIu64, i == 0 ? "  " : ", ",
		    stat_names[parts[i]], st->total[parts[i]]);
	(void)printf("\n");
}

/* The last line is for programs, which know it of old. */
static void
print_status(const struct status *st)
{
	static const enum counter	 lookups[] = {
		ST_OWNED, ST_UNKNOWN, ST_REMOTE, ST_PROCESS
	};
	static const enum counter	 messages[] = {
		ST_TAGGED, ST_REFUSED, ST_LIMITED, ST_STRIPPED, ST_UNCOUNTED
	};
	int				 i;

	print_processes(st);
	(void)printf("\n");
	print_protections(st);
	(void)printf("\n");
	print_counts(st, "lookups", ST_LOOKUPS, lookups, NITEMS(lookups));
	print_sources(st);
	(void)printf("%-10s", "times");
	print_quantile(st, 50);
	(void)printf(", ");
	print_quantile(st, 99);
	(void)printf("\n");
	print_counts(st, "messages", ST_MESSAGES, messages, NITEMS(messages));
	(void)printf("%-10s%" PRIu64 " open\n", "sessions",
	    st->total[ST_SESSIONS]);
	for (i = 0; i < ST_NAMED; i++)
		(void)printf("%s%s=%" PRIu64, i == 0 ? "\n" : " ",
		    stat_names[i], st->total[i]);
	(void)printf("\n");
}

static void
json_quantile(const char *name, const struct status *st, unsigned int percent)
{
	int	 class = quantile(st, percent);

	/* The last class has no end. */
	if (class == -1 || class == TIME_MAX - 1)
		json_null(name);
	else
		json_number(name, time_bound(class));
}

static void
json_protections(const char *name, uint32_t bits)
{
	enum protection	 what;

	json_open(name, '[');
	for (what = 0; what < PROT_MAX; what++)
		if (bits & 1U << what)
			json_string(NULL, protection_names[what]);
	json_close();
}

static void
json_status(const struct status *st)
{
	const struct process	*p;
	char			 name[32];
	size_t			 i;

	json_open(NULL, '{');
	json_open("processes", '[');
	for (i = 0; i < st->n; i++) {
		p = &st->list[i];
		process_name(name, sizeof(name), p);
		json_open(NULL, '{');
		json_string("process", name);
		json_number("pid", p->pid);
		json_number("uid", p->uid);
		json_number("seconds", p->seconds);
		json_number("restarts", p->restarts);
		json_bool("running", p->running);
		json_protections("protections", p->protections);
		json_protections("unprotected", p->missing);
		json_close();
	}
	json_close();
	json_open("counters", '{');
	for (i = 0; i < ST_NAMED; i++)
		json_number(stat_names[i], st->total[i]);
	json_close();
	json_open("sources", '{');
	for (i = 0; i < SRC_MAX; i++)
		json_number(source_names[i], st->total[ST_SOURCE + i]);
	json_close();
	json_open("lookup_time", '{');
	json_quantile("p50_us", st, 50);
	json_quantile("p99_us", st, 99);
	json_close();
	json_close();
}

int
verb_status(int argc, char **argv)
{
	struct status	 st = { .n = 0 };

	(void)argc;
	(void)argv;
	status_get(&st);
	if (ctl.json)
		json_status(&st);
	else
		print_status(&st);
	free(st.list);
	return (0);
}

/* What stands before the samples of a metric. */
static void
metric(const char *name, const char *type, const char *unit, const char *help)
{
	(void)printf("# TYPE " METRIC "%s %s\n", name, type);
	if (unit != NULL)
		(void)printf("# UNIT " METRIC "%s %s\n", name, unit);
	(void)printf("# HELP " METRIC "%s %s\n", name, help);
}

static void
metric_processes(const struct status *st)
{
	char	 name[32];
	size_t	 i;

	metric("process_up", "gauge", NULL, "Whether the process runs.");
	for (i = 0; i < st->n; i++) {
		process_name(name, sizeof(name), &st->list[i]);
		(void)printf(METRIC "process_up{process=\"%s\"} %d\n", name,
		    st->list[i].running != 0);
	}
	metric("process_restarts", "counter", NULL,
	    "How often it had to be started again.");
	for (i = 0; i < st->n; i++) {
		process_name(name, sizeof(name), &st->list[i]);
		(void)printf(METRIC "process_restarts_total{process=\"%s\"} "
		    "%u\n", name, st->list[i].restarts);
	}
}

/* Times are in whole microseconds: what is below a bound is at most that. */
static void
metric_times(const struct status *st)
{
	uint64_t	 seen = 0;
	unsigned int	 i;

	metric("lookup_seconds", "histogram", "seconds",
	    "How long lookups of the workers took.");
	for (i = 0; i < TIME_MAX; i++) {
		seen += st->total[ST_TIME + i];
		(void)printf(METRIC "lookup_seconds_bucket{le=\"");
		if (i < TIME_MAX - 1)
			(void)printf("%.9g", time_bound(i) / 1e6);
		else
			(void)printf("+Inf");
		(void)printf("\"} %" PRIu64 "\n", seen);
	}
}

static void
metric_lookups(const struct status *st)
{
	static const enum counter	 verdicts[E_MAX] = {
		[E_UNKNOWN] = ST_UNKNOWN, [E_OWNED] = ST_OWNED,
		[E_REMOTE] = ST_REMOTE
	};
	int				 i;

	metric("lookups", "counter", NULL, "Lookups by what they found.");
	for (i = 0; i < E_MAX; i++)
		(void)printf(METRIC "lookups_total{verdict=\"%s\"} %" PRIu64
		    "\n", verdict_names[i], st->total[verdicts[i]]);
	metric("processes_found", "counter", NULL,
	    "Processes of senders by how they were found.");
	for (i = 0; i < SRC_MAX; i++)
		(void)printf(METRIC "processes_found_total{source=\"%s\"} %"
		    PRIu64 "\n", source_names[i], st->total[ST_SOURCE + i]);
}

/* OpenMetrics 1.0. */
int
verb_metrics(int argc, char **argv)
{
	static const struct {
		enum counter	 counter;
		const char	*name, *help;
	} plain[] = {
		{ ST_MESSAGES, "messages",
		    "Local messages that were not refused." },
		{ ST_TAGGED, "tagged", "Messages that got our header." },
		{ ST_REFUSED, "refused", "Messages that were refused." },
		{ ST_LIMITED, "limited", "Of these: over a limit." },
		{ ST_STRIPPED, "stripped", "Copies of our header removed." },
		{ ST_UNCOUNTED, "uncounted",
		    "Messages that no limit could count." }
	};
	struct status	 st = { .n = 0 };
	size_t		 i;

	if (ctl.json)
		return (verb_status(argc, argv));
	status_get(&st);
	metric_processes(&st);
	metric_lookups(&st);
	metric_times(&st);
	metric("sessions", "gauge", NULL, "Sessions of the MTA that are open.");
	(void)printf(METRIC "sessions %" PRIu64 "\n", st.total[ST_SESSIONS]);
	for (i = 0; i < NITEMS(plain); i++) {
		metric(plain[i].name, "counter", NULL, plain[i].help);
		(void)printf(METRIC "%s_total %" PRIu64 "\n", plain[i].name,
		    st.total[plain[i].counter]);
	}
	(void)printf("# EOF\n");
	free(st.list);
	return (0);
}

static struct shown *
list_add(struct list *l)
{
	struct shown	*s;
	size_t		 room = 2 * l->room + 16;

	if (l->n == l->room) {
		if ((s = reallocarray(l->rows, room, sizeof(*s))) == NULL)
			fail("%s", strerror(errno));
		l->rows = s;
		l->room = room;
	}
	s = &l->rows[l->n++];
	memset(s, 0, sizeof(*s));
	return (s);
}

static void
tables_row(struct msg *m, void *arg)
{
	struct everything	*all = arg;
	struct shown		*s;
	char			 name[MAX_ACCOUNT + 1];

	if (m->type == IMSG_CTL_BLOCKED) {
		s = list_add(&all->blocked);
		get_str(m, name, sizeof(name));
		s->known = get_u8(m);
		s->uid = get_u32(m);
		s->seconds = get_u32(m);
	} else if (m->type == IMSG_CTL_TABLEROW) {
		s = list_add(&all->tables);
		get_str(m, name, sizeof(name));
		get_str(m, s->file, sizeof(s->file));
		s->entries = get_u32(m);
		s->unknown = get_u32(m);
	} else
		fail("nonsense from the daemon");
	check(m);
	(void)xtext(s->name, sizeof(s->name), name, MAX_ACCOUNT);
	text_plain(s->file);
}

static void
print_blocked(const struct list *l)
{
	const struct shown	*s;
	char			 who[ACCOUNT_TEXT], uid[SPAN_TEXT];
	char			 time[SPAN_TEXT];
	size_t			 i, width = 12;

	(void)printf("<" BLOCKED_NOW ">%s\n", l->n == 0 ? " is empty" : "");
	for (i = 0; i < l->n; i++)
		width = MAXIMUM(width, strlen(l->rows[i].name));
	for (i = 0; i < l->n; i++) {
		s = &l->rows[i];
		(void)snprintf(uid, sizeof(uid), "%u", s->uid);
		if (s->name[0] != '\0')
			(void)strlcpy(who, s->name, sizeof(who));
		else
			(void)snprintf(who, sizeof(who), "uid %u", s->uid);
		if (s->seconds != 0)
			text_span(time, sizeof(time), s->seconds);
		else
			(void)strlcpy(time, "for good", sizeof(time));
		(void)printf("  %-*s %10s  %s%s\n", (int)width, who,
		    s->known ? uid : "-", time,
		    s->known ? "" : "  has no uid now");
	}
}

static void
print_tables(const struct list *l)
{
	const struct shown	*s;
	char			 name[ACCOUNT_TEXT + 2];
	size_t			 i, width = 14;

	if (l->n == 0)
		return;
	for (i = 0; i < l->n; i++)
		width = MAXIMUM(width, strlen(l->rows[i].name) + 2);
	(void)printf("\n%-*s %8s %10s  %s\n", (int)width, "TABLE", "ENTRIES",
	    "NO ACCOUNT", "FILE");
	for (i = 0; i < l->n; i++) {
		s = &l->rows[i];
		(void)snprintf(name, sizeof(name), "<%s>", s->name);
		(void)printf("%-*s %8u %10u  %s\n", (int)width, name,
		    s->entries, s->unknown,
		    s->file[0] != '\0' ? s->file : "-");
	}
}

static void
json_tables(const struct everything *all)
{
	const struct shown	*s;
	size_t			 i;

	json_open(NULL, '{');
	json_open(BLOCKED_NOW, '[');
	for (i = 0; i < all->blocked.n; i++) {
		s = &all->blocked.rows[i];
		json_open(NULL, '{');
		if (s->name[0] != '\0')
			json_string("user", s->name);
		if (s->known)
			json_number("uid", s->uid);
		else
			json_null("uid");
		if (s->seconds != 0)
			json_number("seconds", s->seconds);
		else
			json_null("seconds");
		json_close();
	}
	json_close();
	json_open("tables", '[');
	for (i = 0; i < all->tables.n; i++) {
		s = &all->tables.rows[i];
		json_open(NULL, '{');
		json_string("table", s->name);
		if (s->file[0] != '\0')
			json_string("file", s->file);
		else
			json_null("file");
		json_number("entries", s->entries);
		json_number("no-account", s->unknown);
		json_close();
	}
	json_close();
	json_close();
}

int
verb_tables(int argc, char **argv)
{
	struct everything	 all;
	struct msg		 m;
	char			 note[STR_MAX + 1];

	(void)argc;
	(void)argv;
	memset(&all, 0, sizeof(all));
	msg_new(&m, IMSG_CTL_TABLES, 1);
	ask(&m, IMSG_CTL_OK, tables_row, &all);
	get_str(&m, note, sizeof(note));
	check(&m);
	text_plain(note);
	if (note[0] != '\0')
		warnx("%s", note);
	if (ctl.json)
		json_tables(&all);
	else {
		print_blocked(&all.blocked);
		print_tables(&all.tables);
	}
	free(all.blocked.rows);
	free(all.tables.rows);
	return (0);
}

/* What a line of monitor begins with; the daemon sends no time. */
static void
event_open(const char *what)
{
	struct tm	 tm;
	time_t		 now = time(NULL);
	char		 stamp[32] = "-";

	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	record_open();
	record_string("event", what);
	record_string("time", stamp);
}

static void
print_event(struct msg *m)
{
	enum action	 action = get_u8(m);
	uint32_t	 rule = get_u32(m), recipients = get_u32(m);
	char		 queue[MAX_QUEUEID + 2], sender[MAX_SENDER + 2];
	char		 login[MAX_NAME + 2], text[PATH_TEXT + 8];
	struct owner	*o;

	get_str(m, queue, sizeof(queue));
	get_str(m, sender, sizeof(sender));
	get_str(m, login, sizeof(login));
	if ((o = get_owner(m)) == NULL || action >= A_MAX)
		fail("nonsense from the daemon");
	event_open("message");
	(void)xtext(text, sizeof(text), queue, MAX_QUEUEID);
	record_string("queue", text[0] != '\0' ? text : "-");
	record_string("action", action_names[action]);
	record_rule(rule);
	if (o->verdict != E_OWNED) {
		record_string("user", "unknown");
		record_string("reason", reason_names[o->reason]);
	}
	record_owner(o, F_UNIT);
	(void)xtext(text, sizeof(text), sender, MAX_SENDER);
	record_string("sender", text);
	record_number("recipients", recipients);
	if (login[0] != '\0') {
		(void)xtext(text, sizeof(text), login, MAX_NAME);
		record_string("auth", text);
	}
	record_close();
	free(o);
}

static void
print_alert(struct msg *m)
{
	uint32_t	 rule = get_u32(m), uid = get_u32(m);
	char		 name[MAX_NAME + 2], user[NAME_TEXT];
	char		 window[SPAN_TEXT];
	enum unit	 unit;
	uint32_t	 most, seconds;

	get_str(m, name, sizeof(name));
	unit = get_u8(m);
	most = get_u32(m);
	(void)seconds_text(get_u32(m), window, sizeof(window));
	seconds = get_u32(m);
	check(m);
	if (unit >= U_MAX)
		fail("nonsense from the daemon");
	text_user(user, sizeof(user), uid, name);
	event_open("limit");
	record_string("user", user);
	if (uid != UID_UNKNOWN)
		record_number("uid", uid);
	record_rule(rule);
	record_number("most", most);
	record_string("unit", unit_names[unit]);
	record_string("window", window);
	record_number("ends", seconds);
	record_close();
}

static void
print_lost(struct msg *m)
{
	uint32_t	 count = get_u32(m);

	check(m);
	record_open();
	record_string("event", "lost");
	record_number("count", count);
	record_close();
}

/* Lines leave whole, so that nothing is left to do. */
static void
on_end(int sig)
{
	(void)sig;
	_exit(0);
}

/* Ends when it is told to, or nobody reads any more, or the daemon leaves. */
int
verb_monitor(int argc, char **argv)
{
	struct msg	 m;
	char		 text[STR_MAX + 1];

	(void)argc;
	(void)argv;
	(void)signal(SIGINT, on_end);
	(void)signal(SIGTERM, on_end);
	(void)signal(SIGPIPE, on_end);
	msg_new(&m, IMSG_CTL_MONITOR, 1);
	if (chan_send(&ctl.chan, &m) == -1)
		fail("the daemon: %s", strerror(errno));
	while (receive(&m, FOREVER))
		switch (m.type) {
		case IMSG_CTL_EVENT:
			print_event(&m);
			break;
		case IMSG_CTL_ALERT:
			print_alert(&m);
			break;
		case IMSG_CTL_LOST:
			print_lost(&m);
			break;
		case IMSG_CTL_OK:
			break;
		case IMSG_CTL_FAIL:
			(void)get_u32(&m);
			get_str(&m, text, sizeof(text));
			fail("%s", text);
		default:
			fail("an answer to something else");
		}
	fail("the daemon closed the connection");
}
