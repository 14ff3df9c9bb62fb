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

/* Built without libbpf: there is no connect-time record. */

#include <stddef.h>

#include "linux.h"

void
bpf_open(int root)
{
	(void)root;
}

const char *
linux_watch(enum backend backend, const struct range *ports, size_t n)
{
	(void)ports;
	(void)n;
	return (backend == B_PROC ? NULL : "built without libbpf");
}

int
linux_record(const struct conn_key *key, struct record *record)
{
	(void)key;
	(void)record;
	return (-1);
}

int
bpf_full(void)
{
	return (0);
}

uint32_t
bpf_opener(uint64_t cookie)
{
	(void)cookie;
	return (0);
}

int
linux_complete(const struct conn_key *key, const struct record *record)
{
	(void)key;
	(void)record;
	return (0);
}
