# SPDX-License-Identifier: Apache-2.0
"""Child processes that end when their parent does."""
from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

_GRACE = 10  # seconds between the request to end and the end


def run_process(command: Sequence[str],
                env: Mapping[str, str] | None = None) -> int:
    """Run a command with the output of this process, and wait for its end.

    An interruption of this process first ends the command with all its
    descendants, such as the workers of a data loader. Otherwise a training
    without a terminal would go on writing checkpoints.

    Args:
        command: Program and arguments.
        env: Environment variables beside those of this process.

    Returns:
        Exit status of the command.
    """
    process = subprocess.Popen(
        list(command),
        env={
            **os.environ,
            **(env or {})
        },
        start_new_session=True)
    try:
        return process.wait()
    except BaseException:
        _end_group(process)
        raise


def thread_env(threads: int) -> dict[str, str]:
    """Return the environment variables for a number of threads.

    On a busy machine, threads that spin while they wait for one another make
    a training tens of times slower; the passive policy lets them sleep.
    """
    return dict(
        OMP_NUM_THREADS=str(threads),
        OMP_WAIT_POLICY=os.environ.get('OMP_WAIT_POLICY', 'PASSIVE'))


def end_on_sigterm() -> None:
    """Let SIGTERM and SIGHUP unwind the stack, as Ctrl-C does."""
    # A closed terminal sends SIGHUP.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


def _end_group(process: subprocess.Popen) -> None:
    """End a process and its descendants, which share its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        # The rest of the group, after its leader has gone.
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
