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

/* cgroup.bpf.c, as seen from outside of the kernel. */

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cgroup.skel.h>	/* made by bpftool of cgroup.bpf.c */
#include "linux.h"
#include "linux_bpf.h"

static struct cgroup_bpf	*skel;	/* NULL: not loaded */

/* As root; returns -1 with errno.  The descriptor is of a hierarchy's root. */
int
bpf_cgroup_open(int root)
{
	if ((skel = cgroup_bpf__open_and_load()) == NULL)
		return (-1);
	skel->links.open4 = bpf_program__attach_cgroup(skel->progs.open4,
	    root);
	skel->links.open6 = bpf_program__attach_cgroup(skel->progs.open6,
	    root);
	skel->links.closed = bpf_program__attach_cgroup(skel->progs.closed,
	    root);
	if (skel->links.open4 != NULL && skel->links.open6 != NULL &&
	    skel->links.closed != NULL)
		return (0);
	cgroup_bpf__destroy(skel);
	skel = NULL;
	return (-1);
}

void
bpf_cgroup_watch(const uint8_t ports[PORTS_SIZE])
{
	if (skel != NULL)
		memcpy(skel->bss->ports, ports, PORTS_SIZE);
}

/* The process that may have the socket, or 0. */
uint32_t
bpf_opener(uint64_t cookie)
{
	uint32_t	 pid = 0;

	if (skel != NULL)
		(void)bpf_map_lookup_elem(bpf_map__fd(skel->maps.openers),
		    &cookie, &pid);
	return (pid);
}
