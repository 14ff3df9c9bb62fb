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
 * Packets and the descriptors that belong to them, in the spirit of imsg(3):
 * a descriptor that nobody claims is closed, one that was not announced never
 * gets this far (msg_check).
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "packet.h"
#include "sysuser.h"

struct packet {
	STAILQ_ENTRY(packet)	 next;
	int			 fd;
	size_t			 len;
	size_t			 sent;
	uint8_t			 bytes[];
};

union control {
	struct cmsghdr	 hdr;			/* for its alignment */
	char		 buf[CMSG_SPACE(sizeof(int))];
};

/* Begin a message; a reply has the id of its request. */
void
msg_new(struct msg *m, enum imsg type, uint32_t id)
{
	m->type = type;
	m->id = id;
	m->fd = -1;
	m->bad = 0;
	m->len = m->pos = 0;
}

/* The descriptor of the message is the caller's from now on. */
int
msg_claim_fd(struct msg *m)
{
	int	 fd = m->fd;

	m->fd = -1;
	return (fd);
}

/* Two ends of a channel.  Returns 0, or -1 and errno. */
int
chan_pair(int pair[2])
{
	int	 size = 1024 * 1024;	/* as much of it as the system allows */
	int	 i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return (-1);
	for (i = 0; i < 2; i++) {
		(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size,
		    sizeof(size));
		/* On some systems it is this one that counts. */
		(void)setsockopt(pair[i], SOL_SOCKET, SO_RCVBUF, &size,
		    sizeof(size));
	}
	return (0);
}

/* Take over the descriptor, which need not be non-blocking for us. */
void
chan_init(struct chan *c, int fd, enum role self, enum role peer,
    unsigned int instance)
{
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	c->self = self;
	c->peer = peer;
	c->instance = instance;
	c->state = S_BOOT;
	STAILQ_INIT(&c->queue);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void
packet_free(struct chan *c, struct packet *p)
{
	STAILQ_REMOVE_HEAD(&c->queue, next);
	c->queued--;
	if (p->fd != -1)
		close(p->fd);
	free(p);
}

void
chan_close(struct chan *c)
{
	struct packet	*p;

	while ((p = STAILQ_FIRST(&c->queue)) != NULL)
		packet_free(c, p);
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
}

/*
 * Returns how much was taken, or -1.  Where packets are a stream with marks
 * (packet.h), that can be a part of it; MSG_EOR is such a mark.
 */
static ssize_t
packet_write(int sock, struct iovec *iov, int iovlen, int fd)
{
	union control	 control;
	struct msghdr	 mh;
	struct cmsghdr	*cmsg;
	ssize_t		 n;

	memset(&mh, 0, sizeof(mh));
	mh.msg_iov = iov;
	mh.msg_iovlen = iovlen;
	if (fd != -1) {
		memset(&control, 0, sizeof(control));
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control.buf);
		cmsg = CMSG_FIRSTHDR(&mh);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	do
		n = sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT | MSG_EOR);
	while (n == -1 && errno == EINTR);
	return (n);
}

/*
 * True if a call that failed may do better later.  Without memory it is nobody
 * else's fault, and the packet stays where it is.
 */
static int
not_now(void)
{
	return (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM);
}

static int
packet_queue(struct chan *c, const struct iovec *iov, int fd, size_t sent)
{
	struct packet	*p;

	if (c->queued >= (c->self == ROLE_PARENT ? CHAN_QUEUE_PARENT :
	    CHAN_QUEUE)) {
		errno = ENOBUFS;
		return (-1);
	}
	if ((p = malloc(sizeof(*p) + iov[0].iov_len + iov[1].iov_len)) == NULL)
		return (-1);
	p->fd = fd;
	p->len = iov[0].iov_len + iov[1].iov_len;
	p->sent = sent;
	memcpy(p->bytes, iov[0].iov_base, iov[0].iov_len);
	memcpy(p->bytes + iov[0].iov_len, iov[1].iov_base, iov[1].iov_len);
	STAILQ_INSERT_TAIL(&c->queue, p, next);
	c->queued++;
	return (0);
}

static void
put_be32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

static uint32_t
get_be32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
}

static void
packet_parts(struct msg *m, uint8_t head[MSG_HEADER], struct iovec iov[2])
{
	put_be32(head, m->type);
	put_be32(head + 4, m->len);
	put_be32(head + 8, m->id);
	iov[0].iov_base = head;
	iov[0].iov_len = MSG_HEADER;
	iov[1].iov_base = m->data;
	iov[1].iov_len = m->len;
}

/*
 * Send, or queue if the socket is full.  The descriptor of the message is
 * gone afterwards, whatever happens.  Returns 0, or -1 and errno: EMSGSIZE if
 * the message was flawed, ENOBUFS if the queue is full, or the socket's.
 */
