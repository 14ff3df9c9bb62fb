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

/* What we use of a BSD's header, for tests and checks on other systems. */

#ifndef BSD_BOTH_SYS_SOCKET_H
#define BSD_BOTH_SYS_SOCKET_H

#include <sys/types.h>
#include <sys/uio.h>

#include <stddef.h>
#include <stdint.h>

#include <bsd_os.h>

typedef uint8_t		 sa_family_t;
#ifndef __socklen_t_defined		/* by the C library's <unistd.h> */
typedef unsigned int	 socklen_t;
#define __socklen_t_defined
#endif

struct sockaddr {
	uint8_t			 sa_len;
	sa_family_t		 sa_family;
	char			 sa_data[14];
};

struct sockaddr_storage {
	uint8_t			 ss_len;
	sa_family_t		 ss_family;
	char			 ss_pad1[6];
	int64_t			 ss_align;
	char			 ss_pad2[BSD_STORAGE - 16];
};

struct msghdr {
	void			*msg_name;
	socklen_t		 msg_namelen;
	struct iovec		*msg_iov;
	int			 msg_iovlen;
	void			*msg_control;
	socklen_t		 msg_controllen;
	int			 msg_flags;
};

struct cmsghdr {
	socklen_t		 cmsg_len;
	int			 cmsg_level;
	int			 cmsg_type;
};

#define CMSG_ROUND(n)		(((n) + 7) & ~(size_t)7)
#define CMSG_LEN(n)		(CMSG_ROUND(sizeof(struct cmsghdr)) + (n))
#define CMSG_SPACE(n)		(CMSG_LEN(0) + CMSG_ROUND(n))
#define CMSG_DATA(c)		((unsigned char *)(c) + CMSG_LEN(0))
#define CMSG_FIRSTHDR(m)	((struct cmsghdr *)(m)->msg_control)
#define CMSG_NXTHDR(m, c)	((struct cmsghdr *)(void *)((char *)(c) + \
				    CMSG_ROUND((c)->cmsg_len)))

#define PF_INET		AF_INET
#define PF_ROUTE	17
#define AF_UNSPEC	0
#define AF_UNIX		1
#define AF_INET		2
#define AF_LINK		18
#define SOCK_STREAM	1
#define SOCK_DGRAM	2
#define SOCK_SEQPACKET	5
#define SOCK_CLOEXEC	BSD_SOCK_CLOEXEC
#define SOL_SOCKET	0xffff
#define SO_REUSEADDR	0x0004
#define SO_SNDBUF	0x1001
#define SO_RCVBUF	0x1002
#define SO_ERROR	0x1007
#define SCM_RIGHTS	1
#define MSG_DONTWAIT	0x80
#define MSG_CMSG_CLOEXEC BSD_CMSG_CLOEXEC
#define MSG_NOSIGNAL	BSD_NOSIGNAL
#define MSG_EOR		0x8
#define MSG_PEEK	0x2
#define MSG_TRUNC	0x10
#define MSG_CTRUNC	0x20
#define SHUT_RD		0
#define SHUT_WR		1
#define SHUT_RDWR	2
#define SOMAXCONN	128

int	 accept(int, struct sockaddr *, socklen_t *);
int	 bind(int, const struct sockaddr *, socklen_t);
int	 connect(int, const struct sockaddr *, socklen_t);
int	 getpeername(int, struct sockaddr *, socklen_t *);
int	 getsockname(int, struct sockaddr *, socklen_t *);
int	 getsockopt(int, int, int, void *, socklen_t *);
int	 listen(int, int);
ssize_t	 recv(int, void *, size_t, int);
ssize_t	 recvmsg(int, struct msghdr *, int);
ssize_t	 send(int, const void *, size_t, int);
ssize_t	 sendmsg(int, const struct msghdr *, int);
ssize_t	 sendto(int, const void *, size_t, int, const struct sockaddr *,
	    socklen_t);
int	 setsockopt(int, int, int, const void *, socklen_t);
int	 shutdown(int, int);
int	 socket(int, int, int);
int	 socketpair(int, int, int, int[2]);

#endif
