#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Real programs through swap and unswap, idle and busy: what they print is what they print without.
# Each says "ready", waits for a line, and works then, with a line of output for each step.
# beside others
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/shim.sh
. "$(dirname "$0")/shim.sh"

readonly PYTHON=/usr/bin/python3 # not one of pyenv and the like, which is a script

# undisturbed NAME COMMAND...: what it prints, and how it ends, without the shim
undisturbed() {
	local name=$1 status=0
	shift
	"$@" <<< go > "$WORK/$name.wanted" 2> "$WORK/$name.errors" {NEVER}<&- || status=$?
	echo "status $status" >> "$WORK/$name.wanted"
	[ ! -s "$WORK/$name.errors" ] || fail "$name: $(cat "$WORK/$name.errors")"
}

# compared NAME: it has ended, with the same
compared() {
	local status=0
	wait "${PID[$1]}" || status=$?
	echo "status $status" >> "$WORK/$1.out"
	diff "$WORK/$1.wanted" "$WORK/$1.out" > "$WORK/difference" ||
		fail "$1 prints something else: $(head -n 20 "$WORK/difference")"
	[ ! -s "$WORK/$1.err" ] || fail "$1: $(cat "$WORK/$1.err")"
	rm -f "$WORK/$1.in"
	unset "PID[$1]"
	all_gone
}

# busy NAME LEAST MOST: swapped and unswapped with each line that it prints, until it ends
busy() {
	local n
	"$WORK/bin/shimcall" "$SOCKETS" "${PID[$1]}" churn "$3" "$WORK/$1.out" > "$WORK/churn" &
	n=$!
	echo go > "$WORK/$1.in"
	wait "$n" || fail "$1: $(cat "$WORK/churn")"
	n=$(cat "$WORK/churn")
	echo "$1: $n times while it was busy"
	expect "it was hardly disturbed" [ "$n" -ge "$2" ]
}

# idle NAME: waits for its line meanwhile
idle() {
	await "$1 to be ready" grep -qx ready "$WORK/$1.out"
	await_attached "${PID[$1]}"
	must swap "${PID[$1]}"
	echo "$1: image of $(($(stat -c %s "$(image_of "${PID[$1]}")") / 1024)) KiB"
	must unswap "${PID[$1]}"
	must swap "${PID[$1]}"
	must unswap "${PID[$1]}"
}

# program NAME COMMAND...: idle and busy
program() {
	local name=$1
	undisturbed "$@"
	start_shimmed "$@"
	idle "$name"
	busy "$name" 3 1000
	compared "$name"
}

# -- interpreters ---------------------------------------------------------------------------------

