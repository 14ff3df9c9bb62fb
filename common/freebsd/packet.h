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
 * From FreeBSD 15 on a socket of packets is a stream with marks where they
 * end.  When it is nearly full, it takes a part of a packet, and the reader
 * finds that part.  Its rest comes as soon as there is room, which there is,
 * for all before it has been read.
 */

#ifndef PACKET_H
#define PACKET_H

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <string.h>

#include "sysuser.h"

/*
 * False if more of the packet is to come: it ends neither with a mark nor
 * where its header says.  What is flawed is whole, for who reads it to say so.
 */
static inline int
packet_whole(int fd)
{
	uint8_t		 buf[MSG_MAX + 1];
	struct iovec	 iov = { buf, sizeof(buf) };
	struct msghdr	 mh;
	uint32_t	 len;
	ssize_t		 n;

	memset(&mh, 0, sizeof(mh));
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	n = recvmsg(fd, &mh, MSG_PEEK | MSG_DONTWAIT);
	if (n <= 0 || mh.msg_flags & (MSG_EOR | MSG_TRUNC) || n > MSG_MAX)
		return (1);
	if (n < MSG_HEADER)
		return (0);
	len = (uint32_t)buf[4] << 24 | buf[5] << 16 | buf[6] << 8 | buf[7];
	return (len > MSG_MAX || (size_t)n >= MSG_HEADER + len);
}

#endif
