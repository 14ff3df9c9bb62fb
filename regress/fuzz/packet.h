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

/* Packets with descriptors, as a peer sends them. */

#ifndef FUZZ_PACKET_H
#define FUZZ_PACKET_H

#include <sys/types.h>
#include <sys/socket.h>

#include <unistd.h>

#include "fuzz.h"

#define PACKET_FDS	3		/* at most */

/* With that many descriptors: sockets whose other end has closed. */
static inline void
packet_send(int sock, const struct input *packet, int nfds)
{
	union {
		struct cmsghdr	 hdr;		/* for its alignment */
		char		 buf[CMSG_SPACE(PACKET_FDS * sizeof(int))];
	} control;
	union {
		const uint8_t	*in;
		void		*out;		/* sendmsg(2) only reads */
	} bytes = { packet->p };
	struct iovec	 iov = { bytes.out, packet->left };
	struct msghdr	 mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	int		 pair[2] = { -1, -1 }, fds[PACKET_FDS], i;

	if (nfds > 0) {
		REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
		close(pair[1]);
		for (i = 0; i < nfds; i++)
			fds[i] = pair[0];
		memset(&control, 0, sizeof(control));
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		CMSG_FIRSTHDR(&mh)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&mh)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&mh)->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&mh)), fds,
		    nfds * sizeof(int));
	}
	(void)sendmsg(sock, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (nfds > 0)
		close(pair[0]);
}

#endif
