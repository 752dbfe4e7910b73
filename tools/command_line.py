# SPDX-License-Identifier: Apache-2.0
"""Options that the tools share, and the status with which each ends.

Imported first by each tool, so that Ctrl-C ends it while it still imports.
Nothing here takes time; what does is imported where it is used.
"""
from __future__ import annotations

import end_on_signals  # noqa: F401, before what takes seconds

# isort: split
import atexit
import functools
import gc
import os
import sys
from argparse import (
    SUPPRESS,
    Action,
    ArgumentParser,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

#: Estimator of the tools that show or write flow.
ESTIMATOR = 'uftsn_plus+refined'
#: Estimators of the paper's tables and two successors of PWC-Net; the last
#: three need ptlflow.
COMPARED = ('uftsn', 'tvl1', 'tvl1_fast', 'dis', 'tvnet', 'pwcnet',
            'raft_small', 'neuflow')
#: Formats of extracted flow.
FLOW_FORMATS = ('flo', 'npy', 'png', 'kitti', 'rawframes', 'mp4')

_MISTAKE = 2
# The status of a program whose output nobody reads any more: 128 + SIGPIPE.
_BROKEN_PIPE = 141


class UserError(SystemExit):
    """End the program with a sentence and exit status 2."""

    def __init__(self, error: object) -> None:
        super().__init__(_MISTAKE)
        self.sentence = f'error: {error}'
        print(self.sentence, file=sys.stderr)

    def __str__(self) -> str:
        return self.sentence


@contextmanager
def user_errors(*kinds: type[Exception]) -> Iterator[None]:
    """End the program with one sentence where the user can mend the fault.

    Args:
        kinds: Exceptions that mean so, beside ``ImportError``, ``OSError``
            and ``ValueError``.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except (ImportError, OSError, ValueError, *kinds) as error:
        text = str(error)
        # A worker process sends a traceback; its last line is the message.
        if text.startswith('Caught '):
            text = text.strip().splitlines()[-1].partition(': ')[2]
        raise UserError(text) from None


def command(*mistakes: type[Exception]) -> Callable:
    """Decorate the function of a tool: how it ends is told by its status.

    That is 0, the status that the function returns, 2 for a user's mistake,
    or 128 and the number of a signal; none of these has a stack trace.

    Args:
        mistakes: As of :func:`user_errors`.
    """

    def decorate(main: Callable[[], int | None]) -> Callable[[], None]:

        @functools.wraps(main)
        def run() -> None:
            # At its end Python would look for garbage in all that torch has
            # imported, which takes two seconds.
            atexit.register(gc.freeze)
            # OpenMP reads this when torch is imported. Its threads then sleep
            # while they wait: on a busy machine the alternative is many times
            # slower.
            os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
            # Python has none where the shell has closed them (`>&-`).
            sys.stdout = sys.stdout or open(os.devnull, 'w')
            sys.stderr = sys.stderr or open(os.devnull, 'w')
            try:
                try:
                    with user_errors(*mistakes):
                        status = main()
                finally:
                    sys.stdout.flush()
            except BrokenPipeError:
                # The reader has gone, as `head` does; Python writes once
                # more at its end.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                status = _BROKEN_PIPE
            if status:
                raise SystemExit(status)

        return run

    return decorate


def tool_parser(text: str) -> ArgumentParser:
    """Return a parser whose help begins with the docstring of a tool."""
    return ArgumentParser(
        description=text, formatter_class=RawDescriptionHelpFormatter)


def check_above_zero(args: Namespace, *options: str) -> None:
    """Check options that are numbers, or None where they were not given.

    Raises:
        ValueError: If one is 0 or less, infinite or NaN.
    """
    for option in options:
        value = vars(args)[option]
        if value is not None and not 0 < value < float('inf'):
            raise ValueError(f'--{option.replace("_", "-")} must be above 0 '
                             f'and finite, got {value}')


class Settings(Action):
    """Options ``KEY=VALUE`` for a config, read as MMEngine reads them."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace,
                 values: list[str], option_string: str | None = None) -> None:
        for value in values:
            key, equals, _ = value.partition('=')
            if not (key and equals):
                parser.error(f'{option_string} got {value!r}, expected '
                             'KEY=VALUE, such as train_cfg.max_epochs=5')
        from mmengine.config import DictAction
        DictAction(self.option_strings, self.dest)(
            parser, namespace, values, option_string)


def add_settings(parser: ArgumentParser, text: str) -> None:
    """Add the option ``--cfg-options``."""
    parser.add_argument('--cfg-options', nargs='+', action=Settings,
                        metavar='KEY=VALUE', help=text)


def add_run_options(parser: ArgumentParser, text: str) -> None:
    """Add ``--gpus``, ``--cfg-options`` and ``--configs-dir``."""
    parser.add_argument(
        '--gpus', type=int, default=1,
        help='GPUs of each run (default: 1, or the CPU where there is none; '
        '0 for the CPU)')
    add_settings(parser, f'{text}. Give the same ones to go on')
    parser.add_argument(
        '--configs-dir', type=Path,
        default=Path(__file__).resolve().parents[1] / 'configs',
        help='folder of other configs with the same names')


def add_device(parser: ArgumentParser, default: str | None = None) -> None:
    """Add the option ``--device``."""
    parser.add_argument(
        '--device', default=default,
        help='cpu, cuda, cuda:1, ... (default: '
        f'{default or "the fastest"})')


def add_estimator(parser: ArgumentParser,
                  defaults: tuple[str, ...] | None = None) -> None:
    """Add the option ``--estimator``, for several ones if there are defaults.
    """
    parser.add_argument(
        '--estimator', metavar='SPEC', nargs='+' if defaults else None,
        default=list(defaults) if defaults else ESTIMATOR,
        help='NAME, NAME:CHECKPOINT, CONFIG.py or CONFIG.py:CHECKPOINT, as '
        'evaluate_flow.py --help lists them (default: '
        f'{" ".join(defaults or [ESTIMATOR])})')


def add_launcher(parser: ArgumentParser) -> None:
    """Add ``--launcher``, and what old launchers pass beside it."""
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes: torchrun (pytorch), srun (slurm) '
        'or mpirun (mpi)')
    parser.add_argument(
        '--local_rank', '--local-rank', type=int, default=0, help=SUPPRESS)
