# SPDX-License-Identifier: Apache-2.0
"""Leave out of the log what hides the rest of it."""
from __future__ import annotations

import logging

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import MMLogger

_NOISE = (
    # Three lines for each parameter, some hundreds in all.
    'paramwise_options -- ',
    # A hundred lines.
    'Hooks will be executed in the following order',
    # The name of the log, in every epoch.
    'Exp name: ')


class _Demotion(logging.Filter):
    """Turns some messages into those for debugging."""

    def filter(self, record: logging.LogRecord) -> bool:
        if (record.levelno == logging.INFO
                and record.getMessage().startswith(_NOISE)):
            # The handlers look at it.
            record.levelno, record.levelname = logging.DEBUG, 'DEBUG'
        return True


_DEMOTION = _Demotion()


@HOOKS.register_module()
class QuietLogHook(Hook):
    """Show MMEngine's long lists with ``log_level='DEBUG'`` only.

    Those are the options of every parameter, the hooks by their order, and
    the name of the experiment after every epoch.
    """

    def __init__(self) -> None:
        # Before the runner lists its hooks; once for each logger.
        MMLogger.get_current_instance().addFilter(_DEMOTION)
