-- With miltertest(8): MAIL is refused with a reply of ours, and the session goes
-- on. The socket comes with -D.

local function check(what, good)
	if not good then
		error(what)
	end
	mt.echo("ok: " .. what)
end

mt.set_timeout(10)
local conn = mt.connect("unix:" .. socket, 40, 0.05)
check("connect", conn ~= nil)
check("negotiate", mt.negotiate(conn, nil, nil, nil) == nil)
mt.macro(conn, SMFIC_CONNECT, "{daemon_addr}", "127.0.0.1", "{daemon_port}",
    "25")
check("connect", mt.conninfo(conn, "localhost", "127.0.0.1") == nil)
for n = 1, 2 do
	check("mail", mt.mailfrom(conn, "<a@example.test>") == nil)
	check("refused", mt.getreply(conn) == SMFIR_REPLYCODE)
	mt.abort(conn)
end
mt.disconnect(conn)
