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
 * empty SOCKET: a filter that asks for what ours asks for and does nothing
 * with it.  What Postfix and libmilter cost is not our fault.
 */

#include <libmilter/mfapi.h>

#include <stdio.h>
#include <string.h>

/* As milterd/callbacks.c. */
#define ACTIONS		(SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE)
#define STEPS		(SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOUNKNOWN | \
			    SMFIP_NOEOH | SMFIP_NOBODY | SMFIP_NR_CONN | \
			    SMFIP_NR_RCPT | SMFIP_NR_HDR)

static char	 name[] = "empty";

static void
symbols(SMFICTX *ctx, int stage, const char *list)
{
	char	 copy[128];

	(void)strlcpy(copy, list, sizeof(copy));
	(void)smfi_setsymlist(ctx, stage, copy);
}

static sfsistat
cb_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long f2, unsigned long f3, unsigned long *pactions,
    unsigned long *psteps, unsigned long *pf2, unsigned long *pf3)
{
	(void)f2;
	(void)f3;
	*pactions = actions & ACTIONS;
	*psteps = steps & STEPS;
	*pf2 = *pf3 = 0;
	symbols(ctx, SMFIM_CONNECT, "{daemon_addr} {daemon_port} "
	    "{if_addr} {if_name}");
	symbols(ctx, SMFIM_ENVFROM, "{auth_authen}");
	symbols(ctx, SMFIM_EOM, "i");
	return (SMFIS_CONTINUE);
}

static sfsistat
cb_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *addr)
{
	(void)ctx;
	(void)host;
	(void)addr;
	return (SMFIS_NOREPLY);
}

static sfsistat
cb_envfrom(SMFICTX *ctx, char **args)
{
	(void)ctx;
	(void)args;
	return (SMFIS_CONTINUE);
}

static sfsistat
cb_envrcpt(SMFICTX *ctx, char **args)
{
	(void)ctx;
	(void)args;
	return (SMFIS_NOREPLY);
}

static sfsistat
cb_header(SMFICTX *ctx, char *field, char *value)
{
	(void)ctx;
	(void)field;
	(void)value;
	return (SMFIS_NOREPLY);
}

static sfsistat
cb_end(SMFICTX *ctx)
{
	(void)ctx;
	return (SMFIS_CONTINUE);
}

int
main(int argc, char **argv)
{
	struct smfiDesc	 desc = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = ACTIONS,
		.xxfi_connect = cb_connect,
		.xxfi_envfrom = cb_envfrom,
		.xxfi_envrcpt = cb_envrcpt,
		.xxfi_header = cb_header,
		.xxfi_eom = cb_end,
		.xxfi_abort = cb_end,
		.xxfi_close = cb_end,
		.xxfi_negotiate = cb_negotiate
	};

	if (argc != 2) {
		(void)fprintf(stderr, "usage: empty socket\n");
		return (2);
	}
	if (smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_register(desc) != MI_SUCCESS)
		return (1);
	return (smfi_main() != MI_SUCCESS);
}
