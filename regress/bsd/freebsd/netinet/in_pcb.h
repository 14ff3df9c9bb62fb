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

/* What we use of FreeBSD's header, laid out as on amd64. */

#ifndef BSD_FREEBSD_NETINET_IN_PCB_H
#define BSD_FREEBSD_NETINET_IN_PCB_H

#include <sys/socketvar.h>

#include <netinet/in.h>

#define INP_IPV4	0x1
#define INP_IPV6	0x2

struct xinpgen {
	ksize_t			 xig_len;
	unsigned int		 xig_count;
	uint32_t		 pad1;
	uint64_t		 xig_gen;
	uint64_t		 xig_sogen;
	char			 pad2[32];
};

/* An IPv4 address stands at the end of the room for an IPv6 one. */
union in_dependaddr {
	struct {
		uint32_t	 pad[3];
		struct in_addr	 addr;
	} v4;
	struct in6_addr		 v6;
};

struct xinpcb {
	ksize_t			 xi_len;
	struct xsocket		 xi_socket;
	uint32_t		 inc_flags;
	uint16_t		 inp_fport;
	uint16_t		 inp_lport;
	union in_dependaddr	 faddr;
	union in_dependaddr	 laddr;
#define inp_faddr	faddr.v4.addr
#define inp_laddr	laddr.v4.addr
#define in6p_faddr	faddr.v6
#define in6p_laddr	laddr.v6
	char			 pad1[8];
	uint64_t		 inp_gencnt;
	char			 pad2[88];
	uint8_t			 inp_vflag;
	char			 pad3[7];
};

_Static_assert(sizeof(struct xinpgen) == 64, "xinpgen");
_Static_assert(sizeof(struct xinpcb) == 400, "xinpcb");
_Static_assert(offsetof(struct xinpcb, inp_fport) == 252, "inp_fport");
_Static_assert(offsetof(struct xinpcb, in6p_faddr) == 256, "in6p_faddr");
_Static_assert(offsetof(struct xinpcb, inp_laddr) == 284, "inp_laddr");
_Static_assert(offsetof(struct xinpcb, inp_gencnt) == 296, "inp_gencnt");
_Static_assert(offsetof(struct xinpcb, inp_vflag) == 392, "inp_vflag");

#endif
