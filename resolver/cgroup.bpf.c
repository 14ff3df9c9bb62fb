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
 * The connect-time record of a kernel without BTF, where connect.bpf.c can't
 * be loaded: which process called connect(2) for a socket, while that is
 * open.  It proves nothing, and tells where to look first.
 */

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define STREAM		1
#define PROTO_TCP	6

/*
 * Cookie of the socket to pid.  An entry goes with its socket, and none makes
 * place for another: who has too many sockets open is not recorded.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u32);
} openers SEC(".maps");

/* Set by bpf_cgroup.c: a bit for each port, numbered in network order. */
__u8	 ports[65536 / 8];

static __always_inline void
opened(struct bpf_sock_addr *ctx)
{
	__u16	 port = ctx->user_port;
	__u32	 pid = bpf_get_current_pid_tgid() >> 32;
	__u64	 cookie;

	if (ctx->type != STREAM || ctx->protocol != PROTO_TCP ||
	    (ports[port / 8] & 1U << port % 8) == 0)
		return;
	cookie = bpf_get_socket_cookie(ctx);
	(void)bpf_map_update_elem(&openers, &cookie, &pid, BPF_ANY);
}

SEC("cgroup/connect4")
int
open4(struct bpf_sock_addr *ctx)
{
	opened(ctx);
	return (1);		/* go on: it is not refused */
}

SEC("cgroup/connect6")
int
open6(struct bpf_sock_addr *ctx)
{
	opened(ctx);
	return (1);
}

SEC("cgroup/sock_release")
int
closed(struct bpf_sock *ctx)
{
	__u64	 cookie = bpf_get_socket_cookie(ctx);

	(void)bpf_map_delete_elem(&openers, &cookie);
	return (1);
}

char	 _license[] SEC("license") = "Dual BSD/GPL";
