# SPDX-License-Identifier: Apache-2.0
"""Child processes that end when their parent does."""
from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import partial

from ..lifetime import end_with_parent

# Seconds in which a training finishes its step and writes a checkpoint.
_GRACE = 60


def run_process(command: Sequence[str],
                env: Mapping[str, str] | None = None) -> int:
    """Run a command with more environment variables; return its exit status.

    An interruption first ends the command with all its descendants, such as
    the workers of a data loader, which would go on writing checkpoints. A
    kill of this process ends the command as well.
    """
    process = subprocess.Popen(
        list(command),
        env=os.environ | (env or {}),
        start_new_session=True,
        preexec_fn=partial(end_with_parent, signal.SIGTERM))
    try:
        return process.wait()
    except BaseException:
        _end_group(process)
        raise


def _end_group(process: subprocess.Popen) -> None:
    """End a process and its descendants, which share its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        # The rest of the group, after its leader has gone.
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
