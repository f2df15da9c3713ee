"""A PostgreSQL server of the tests' own, where one is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The variable with the folder of its programs; without it, they are on the path or where Debian's package has them.
PROGRAMS = "SOURCE_NAVAN_POSTGRES"
# It refuses to run as root; then this one runs it.
USER = "nobody"
PASSWORD = "navan"


def programs() -> Path | None:
    """The folder of its programs; none where it is not installed."""
    if named := os.environ.get(PROGRAMS):
        return Path(named)
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return max((path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)


@contextmanager
def postgres() -> Iterator[str]:
    """Runs a server with nothing in it on a free port of the loopback, and gives its URL."""
    folder = programs()
    assert folder, "PostgreSQL is not installed"
    user = USER if os.geteuid() == 0 else None
    # Not below pytest's folder, into which no other user gets.
    with tempfile.TemporaryDirectory(prefix="source-navan-postgres-") as directory:
        data, password = Path(directory, "data"), Path(directory, "password")
        password.write_text(PASSWORD, encoding="utf-8")
        if user:
            owner = pwd.getpwnam(user)
            for path in (Path(directory), password):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        make = [folder / "initdb", "--pgdata", data, "--username", "navan", "--pwfile", password]
        make += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"]
        subprocess.run(make, check=True, user=user, cwd=directory, stdout=subprocess.DEVNULL)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
        serve = [folder / "postgres", "-D", data]
        serve += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        process = subprocess.Popen(serve, user=user, cwd=directory, stderr=subprocess.DEVNULL)
        try:
            _wait_for(port, process)
            yield f"postgresql://navan:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            # A fast shutdown: whoever is connected is sent away.
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    began = time.monotonic()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert process.poll() is None, "PostgreSQL ended"
            assert time.monotonic() - began < 30, "PostgreSQL does not listen"
            time.sleep(0.05)
