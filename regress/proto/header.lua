-- With miltertest(8): a message with two forged headers gets ours, in the first
-- place. The socket and what is expected come with -D.

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
check("adds headers", mt.test_action(conn, SMFIF_ADDHDRS))
check("changes headers", mt.test_action(conn, SMFIF_CHGHDRS))
check("leaves recipients alone", not mt.test_action(conn, SMFIF_ADDRCPT) and
    not mt.test_action(conn, SMFIF_DELRCPT))
check("leaves the body alone", not mt.test_action(conn, SMFIF_CHGBODY))
check("no body", mt.test_option(conn, SMFIP_NOBODY))
check("no HELO", mt.test_option(conn, SMFIP_NOHELO))

mt.macro(conn, SMFIC_CONNECT, "{daemon_addr}", "127.0.0.1", "{daemon_port}",
    "25")
check("connect", mt.conninfo(conn, "localhost", "127.0.0.1") == nil)

for n = 1, 2 do
	mt.macro(conn, SMFIC_MAIL, "i", "QUEUE" .. n)
	check("mail", mt.mailfrom(conn, "<a@example.test>") == nil and
	    mt.getreply(conn) == SMFIR_CONTINUE)
	check("rcpt", mt.rcptto(conn, "<b@example.test>") == nil)
	check("headers", mt.header(conn, "Subject", "test") == nil and
	    mt.header(conn, "X-Sender-Process-Info", "user=root") == nil and
	    mt.header(conn, "x-sender-process-info", "user=root") == nil)
	check("eom", mt.eom(conn) == nil and
	    mt.getreply(conn) == SMFIR_CONTINUE)
	check("inserted", mt.eom_check(conn, MT_HDRINSERT,
	    "X-Sender-Process-Info", value, 0))
	check("deleted", mt.eom_check(conn, MT_HDRDELETE,
	    "X-Sender-Process-Info"))
	check("not added at the end", not mt.eom_check(conn, MT_HDRADD))
	check("no quarantine", not mt.eom_check(conn, MT_QUARANTINE))
	check("no body", not mt.eom_check(conn, MT_BODYCHANGE))
end
mt.disconnect(conn)
