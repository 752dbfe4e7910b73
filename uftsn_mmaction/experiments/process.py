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
    """Run a command with our own output, and never leave it behind.

    The trainer is a child of ``mim``, and the data loader's workers are
    children of the trainer. If this process is interrupted, all of them are
    ended before the interruption goes on; otherwise a training nobody sees
    would go on writing checkpoints.

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
    """Environment variables for a number of threads.

    Threads that wait for one another on a busy machine, and keep their core
    meanwhile, make the training tens of times slower; the passive policy
    lets them sleep.
    """
    return dict(
        OMP_NUM_THREADS=str(threads),
        OMP_WAIT_POLICY=os.environ.get('OMP_WAIT_POLICY', 'PASSIVE'))


def end_on_sigterm() -> None:
    """Let a request to end unwind the stack, as Ctrl-C does."""
    # A closed terminal asks by SIGHUP.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


def _end_group(process: subprocess.Popen) -> None:
    """End a process and all its descendants (they share its group)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        # What is left of the group after its leader has gone.
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
