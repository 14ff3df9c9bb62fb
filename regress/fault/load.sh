# Sourced after fault.sh: mail of three users at the same time (load.pl).

LOAD=				# pid while it runs

load_script() {
	fake_script <<-S
	127.0.0.1 2501 uid=5 holder=100 program=telnet
	127.0.0.1 2502 uid=9 holder=101 program=swaks
	127.0.0.1 2503 uid=13 holder=102 program=perl
	S
}

load_begin() {
	: >load.run
	perl "$TOP/regress/fault/load.pl" "$MILTER" load.run 2501 games \
	    2502 news 2503 proxy >load.out 2>&1 &
	LOAD=$!
	sleep 0.3
}

load_end() {
	rm -f load.run
	wait "$LOAD"
}

# How many messages were right, number, unknown, none, late, broken or other.
load_count() {		# WORD
	awk -v word="$1" '$2 == word { n += $1 } END { print n + 0 }' load.out
}
