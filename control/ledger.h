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
 * The ledger: who has sent how much.  It does no I/O and reads no clock:
 * now is in microseconds on a clock that nobody sets; a now that is earlier
 * than one before it counts as the later one.
 *
 * Windows slide in 60 steps, and a step counts until it lies wholly outside
 * of the window: never is there more than a rate allows in any such time.
 */

#ifndef LEDGER_H
#define LEDGER_H

#include "sysuser.h"

#define BUCKETS_MAX	16384	/* some 600 bytes each */
#define STATS_MAX	4096	/* some 3 KB each */
#define STATS_PROGRAMS	8	/* rows of one uid */
#define STATS_OTHER	"(other)"	/* its programs without a row */

/* As in CHARGE: who sends, and the rates of the rule that counts it. */
struct charge_request {
	uint64_t		 bucket;	/* of the rule */
	uint32_t		 uid;
	uint32_t		 recipients;	/* not asked for by a look */
	struct rate		 rates[MAX_RATES];
	uint32_t		 nrates;
};

/* About a request that is too much; else all is 0. */
struct charge_verdict {
	uint32_t		 rate;		/* to wait for longest */
	uint32_t		 seconds;	/* so long, at least 1 */
	int			 alert;		/* time to tell of it (again) */
};

/* A row of top. */
struct stat_row {
	uint32_t		 uid;
	char			 user[MAX_NAME + 2];	/* or "" */
	char			 program[MAX_NAME + 2];	/* or "" */
	uint32_t		 count[SPAN_MAX][TALLY_MAX];
};

/*
 * ledger.c
 *
 * look and charge return 0 if the message fits and 1 if it is too much; or
 * -1, and nothing is counted, with errno ENOMEM, or EINVAL if the request
 * makes no sense.  A charge that fits is counted in all windows, any other in
 * none.
 */
struct ledger *ledger_new(void);
void	 ledger_free(struct ledger *);
int	 ledger_look(struct ledger *, const struct charge_request *,
	    uint64_t, struct charge_verdict *);
int	 ledger_charge(struct ledger *, const struct charge_request *,
	    uint64_t, struct charge_verdict *);
void	 ledger_sweep(struct ledger *, uint64_t);	/* each minute */
size_t	 ledger_count(const struct ledger *);

/*
 * add counts a message that came to its end; user and program may be NULL.
 * It returns -1 with errno as above.  top fills in rows, most active first,
 * and returns how many.
 */
struct stats *stats_new(void);
void	 stats_free(struct stats *);
int	 stats_add(struct stats *, uint32_t, const char *, const char *,
	    enum action, uint32_t, uint64_t);
size_t	 stats_top(struct stats *, uint64_t, size_t, struct stat_row *);
void	 stats_sweep(struct stats *, uint64_t);		/* each minute */
size_t	 stats_count(const struct stats *);

#endif
