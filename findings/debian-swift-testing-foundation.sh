#!/usr/bin/env bash
# Debian's package swiftlang 6.2.3-1+b1 (unstable, November 2026): tests that use Swift Testing compile but do not link.
#
# Swift Testing has an overlay for code that also imports Foundation: if a file imports both, the compiler imports the
# module _Testing_Foundation automatically, and the object file requires the library of that name. Expected: a package
# with the module also has the library. Observed: Debian's package has
# lib/swift/linux/_Testing_Foundation.swiftmodule and libTesting.so, but no lib_Testing_Foundation.so, so the linker
# fails with "cannot find -l_Testing_Foundation", even for a test that imports only Testing. With the frontend option
# -disable-cross-import-overlays the compiler does not import the module, and a test with both imports links and passes.
#
# Needs root, debootstrap and 3 GB for a root of Debian unstable in a temporary folder, which is removed. MIRROR names a
# mirror.
set -euo pipefail
if [ -z "${IS_APART-}" ]; then IS_APART=yes exec unshare --mount --pid --fork --kill-child "$0" "$@"; fi

root=$(mktemp --directory)
trap 'umount "$root/proc" "$root/dev" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT
debootstrap --variant=minbase sid "$root" ${MIRROR:+"$MIRROR"} >/dev/null
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
cp --dereference /etc/resolv.conf /etc/hosts "$root/etc"
apt-config dump | grep -i '^Acquire::[a-z:-]* "..*";$' >"$root/etc/apt/apt.conf.d/90host" || true
inside() { chroot "$root" env --ignore-environment HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin bash -c "$1" </dev/null; }
inside "apt-get update --quiet=2 && apt-get install --yes --quiet=2 --no-install-recommends swiftlang=6.2.3-1+b1 g++ git" >/dev/null 2>&1

mkdir -p "$root/trial/Tests/TrialTests"
cat >"$root/trial/Package.swift" <<'SWIFT'
// swift-tools-version: 6.0
import PackageDescription

let package = Package(name: "trial", targets: [.testTarget(name: "TrialTests")])
SWIFT
write_test() {
    printf '%s\n' "$@" '' '@Test func numbersAreEqual() { #expect(1 + 1 == 2) }' >"$root/trial/Tests/TrialTests/Trial.swift"
}

failures=0
# Runs the test. Arguments: the expected exit code (0 or other) and a description.
expect() {
    local code=0
    inside "cd /trial && swift test ${3-} 2>&1" >"$root/output" || code=$?
    if { [ "$1" = 0 ] && [ $code -ne 0 ]; } || { [ "$1" != 0 ] && [ $code -eq 0 ]; }; then
        echo "CHANGED: $2: exit code $code"
        tail -n 5 "$root/output"
        failures=$((failures + 1))
    else
        echo "as before: $2: exit code $code"
    fi
}

inside "swift --version 2>&1 | head -n 1"
folder=$(inside "dirname \$(dpkg --listfiles swiftlang libswiftlang | grep '/linux/libTesting.so$')")
ls -d "$root$folder/_Testing_Foundation.swiftmodule" "$root$folder/libTesting.so" | sed "s|$root||"
if [ -e "$root$folder/lib_Testing_Foundation.so" ]; then echo "CHANGED: the library is there"; failures=1; fi

write_test 'import Testing'
expect 1 "a test that imports Testing"
write_test 'import Foundation' 'import Testing'
expect 1 "a test that imports Foundation and Testing"
grep -o 'cannot find -l_Testing_Foundation' "$root/output" | sort -u | grep . || { echo "CHANGED: another message"; failures=1; }
expect 0 "the same without modules that are imported for two" "-Xswiftc -Xfrontend -Xswiftc -disable-cross-import-overlays"
exit $((failures > 0))
