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

/* Capabilities, capabilities(7). */

#include <sys/capability.h>
#include <sys/prctl.h>

#include <errno.h>
#include <linux/securebits.h>

#include "log.h"
#include "sysuser.h"

/*
 * To look at other users' processes: PTRACE for the links below /proc/PID,
 * DAC_READ_SEARCH to list the descriptors (ptrace(2), proc(5)).
 */
static const cap_value_t	 inspect[] = {
	CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH
};
static const char *const	 inspect_names[NITEMS(inspect)] = {
	"CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"
};

/*
 * What the parent and its children need before they give it up: sockets and
 * files of other owners, chroot and other uids, signals; and for the resolver,
 * to find the control groups and to have connections recorded.
 */
static const cap_value_t	 of_parent[] = {
	CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
	CAP_FSETID, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP,
	CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_SYS_CHROOT, CAP_SYS_PTRACE,
	CAP_SYS_ADMIN, CAP_SYS_RESOURCE, CAP_PERFMON, CAP_BPF
};

/* Uid 0 and files give none, there are no ambient ones, and it stays so. */
#define SECURE	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | \
		    SECBIT_NO_SETUID_FIXUP_LOCKED | \
		    SECBIT_NO_CAP_AMBIENT_RAISE | \
		    SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static void
drop_bounds(const cap_value_t *except, size_t n)
{
	cap_value_t	 cap;
	size_t		 i;

	for (cap = 0; cap < cap_max_bits(); cap++) {
		for (i = 0; i < n && except[i] != cap; i++)
			continue;
		if (i == n && cap_get_bound(cap) == 1 &&
		    cap_drop_bound(cap) == -1)
			fatal("cap_drop_bound");
	}
}

/* Still uid 0: see that capabilities outlive the change of uid, if need be. */
void
caps_before(int keep)
{
	if (prctl(PR_SET_SECUREBITS, (long)(SECURE |
	    (keep != KEEP_NOTHING ? SECBIT_KEEP_CAPS :
	    SECBIT_KEEP_CAPS_LOCKED))) == -1)
		fatal("PR_SET_SECUREBITS");
	drop_bounds(NULL, 0);
}

/*
 * The new uid: exactly what is to be kept.  What root itself does not have,
 * as in a container, is missed but is no failure.
 */
void
caps_after(int keep)
{
	cap_flag_value_t	 has;
	cap_t			 now, caps;
	size_t			 i;

	if ((now = cap_get_proc()) == NULL || (caps = cap_init()) == NULL)
		fatal("capabilities");
	for (i = 0; keep & KEEP_INSPECT && i < NITEMS(inspect); i++) {
		if (cap_get_flag(now, inspect[i], CAP_PERMITTED, &has) == -1)
			fatal("cap_get_flag");
		if (has == CAP_CLEAR) {
			log_warnx("no %s: processes of other users can't be "
			    "found; whoever starts milter-sysuser must leave "
			    "it that", inspect_names[i]);
			continue;
		}
		if (cap_set_flag(caps, CAP_PERMITTED, 1, &inspect[i],
		    CAP_SET) == -1 || cap_set_flag(caps, CAP_EFFECTIVE, 1,
		    &inspect[i], CAP_SET) == -1)
			fatal("cap_set_flag");
	}
	if (cap_set_proc(caps) == -1)
		fatal("cap_set_proc");
	cap_free(caps);
	cap_free(now);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == -1)
		fatal("PR_SET_NO_NEW_PRIVS");
}

/*
 * The parent stays root, but one that can't load modules, make devices, set
 * clocks or read raw memory.  Returns the bit of that.
 */
uint32_t
caps_parent(void)
{
	cap_flag_value_t	 has;
	cap_t			 now, caps;
	size_t			 i;

	drop_bounds(of_parent, NITEMS(of_parent));
	if ((now = cap_get_proc()) == NULL || (caps = cap_init()) == NULL)
		fatal("capabilities");
	for (i = 0; i < NITEMS(of_parent); i++)
		if (cap_get_flag(now, of_parent[i], CAP_PERMITTED,
		    &has) == 0 && has == CAP_SET &&
		    (cap_set_flag(caps, CAP_PERMITTED, 1, &of_parent[i],
		    CAP_SET) == -1 || cap_set_flag(caps, CAP_EFFECTIVE, 1,
		    &of_parent[i], CAP_SET) == -1))
			fatal("cap_set_flag");
	if (cap_set_proc(caps) == -1)
		fatal("cap_set_proc");
	cap_free(caps);
	cap_free(now);
	return (1U << PROT_CAPS);
}
