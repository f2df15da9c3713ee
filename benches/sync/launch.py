"""Runs one program and tells what it cost: `launch.py DESCRIPTOR PROGRAM [ARGUMENT ...]`.

A process of its own, and one that imports next to nothing, because the kernel counts the memory of whoever starts a
program towards the program's peak: it must be small beside what is measured.
"""

import os
import sys
import time


def main() -> None:
    descriptor, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(descriptor, False)
    start = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ)
    _, status, used = os.wait4(child, 0)
    wall = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    # ru_maxrss is in KiB on Linux.
    os.write(descriptor, f"{code} {wall} {used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}".encode())


main()
