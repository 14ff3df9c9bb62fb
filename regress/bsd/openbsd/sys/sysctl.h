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

/* What we use of OpenBSD's header, laid out as on amd64. */

#ifndef BSD_OPENBSD_SYS_SYSCTL_H
#define BSD_OPENBSD_SYS_SYSCTL_H

#include <stddef.h>
#include <stdint.h>

#define CTL_KERN		1
#define CTL_NET			4
#define KERN_PROC_ARGS		55
#define KERN_PROC		66
#define KERN_FILE		73
#define KERN_PROC_PID		1
#define KERN_PROC_ARGV		1
#define KERN_FILE_BYFILE	1
#define KERN_FILE_BYPID		2
#define KERN_FILE_BYUID		3
#define KERN_FILE_TEXT		-1

struct kinfo_file {
	char			 pad1[16];
	uint32_t		 f_type;
	char			 pad2[20];
	uint32_t		 f_uid;
	char			 pad3[228];
	uint32_t		 so_type;
	uint32_t		 so_state;
	uint64_t		 so_pcb;
	uint32_t		 so_protocol;
	uint32_t		 so_family;
	uint64_t		 inp_ppcb;
	uint32_t		 inp_lport;
	uint32_t		 inp_laddru[4];
	uint32_t		 inp_fport;
	uint32_t		 inp_faddru[4];
	char			 pad4[32];
	uint32_t		 p_pid;
	int32_t			 fd_fd;
	uint32_t		 fd_ofileflags;
	uint32_t		 p_uid;
	char			 pad5[8];
	char			 p_comm[24];
	uint32_t		 inp_rtableid;
	char			 pad6[168];
	uint32_t		 t_state;
	char			 pad7[32];
};

struct kinfo_proc {
	char			 pad1[108];
	int32_t			 p_pid;
	char			 pad2[16];
	uint32_t		 p_uid;
	uint32_t		 p_ruid;
	char			 pad3[176];
	char			 p_comm[24];
	char			 pad4[72];
	uint64_t		 p_ustart_sec;
	uint32_t		 p_ustart_usec;
	char			 pad5[228];
};

_Static_assert(sizeof(struct kinfo_file) == 632, "kinfo_file");
_Static_assert(offsetof(struct kinfo_file, f_uid) == 40, "f_uid");
_Static_assert(offsetof(struct kinfo_file, so_type) == 272, "so_type");
_Static_assert(offsetof(struct kinfo_file, inp_lport) == 304, "inp_lport");
_Static_assert(offsetof(struct kinfo_file, inp_faddru) == 328, "inp_faddru");
_Static_assert(offsetof(struct kinfo_file, p_pid) == 376, "p_pid");
_Static_assert(offsetof(struct kinfo_file, p_uid) == 388, "p_uid");
_Static_assert(offsetof(struct kinfo_file, p_comm) == 400, "p_comm");
_Static_assert(offsetof(struct kinfo_file, inp_rtableid) == 424, "rtableid");
_Static_assert(offsetof(struct kinfo_file, t_state) == 596, "t_state");
_Static_assert(sizeof(struct kinfo_proc) == 648, "kinfo_proc");
_Static_assert(offsetof(struct kinfo_proc, p_pid) == 108, "p_pid");
_Static_assert(offsetof(struct kinfo_proc, p_uid) == 128, "p_uid");
_Static_assert(offsetof(struct kinfo_proc, p_comm) == 312, "p_comm");
_Static_assert(offsetof(struct kinfo_proc, p_ustart_sec) == 408, "ustart");

int	 sysctl(const int *, unsigned int, void *, size_t *, void *, size_t);

#endif
