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

/* Between the parts of the backend for Linux. */

#ifndef LINUX_H
#define LINUX_H

#include "linux_proc.h"
#include "os.h"

/* Files and links of a process that change, and that are kept open. */
enum kept {
	KEPT_CGROUP, KEPT_COMM, KEPT_LOGINUID,	/* texts; */
	KEPT_CWD, KEPT_EXE,			/* links; */
	KEPT_SOCKET,				/* one of a descriptor */
	KEPT_MAX
};

/* Where a process had a connection, and which; only a hint. */
struct place {
	int			 fd;
	uint64_t		 inode;		/* or 0: none, last time */
};
#define MAX_PLACES	16

struct known {
	uint32_t		 pid;		/* or NO_PID: none */
	uint64_t		 start;
	uint32_t		 threads;
	int			 dir;
	int			 files[KEPT_MAX];	/* or -1: not yet */
	unsigned int		 asked;		/* links: bits 1 << enum kept */
	int			 at;		/* where KEPT_SOCKET is, or -1 */
	struct place		 places[MAX_PLACES];
	size_t			 nplaces;
	size_t			 named;		/* bytes of comm, just read */
	char			 comm[64];
	uint64_t		 used;		/* when, in uses */
};
/* bpf.c or bpf_none.c */
void	 bpf_open(int);
const char *linux_watch(enum backend, const struct range *, size_t);
int	 linux_record(const struct conn_key *, struct record *);
int	 linux_complete(const struct conn_key *, const struct record *);
int	 bpf_full(void);

/* bpf_cgroup.c or bpf_none.c */
uint32_t bpf_opener(uint64_t);

/* linux_cgroup.c */
int	 cgroup_open(void);
size_t	 cgroup_pids(uint64_t, uint32_t *, size_t);
ssize_t	 cgroup_line(uint64_t, char *, size_t);

/* linux_cmdline.c */
size_t	 cmdline_read(int, char *, size_t);

/* linux_files.c; all that is read is read from here, which is /proc. */
extern int proc_dir;
int	 pid_open(uint32_t);
uint64_t socket_at(int, const char *);
int	 holds(int, const char *, uint64_t);
ssize_t	 record_read(int, char *, size_t);
ssize_t	 file_read(int, const char *, char *, size_t);
const char *link_read(int, const char *, char *, size_t);

/* linux_known.c */
struct known *known_open(uint32_t);
struct known *known_take(uint32_t, int);
struct known *known_find(uint32_t);
void	 known_forget(uint32_t);
struct known *known_get(uint32_t, uint64_t);
int	 known_seen(struct known *, int, uint64_t);
void	 known_place(struct known *, int, uint64_t);
struct place *known_likely(struct known *, uint64_t, uint32_t *);
int	 known_leads(const struct known *);
int	 known_lives(const struct known *);
void	 known_rest(void);
ssize_t	 known_name(struct known *, char *, size_t);
const char *known_link(struct known *, enum kept, char *, size_t);
uint64_t known_socket(struct known *, int);
ssize_t	 known_read(struct known *, enum kept, char *, size_t);
ssize_t	 thread_read(int, enum kept, char *, size_t);
const char *thread_link(int, enum kept, char *, size_t);

/* linux_search.c */
void	 search_open(void);
size_t	 linux_holders(const struct sock *, const struct budget *,
	    struct holder[MAX_HOLDERS]);

#endif
