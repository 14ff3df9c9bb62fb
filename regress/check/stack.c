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
 * Linked into a parent whose workers are built with ThreadSanitizer: that puts
 * its own notes on the stack of each thread, more than a worker's may hold.
 */

#include <sys/resource.h>

#define ROOM	(16 * 1024 * 1024)

int	 __real_setrlimit(__rlimit_resource_t, const struct rlimit *);
int	 __wrap_setrlimit(__rlimit_resource_t, const struct rlimit *);

int
__wrap_setrlimit(__rlimit_resource_t what, const struct rlimit *wanted)
{
	struct rlimit	 rl = *wanted;

	if (what == RLIMIT_STACK && rl.rlim_cur < ROOM)
		rl.rlim_cur = ROOM;
	return (__real_setrlimit(what, &rl));
}
