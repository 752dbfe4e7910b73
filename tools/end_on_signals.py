# SPDX-License-Identifier: Apache-2.0
"""End a tool by Ctrl-C or a signal: one line, and the usual exit status.

Imported for this effect, before all that takes seconds to import.
"""
from __future__ import annotations

import os
import signal
import sys
from types import FrameType, TracebackType

_OWNER = os.getpid()


def _end(number: int, frame: FrameType | None) -> None:
    """Unwind the stack, so that the tool ends what it started."""
    if os.getpid() != _OWNER:
        # A child that was forked; its parent says it for all.
        os._exit(128 + number)
    # Once is enough, also while the stack unwinds.
    signal.signal(number, signal.SIG_IGN)
    print(f'ended by {signal.Signals(number).name}', file=sys.stderr)
    sys.exit(128 + number)


def _report(kind: type[BaseException], error: BaseException,
            trace: TracebackType | None) -> None:
    """Report what nobody caught, but no parent that a worker has lost.

    Ctrl-C may end the tool while a worker of a loader hands a batch over; the
    thread that does so would write a traceback below the one line.
    """
    lost = issubclass(kind, (EOFError, ConnectionError))
    if os.getpid() == _OWNER or not lost:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _report
# A closed terminal sends SIGHUP, which `nohup` lets a program ignore.
for _name in ('SIGINT', 'SIGTERM', 'SIGHUP'):
    _number = getattr(signal, _name, None)
    if _number and signal.getsignal(_number) is not signal.SIG_IGN:
        signal.signal(_number, _end)
