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

/* Where things are on this system, unless the configuration says otherwise. */

#ifndef DEFAULTS_H
#define DEFAULTS_H

#define POSTFIX_DIR	"/usr/local/etc/postfix"
#define CONTROL_SOCKET	"/var/run/milter-sysuser.sock"
#define CHROOT_DIR	"/var/run/milter-sysuser"
#define STATE_DIR	"/var/db/milter-sysuser"

/* enum protection, as it is called here. */
#define PROTECTIONS	"chroot", "no-root", "no-new-privs", "no-core", \
			    "rlimits", "capsicum", "no-files", "no-net", \
			    "no-signals"

#endif