cat > "$WORK/hash.py" <<'END'
import hashlib, subprocess, sys, threading
table = {i: str(i) * 5 for i in range(100000)}
print("ready", flush=True)
sys.stdin.readline()
digest = b""
for step in range(30):
    for i in range(step, 100000, 300):
        table[i] += "x" * step
        table[-i] = table[i][:10]
    digest = hashlib.sha256(digest + repr(sorted(table.items())[::50]).encode()).digest()
    parts = [None] * 4
    def part(n):
        parts[n] = hashlib.sha256(bytes([n]) * 100000 + digest).hexdigest()[:8]
    threads = [threading.Thread(target=part, args=[n]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    child = subprocess.run(["cat"], input=digest.hex(), capture_output=True, text=True)
    print(step, child.stdout, *parts, flush=True)
sys.exit(3)
END
program python $PYTHON "$WORK/hash.py"

cat > "$WORK/words.pl" <<'END'
$| = 1;
my %seen;
my $text = join ' ', map { "word$_" } 1 .. 50000;
$seen{$_}++ for split / /, $text;
print "ready\n";
<STDIN>;
for my $step (1 .. 30) {
    my $sum = 0;
    for my $word (keys %seen) {
        $seen{$word} += length($word) * $step % 7;
        $sum = ($sum + $seen{$word} * unpack('%32C*', $word)) % 1000000007;
    }
    my $other = `echo $sum`;
    print "$step $sum $other";
}
exit 4;
END
program perl perl "$WORK/words.pl"

cat > "$WORK/table.sh" <<'END'
declare -A table
for ((i = 0; i < 3000; i++)); do table[$i]=$((i * i)); done
echo ready
read -r line
for ((step = 0; step < 30; step++)); do
	sum=0
	for key in "${!table[@]}"; do
		sum=$(((sum * 31 + key * table[$key]) % 1000000007))
		table[$key]=$((table[$key] + step))
	done
	sub=$(echo "$sum" | cat)
	while read -r word; do sum=$((sum + word)); done < <(seq "$step")
	echo "$step $sub $sum"
done
exit 5
END
program bash bash "$WORK/table.sh"

if command -v node > /dev/null; then
	cat > "$WORK/maps.js" <<'END'
const readline = require('readline');
const crypto = require('crypto');
const table = new Map();
for (let i = 0; i < 100000; i++) table.set(i, { name: 'n' + i, values: [i, i * 2] });
process.stdout.write('ready\n');
readline.createInterface({ input: process.stdin }).once('line', async () => {
  let digest = '';
  for (let step = 0; step < 30; step++) {
    const hash = crypto.createHash('sha256').update(digest);
    for (const [key, value] of table) {
      value.values[1] += step;
      if (key % 100 === step) hash.update(value.name + value.values);
    }
    digest = hash.digest('hex');
    await new Promise((resolve) => setTimeout(resolve, 1));
    const derived = await new Promise((resolve) =>
      crypto.pbkdf2(digest, 'salt', 1000, 16, 'sha256', (error, key) => resolve(key)));
    process.stdout.write(`${step} ${digest} ${derived.toString('hex')}\n`);
  }
  process.exit(6);
});
END
	program node node "$WORK/maps.js"
else
	echo "not looked at: node, which isn't there"
fi

# -- java, with a heap of 1 GiB -------------------------------------------------------------------

if command -v java > /dev/null; then
	cat > "$WORK/Heap.java" <<'END'
import java.util.*;
import java.util.concurrent.*;
import java.util.zip.CRC32;

public class Heap {
    static void say(String line) { System.out.println(line); System.out.flush(); }
    public static void main(String[] arguments) throws Exception {
        List<byte[]> blocks = new ArrayList<>();
        Random random = new Random(4711);
        for (int i = 0; i < 1500; i++) {
            byte[] block = new byte[400 << 10];
            random.nextBytes(block);
            blocks.add(block);
        }
        say("ready");
        System.in.read();
        ExecutorService pool = Executors.newFixedThreadPool(3);
        for (int step = 0; step < 24; step++) {
            List<Future<Long>> sums = new ArrayList<>();
            for (int part = 0; part < 3; part++) {
                final int first = part;
                sums.add(pool.submit(() -> {
                    CRC32 crc = new CRC32();
                    for (int i = first; i < blocks.size(); i += 3) crc.update(blocks.get(i));
                    return crc.getValue();
                }));
            }
            StringBuilder line = new StringBuilder("" + step);
            for (Future<Long> sum : sums) line.append(' ').append(sum.get());
            for (int i = 0; i < 30; i++) {
                byte[] copy = blocks.get((step * 37 + i) % blocks.size()).clone();
                copy[i] ^= (byte) step;
                blocks.set((step * 37 + i) % blocks.size(), copy);
            }
            say(line.toString());
        }
        pool.shutdown();
        System.exit(7);
    }
}
END
	java=(java -Xms1g -Xmx1g -XX:-UsePerfData -Xlog:disable "$WORK/Heap.java")
	undisturbed java "${java[@]}"
	start_shimmed java "${java[@]}"
	await "java to be ready" grep -qx ready "$WORK/java.out"
	await_attached "${PID[java]}"
	must swap "${PID[java]}"
	bytes=$(stat -c %s "$(image_of "${PID[java]}")")
	expect "its heap isn't in the image" [ "$bytes" -ge $((500 << 20)) ]
	must unswap "${PID[java]}"
	busy java 2 2
	compared java
else
	echo "not looked at: java, which isn't there"
fi

# -- make -----------------------------------------------------------------------------------------

mkdir "$WORK/project"
for i in {1..24}; do
	printf 'int part%d(int x);\nint part%d(int x) { return x * %d; }\n' "$i" "$i" "$i" > "$WORK/project/part$i.c"
done
cat > "$WORK/project/Makefile" <<'END'
objects := $(patsubst %.c,%.o,$(wildcard *.c))
all: ready library.a
	@ar t library.a | sort | cksum
	@false
ready:
	@echo ready; read line
%.o: %.c ready
	@$(CC) -O2 -c -o $@ $<
	@echo $@
library.a: $(objects)
	@ar Dcr $@ $^
END
make=(env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory -C "$WORK/project" -j4)
sorted() {
	sort -o "$WORK/$1" "$WORK/$1"
}
status=0
"${make[@]}" <<< go > "$WORK/make.wanted" 2> "$WORK/make.errors" || status=$?
[ $status = 2 ] || fail "make: $(cat "$WORK/make.errors")"
rm "$WORK/project"/*.o "$WORK/project/library.a"
start_shimmed make "${make[@]}"
idle make
busy make 1 1000
status=0
wait "${PID[make]}" || status=$?
expect "make ended with $status" [ $status = 2 ]
for file in make.wanted make.out; do sorted $file; done
diff "$WORK/make.wanted" "$WORK/make.out" || fail "make prints something else"
diff "$WORK/make.errors" "$WORK/make.err" || fail "make says something else"
rm "$WORK/make.in"
unset "PID[make]"
all_gone

# -- redis, under a client that looks at every key ------------------------------------------------

redis=$(command -v redis-server || command -v redis-check-rdb || command -v valkey-server ||
	command -v valkey-check-rdb || :)
if [ -n "$redis" ]; then
	# one program with several names; what it is it knows by them
	ln -s "$(readlink -f "$redis")" "$WORK/redis-server"
	cat > "$WORK/client.py" <<'END'
import hashlib, socket, sys
KEYS, ROUNDS = 20000, 12
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
replies = peer.makefile("rb")
def value(i, turn):
    return (hashlib.sha256(f"{i} {turn}".encode()).hexdigest() * 8).encode()
def send(*commands):
    data = b""
    for command in commands:
        data += b"*%d\r\n" % len(command)
        for word in command:
            data += b"$%d\r\n%s\r\n" % (len(word), word)
    peer.sendall(data)
def reply():
    line = replies.readline()
    if line[:1] == b"$" and line != b"$-1\r\n":
        return replies.read(int(line[1:]) + 2)[:-2]
    return line.strip()
def every(size=100):
    for first in range(0, KEYS, size):
        yield range(first, first + size)
for some in every():
    send(*((b"SET", b"key%d" % i, value(i, 0)) for i in some))
    assert all(reply() == b"+OK" for i in some)
print("ready", flush=True)
sys.stdin.readline()
for turn in range(1, ROUNDS):
    for some in every():
        send(*((b"GETSET", b"key%d" % i, value(i, turn)) for i in some))
        for i in some:
            assert reply() == value(i, turn - 1), f"key{i} in turn {turn}"
    send((b"DBSIZE",))
    print(turn, reply(), flush=True)
print("all keys are right", flush=True)
END
	start_shimmed redis "$WORK/redis-server" --port 0 --unixsocket "$WORK/redis.sock" --save '' --dir "$WORK" \
		--appendonly no --daemonize no --databases 1
	await "redis to listen" [ -S "$WORK/redis.sock" ]
	await_attached "${PID[redis]}"
	mkfifo "$WORK/client.in"
	: > "$WORK/client.out"
	$PYTHON "$WORK/client.py" "$WORK/redis.sock" 0<>"$WORK/client.in" >> "$WORK/client.out" 2>&1 {NEVER}<&- &
	PID[client]=$!
	STARTED+=($!)
	await "the client to have written all keys" grep -q . "$WORK/client.out"
	[ "$(cat "$WORK/client.out")" = ready ] || fail "$(cat "$WORK/client.out")"
	must swap "${PID[redis]}"
	expect "its keys aren't in the image" [ "$(stat -c %s "$(image_of "${PID[redis]}")")" -ge $((8 << 20)) ]
	# it asks, and waits
	echo go > "$WORK/client.in"
	must unswap "${PID[redis]}"
	# with every round of the client
	for ((n = 0; n < 1000; n++)); do
		seen=$(wc -l < "$WORK/client.out")
		must swap "${PID[redis]}"
		must unswap "${PID[redis]}"
		more() { [ "$(wc -l < "$WORK/client.out")" -gt "$seen" ] || gone "${PID[client]}"; }
		await "another round" more
		! gone "${PID[client]}" || break
	done
	echo "redis: $n times under its client"
	wait "${PID[client]}" || fail "the client: $(cat "$WORK/client.out")"
	expect "$(tail -n 3 "$WORK/client.out")" grep -qx 'all keys are right' "$WORK/client.out"
	expect "it was hardly disturbed" [ "$n" -ge 2 ]
	kill -TERM "${PID[redis]}"
	wait "${PID[redis]}" || fail "redis ended with $?: $(cat "$WORK/redis.err")"
	rm "$WORK/client.in" "$WORK/redis.in"
	all_gone
else
	echo "not looked at: redis, which isn't there"
fi
