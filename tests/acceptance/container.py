"""The connector's image, and what runs it."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from connector import Output

# More than any of the reads here takes; it ends a test that would hang.
DOCKER_TIMEOUT_S = 120
# What a careful platform takes away from a container.
CONFINED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


def docker(*words: str | Path) -> str:
    """What a command of Docker's client prints; its failure is an error."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=DOCKER_TIMEOUT_S)
    assert done.returncode == 0, f"docker {words}: {done.stderr}"
    return done.stdout.strip()


@contextmanager
def named() -> Iterator[str]:
    """A name for a container that is gone afterwards, whatever became of it or of the client that started it."""
    name = f"source-navan-{uuid.uuid4()}"
    try:
        yield name
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, timeout=DOCKER_TIMEOUT_S)


@dataclass(frozen=True)
class Image:
    """An image, and the options of `docker run` that its containers get."""

    name: str
    options: tuple[str, ...] = ()

    def having(self, *options: str) -> Image:
        """The same with more options."""
        return replace(self, options=self.options + options)

    def command(self, container: str, *words: str) -> list[str]:
        """The words of `docker run` for a container of that name."""
        return ["docker", "run", "--name", container, *self.options, self.name, *words]

    def run(self, *words: str) -> Output:
        """Runs a container to its end."""
        with named() as container:
            return run(self.command(container, *words))

    def shell(self, script: str) -> str:
        """What a script prints in a container; its failure is an error."""
        return self.having("--entrypoint", "sh").run("-c", script).expect_exit(0).stdout

    @contextmanager
    def started(self, *words: str) -> Iterator[str]:
        """A container that runs on its own, by its name."""
        with named() as container:
            docker(*self.having("--detach").command(container, *words)[1:])
            yield container

    def about(self) -> dict[str, Any]:
        """What the image says of itself."""
        (about,) = json.loads(docker("image", "inspect", self.name))
        return about

    def files(self) -> set[str]:
        """Its files, folders left out."""
        with named() as container:
            docker("create", "--name", container, self.name, "sh")
            export = f"set -o pipefail; docker export {container} | tar --list"
            listing = subprocess.check_output(["bash", "-c", export], text=True, timeout=DOCKER_TIMEOUT_S)
        return {name for name in listing.splitlines() if not name.endswith("/")}


def run(command: list[str] | str, **how: Any) -> Output:
    """Runs a command, or a line of the shell, to its end."""
    done = subprocess.run(command, shell=isinstance(command, str), capture_output=True, timeout=DOCKER_TIMEOUT_S, **how)
    words = command.split() if isinstance(command, str) else command
    return Output(words, done.stdout.decode(), done.stderr.decode(), done.returncode)


def logs(container: str) -> Output:
    """What a container that was started has said so far, and its exit code; 0 while it runs."""
    said = run(["docker", "logs", container])
    return replace(said, exit_code=int(docker("inspect", "--format", "{{.State.ExitCode}}", container)))
