#!/usr/bin/env bash
# Swift 6.3.1 on Linux: the thread sanitizer reports a false race on values guarded by a Mutex of the Synchronization
# library.
#
# Mutex.withLock gives one thread at a time access to the value, so a program that accesses it nowhere else has no
# race. Expected: no report, as with an NSLock in the same place. Observed: the library's atomic operations and
# waits are not instrumented, so the sanitizer detects no order between two threads that hold the lock one after the
# other, and reports "Swift access race", with and without optimization. Tests of programs with mutexes therefore
# report false positives, and suppressions by function name also hide real races.
#
# Needs Swift 6.3.1 on the PATH and installs nothing.
set -euo pipefail

version=$(swift --version 2>&1 | grep -o 'Swift version [0-9.]*')
echo "$version"
[ "$version" = "Swift version 6.3.1" ] || { echo "NOT RUN: this is about Swift version 6.3.1"; exit 1; }
folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT

# Four threads insert into a set that $1 guards; $2 is its declaration.
write_program() {
    cat >"$folder/$1.swift" <<SWIFT
import Foundation
import Synchronization

struct Seen {
    var numbers: Set<Int> = []
    mutating func insert(_ number: Int) { numbers.insert(number) }
}

$2

let guarded = Guarded()
DispatchQueue.concurrentPerform(iterations: 4) { thread in
    for turn in 0..<20_000 { guarded.change { \$0.insert(thread * 7 + turn % 5) } }
}
guarded.change { print(\$0.numbers.count, "numbers") }
SWIFT
}

write_program mutex 'final class Guarded: Sendable {
    private let seen = Mutex(Seen())
    func change(_ body: (inout Seen) -> Void) { seen.withLock { body(&$0) } }
}'
write_program lock 'final class Guarded: @unchecked Sendable {
    private let lock = NSLock()
    private var seen = Seen()
    func change(_ body: (inout Seen) -> Void) { lock.withLock { body(&seen) } }
}'

failures=0
for program in mutex lock; do
    for level in -Onone -O; do
        swiftc -swift-version 6 -sanitize=thread $level "$folder/$program.swift" -o "$folder/$program"
        TSAN_OPTIONS="exitcode=0" "$folder/$program" >"$folder/output" 2>&1
        reports=$(grep -c 'ThreadSanitizer: .*race' "$folder/output" || true)
        echo "$program $level: $(grep numbers "$folder/output"), $reports reports"
        if [ $program = mutex ] && [ "$reports" -eq 0 ]; then failures=1; fi
        if [ $program = lock ] && [ "$reports" -ne 0 ]; then failures=1; fi
    done
done
[ $failures -eq 0 ] || { echo "CHANGED"; exit 1; }
