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
 * Where nothing is known that confines a process: a system that we have not
 * met, or a build for a sanitizer, which needs more than any of ours may do.
 */

#include "sysuser.h"

uint32_t
sandbox_parent(void)
{
	return (0);
}

uint32_t
sandbox_resolver(void)
{
	return (0);
}

uint32_t
sandbox_names(void)
{
	return (0);
}

uint32_t
sandbox_control(void)
{
	return (0);
}

uint32_t
sandbox_milterd(void)
{
	return (0);
}

/* That it is missing is said, and is fatal where it is required. */
uint32_t
sandbox_meant(enum role role)
{
	(void)role;
	return (1U << PROT_CALLS);
}