int
chan_send(struct chan *c, struct msg *m)
{
	uint8_t		 head[MSG_HEADER];
	struct iovec	 iov[2];
	ssize_t		 n;
	int		 fd = msg_claim_fd(m), rv = -1, saved;

	packet_parts(m, head, iov);
	if (m->bad)
		errno = EMSGSIZE;
	else if (c->fd == -1)
		errno = ENOTCONN;
	else if (c->queued > 0)
		rv = packet_queue(c, iov, fd, 0);
	else if ((n = packet_write(c->fd, iov, 2, fd)) != -1) {
		/* The descriptor goes with the first byte. */
		if (fd != -1)
			close(fd);
		fd = -1;
		rv = 0;
		/* A part of it, and nothing more, can't be followed. */
		if ((size_t)n != MSG_HEADER + m->len &&
		    (rv = packet_queue(c, iov, -1, n)) == -1)
			(void)shutdown(c->fd, SHUT_RDWR);
	} else if (not_now())
		rv = packet_queue(c, iov, fd, 0);
	if (rv == -1 && fd != -1) {
		saved = errno;
		close(fd);
		errno = saved;
	}
	return (rv);
}

/*
 * For threads that share the sending end of a channel: a message without a
 * descriptor, at once or not at all.  Returns 0, or -1 and errno.
 */
int
msg_send(int sock, struct msg *m)
{
	uint8_t		 head[MSG_HEADER];
	struct iovec	 iov[2];
	ssize_t		 n;

	packet_parts(m, head, iov);
	if (m->bad) {
		errno = EMSGSIZE;
		return (-1);
	}
	if ((n = packet_write(sock, iov, 2, -1)) == -1)
		return (-1);
	if ((size_t)n == MSG_HEADER + m->len)
		return (0);
	/* As in chan_send(). */
	(void)shutdown(sock, SHUT_RDWR);
	errno = EPIPE;
	return (-1);
}

/* Send what is queued.  Returns 0, even if some is left, or -1 and errno. */
int
chan_flush(struct chan *c)
{
	struct packet	*p;
	struct iovec	 iov;
	ssize_t		 n;

	while ((p = STAILQ_FIRST(&c->queue)) != NULL) {
		iov.iov_base = p->bytes + p->sent;
		iov.iov_len = p->len - p->sent;
		if ((n = packet_write(c->fd, &iov, 1, p->fd)) == -1)
			return (not_now() ? 0 : -1);
		if (p->fd != -1)
			close(p->fd);
		p->fd = -1;
		p->sent += n;
		if (p->sent == p->len)
			packet_free(c, p);
	}
	return (0);
}

/*
 * The one descriptor of a packet, or -1.  More than one, or a cut control
 * message, is a flaw: all that came are closed.
 */
static int
take_fd(struct msghdr *mh, const char **why)
{
	struct cmsghdr	*cmsg;
	int		 fd = -1, one;
	size_t		 i, n;

	for (cmsg = CMSG_FIRSTHDR(mh); cmsg != NULL;
	    cmsg = CMSG_NXTHDR(mh, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(one);
		for (i = 0; i < n; i++) {
			memcpy(&one, CMSG_DATA(cmsg) + i * sizeof(one),
			    sizeof(one));
			if (fd != -1) {
				close(fd);
				*why = "too many descriptors";
			}
			fd = one;
		}
	}
	if (mh->msg_flags & MSG_CTRUNC && mh->msg_control != NULL)
		*why = "too many descriptors";
	if (*why != NULL && fd != -1) {
		close(fd);
		fd = -1;
	}
	return (fd);
}

/*
 * Receive one message that the message table allows.  Returns 1; or 0 if there
 * is none now; or -1, and why it is the last one: NULL if the peer closed.
 *
 * Descriptors come from the parent alone.  Of others' none is even taken: who
 * is pledged, and takes one that he did not promise to, or a directory, dies.
 */
int
chan_recv(struct chan *c, struct msg *m, const char **why)
{
	uint8_t		 head[MSG_HEADER] = { 0 };
	union control	 control;
	struct iovec	 iov[2] = { { head, sizeof(head) },
			    { m->data, sizeof(m->data) } };
	struct msghdr	 mh = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t		 n;

	*why = NULL;
	if (!packet_whole(c->fd))
		return (0);
	if (c->peer == ROLE_PARENT) {
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control.buf);
	}
	do
		n = recvmsg(c->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1 && not_now())
		return (0);
	if (n == -1) {
		/* It died, and did not read all. */
		if (errno != ECONNRESET && c->fd != -1)
			*why = "not to be read";
		return (-1);
	}
	msg_new(m, get_be32(head), get_be32(head + 8));
	m->fd = take_fd(&mh, why);
	if (n == 0 && m->fd == -1)
		return (-1);
	if (n < MSG_HEADER || mh.msg_flags & MSG_TRUNC ||
	    get_be32(head + 4) != (size_t)n - MSG_HEADER)
		*why = "wrong length";
	else {
		m->len = n - MSG_HEADER;
		if (*why == NULL)
			*why = msg_check(m, c);
		if (*why == NULL && mh.msg_flags & MSG_CTRUNC)
			*why = "unwanted descriptor";
	}
	if (*why == NULL) {
		c->seen[m->type / 8] |= 1 << m->type % 8;
		return (1);
	}
	if (m->fd != -1)
		close(msg_claim_fd(m));
	return (-1);
}
