# SPDX-License-Identifier: Apache-2.0
"""Processes that end with the one that started them."""
from __future__ import annotations

import contextlib
import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def end_with_parent(number: int = signal.SIGKILL) -> None:
    """Get a signal when the process that started this one ends.

    Its end may be by SIGKILL. Only Linux can do this; elsewhere nothing
    happens.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def leave_group() -> None:
    """Let signals to the group of a terminal or a job pass this process by.

    It ends with its parent instead, which may need it to the last.
    """
    end_with_parent()
    with contextlib.suppress(AttributeError, OSError):
        os.setpgid(0, 0)
