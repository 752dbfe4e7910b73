# SPDX-License-Identifier: Apache-2.0
"""Commands that tests run, and the end of all that they started.

A plugin of pytest. It is also the program that ends what is left of a test
run that was killed itself: ``python processes.py MARK``.
"""
from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import fork_server
import pytest

#: Seconds after which a command counts as hanging. It decides no test, since
#: a machine that is busy with other work may be ten times slower than usual.
HANG = 1800


def find_marked(mark: str) -> list[int]:
    """Return the ids of the processes that a mark was handed down to.

    A command's environment comes to all its descendants, whatever group or
    session they are in and whether or not their parent is still there; that
    of a fork has an open file of this name. Without the ``/proc`` of Linux,
    none is found.
    """
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        # A process may end meanwhile, or belong to another user.
        with contextlib.suppress(OSError):
            if mark.encode() in (folder / 'environ').read_bytes() or any(
                    mark in os.readlink(file)
                    for file in (folder / 'fd').iterdir()):
                found.append(int(folder.name))
    return found


def is_running(pid: int) -> bool:
    """Tell a process from one that has ended, waited for or not."""
    try:
        stat = Path(f'/proc/{pid}/stat').read_text()
    # The second one, if it ends meanwhile.
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(')')[2].split()[0] not in 'ZX'


def end_marked(mark: str) -> None:
    """Kill the processes that carry a mark, until none is left."""
    killed: set[int] = set()
    # One that was killed loses its files and its mark before it has ended.
    while (marked := find_marked(mark)) or any(map(is_running, killed)):
        for pid in marked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed.update(marked)
        time.sleep(0.01)


@pytest.fixture(scope='session')
def session_mark() -> Iterator[str]:
    """Environment variable that all descendants of this test run have.

    A second process waits for the end of this one, be it by SIGKILL, and
    then ends all that it left running.
    """
    mark = f'TEST_RUN_{uuid.uuid4().hex}'
    watchdog = subprocess.Popen(
        [sys.executable, __file__, mark],
        stdin=subprocess.PIPE,
        start_new_session=True)
    os.environ[mark] = ''
    yield mark
    del os.environ[mark]
    watchdog.stdin.close()
    watchdog.wait()


@pytest.fixture(scope='session')
def forked_popen(start_command: Callable) -> Iterator[type]:
    """``Popen`` of programs in Python that a server forks.

    That of usual ones where the system has no forks with all that they need.
    """
    if not hasattr(os, 'pidfd_open'):
        yield subprocess.Popen
        return
    root = str(Path(__file__).resolve().parents[1])
    paths = os.environ.get('PYTHONPATH', '')
    # The path of a socket has to be short.
    with tempfile.TemporaryDirectory() as folder, start_command(
            [sys.executable, '-W', 'ignore', fork_server.__file__,
             f'{folder}/socket'], stdout=subprocess.DEVNULL,
            env=dict(PYTHONPATH=f'{root}{os.pathsep}{paths}',
                     OMP_NUM_THREADS='1')) as server:
        fork_server.ForkedPopen.address = f'{folder}/socket'
        while not os.path.exists(f'{folder}/socket'):
            assert server.poll() is None
            time.sleep(0.02)
        yield fork_server.ForkedPopen


@pytest.fixture(scope='session')
def start_command(session_mark: str,
                  request: pytest.FixtureRequest) -> Callable:
    """Function that starts a command and ends it with a ``with`` block.

    The block gets the ``Popen`` object. When it is left, by an exception
    too, the command and all its descendants are killed.

    Args are the program and its arguments (strings or paths), ``env`` for
    variables beside those of this process, those of ``Popen``, and ``fork``
    for a program in Python that need not import torch itself.
    """

    @contextlib.contextmanager
    def start(command, env=None, fork=False,
              **kwargs) -> Iterator[subprocess.Popen]:
        mark = f'{fork_server.MARK}{uuid.uuid4().hex}'
        kwargs.setdefault('stdin', subprocess.DEVNULL)
        popen = request.getfixturevalue(
            'forked_popen') if fork else subprocess.Popen
        process = popen(
            list(map(str, command)),
            env={
                **os.environ,
                **(env or {}), mark: ''
            },
            start_new_session=True,
            **kwargs)
        try:
            yield process
        finally:
            # Its group as well, for systems without /proc.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            end_marked(mark)
            process.wait()

    return start


@pytest.fixture(scope='session')
def run_command(start_command: Callable) -> Callable:
    """Function that runs a command to its end.

    Takes what ``start_command`` takes, and returns a ``CompletedProcess``
    with the output as text. Fails where the exit status is not ``status``
    (0; None for any). What the command leaves running is killed.
    """

    def run(command,
            status=0,
            timeout=HANG,
            **kwargs) -> subprocess.CompletedProcess:
        with contextlib.ExitStack() as stack:
            # Files rather than pipes, which descendants would keep open.
            out, err = (
                stack.enter_context(tempfile.TemporaryFile())
                for _ in range(2))
            with start_command(
                    command, stdout=out, stderr=err, **kwargs) as process:
                process.wait(timeout)
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode(errors='replace'))
        done = subprocess.CompletedProcess(
            process.args, process.returncode, *texts)
        if status not in (None, done.returncode):
            raise AssertionError(
                f'{done.args} ended with {done.returncode}:\n'
                f'{done.stdout[-3000:]}\n{done.stderr[-3000:]}')
        return done

    return run


@pytest.fixture(scope='session')
def wait_until() -> Callable:
    """Function that waits for a condition, as long as a process runs."""

    def wait(condition: Callable[[], bool],
             process: subprocess.Popen | None = None) -> None:
        end = time.monotonic() + HANG
        while not condition():
            assert process is None or process.poll() is None, (
                f'{process.args} ended with {process.returncode}')
            assert time.monotonic() < end, f'not in {HANG} seconds'
            time.sleep(0.02)

    return wait


if __name__ == '__main__':
    sys.stdin.read()
    end_marked(sys.argv[1])
