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

/* Who owns the client's end of a connection: the decision. */

#ifndef OWNER_H
#define OWNER_H

#include "os.h"

/* One that is asked; the answer goes into sock and found. */
struct inquiry {
	const struct conn_key	*key;
	struct sock		*sock;
	struct found		*found;
};

/* owner.c */
void	 owner_ask(const struct os_ops *, const struct conn_key *,
	    struct sock *, struct found *);
void	 owner_begin(const struct os_ops *, const struct inquiry *);
void	 owner_ask_all(const struct os_ops *, const struct inquiry *, size_t);
void	 owner_search(const struct os_ops *, const struct conn_key *,
	    const struct sock *, const struct budget *, struct found *);
void	 owner_opener(const struct os_ops *, struct found *);
const struct holder *owner_pick(const struct holder *, size_t, uint32_t);

#endif
