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
 * Who is there while lookups are timed: a load of idle processes, and clients
 * whose connections are asked about.
 */

#ifndef BENCH_H
#define BENCH_H

#include "owner.h"
#include "sysuser.h"

#define LOAD_UID	61000		/* the first of the load's uids */

struct load {
	uint32_t		 processes;
	uint32_t		 files;		/* descriptors of each */
	uint32_t		 sockets;	/* connections beside ours */
	uint32_t		 uids;		/* that share the processes */
};

/* A process with a connection to us. */
struct client {
	pid_t			 pid;
	uid_t			 uid;
	int			 fd;		/* our end */
	struct conn_key		 key;
};

enum hold {
	HELD,				/* by the client's process; */
	HELD6,				/* over IPv6 */
	IN_FLIGHT			/* passed and not taken: by nobody */
};

/* load.c */
void	 become(uid_t, pid_t);
void	 reset_on_close(int);
void	 load_start(const struct load *);
void	 load_end(void);

/* client.c */
void	 clients_open(void);
int	 clients_have6(void);
void	 client_start(struct client *, uid_t, const char *, enum hold);
void	 client_end(struct client *);

/* worker.c */
void	 worker_open(const char *);
void	 worker_close(void);
void	 worker_ask(const struct conn_key *);
int	 worker_answer(void);
uint64_t worker_cpu(void);

/* command.c */
void	 command_env(const char *);
int	 command_run(char *const[], const char *);
void	 dialogue_open(const char *, const char *);
void	 dialogue_close(void);
int	 dialogue_ask(const struct client *);
int	 ident_ask(in_port_t, const struct client *);

#endif
