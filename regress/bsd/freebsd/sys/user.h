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

#ifndef BSD_FREEBSD_SYS_USER_H
#define BSD_FREEBSD_SYS_USER_H

#include <sys/socket.h>
#include <sys/time.h>

#define KF_TYPE_VNODE	1
#define KF_TYPE_SOCKET	2
#define KF_FD_TYPE_CWD	-1
#define KF_FD_TYPE_TEXT	-5

struct kinfo_proc {
	int			 ki_structsize;
	char			 pad1[68];
	pid_t			 ki_pid;
	pid_t			 ki_ppid;
	char			 pad2[88];
	uid_t			 ki_uid;
	uid_t			 ki_ruid;
	char			 pad3[160];
	struct timeval		 ki_start;
	char			 pad4[16];
	long			 ki_flag;
	char			 pad5[71];
	char			 ki_comm[20];
	char			 pad6[125];
	int			 ki_jid;
	char			 pad7[492];
};

struct kinfo_file {
	int			 kf_structsize;
	int			 kf_type;
	int			 kf_fd;
	int			 kf_ref_count;
	int			 kf_flags;
	int			 kf_pad0;
	int64_t			 kf_offset;
	union {
		struct {
			uint32_t		 kf_sock_sendq;
			int			 kf_sock_domain0;
			int			 kf_sock_type0;
			int			 kf_sock_protocol0;
			struct sockaddr_storage	 kf_sa_local;
			struct sockaddr_storage	 kf_sa_peer;
			uint64_t		 kf_sock_pcb;
			char			 pad[32];
		} kf_sock;
	} kf_un;
	char			 pad[24];
	char			 kf_path[1024];
};

_Static_assert(sizeof(struct kinfo_proc) == 1088, "kinfo_proc");
_Static_assert(offsetof(struct kinfo_proc, ki_uid) == 168, "ki_uid");
_Static_assert(offsetof(struct kinfo_proc, ki_start) == 336, "ki_start");
_Static_assert(offsetof(struct kinfo_proc, ki_flag) == 368, "ki_flag");
_Static_assert(offsetof(struct kinfo_proc, ki_comm) == 447, "ki_comm");
_Static_assert(offsetof(struct kinfo_proc, ki_jid) == 592, "ki_jid");
_Static_assert(sizeof(struct kinfo_file) == 1392, "kinfo_file");
_Static_assert(offsetof(struct kinfo_file, kf_un.kf_sock.kf_sock_pcb) == 304,
    "kf_sock_pcb");
_Static_assert(offsetof(struct kinfo_file, kf_path) == 368, "kf_path");

#endif
