# SPDX-License-Identifier: Apache-2.0
"""End a tool by Ctrl-C or a signal: one line, and the usual exit status.

Imported for this effect, before all that takes seconds to import.
"""
from __future__ import annotations

import os
import signal
import sys
from types import FrameType

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


# A closed terminal sends SIGHUP, which `nohup` lets a program ignore.
for _name in ('SIGINT', 'SIGTERM', 'SIGHUP'):
    _number = getattr(signal, _name, None)
    if _number and signal.getsignal(_number) is not signal.SIG_IGN:
        signal.signal(_number, _end)
