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
    """Run a command with more environment variables; return its exit status.

    An interruption first ends the command with all its descendants, such as
    the workers of a data loader, which would go on writing checkpoints.
    """
    process = subprocess.Popen(
        list(command), env=os.environ | (env or {}), start_new_session=True)
    try:
        return process.wait()
    except BaseException:
        _end_group(process)
        raise


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
