# SPDX-License-Identifier: Apache-2.0
"""Read videos in a child process, which a hostile one may end."""
from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from .container import kind_of_file, what_is_wrong, why_no_file
from .report import VideoReport, file_signature

_PROGRAM = Path(__file__).with_name('child_reader.py')
# How a decoder ends a process by itself; other signals come from outside.
_CRASHES = ('SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL')
# Of decord's messages, those that say nothing to a user.
_PLAIN_WORDS = {
    'size must exactly match': 'it mistakes the width of its frames',
    'Failed to measure duration': 'it finds no duration',
    'cannot find video stream': 'it finds no pictures',
    'Cannot create buffer source': 'its header tells no usable picture size',
    'av_read_frame failed': 'its data break off',
    'Error sending packet': 'its data are damaged',
    'Error reading': 'it is no video',
    'cannot open it': 'it is no video',
    'Could not load libtorchcodec': 'it finds no shared libraries of FFmpeg',
}


class VideoReading:
    """A child process that reads one video after the other.

    It is started when first needed, and anew after a video has ended it.

    Args:
        decoder: Name among ``DECODERS`` of ``child_reader``.
        time_limit: Seconds without a frame after which a video is given up.
    """

    def __init__(self, decoder: str, time_limit: int = 60) -> None:
        self.decoder = decoder
        self.time_limit = time_limit
        self._child: subprocess.Popen | None = None

    def describe(self, path: str) -> VideoReport:
        """Read a video to its end; no video makes this fail."""
        report = look_at_file(path)
        if report.reason is not None:
            return report
        answer = self._ask(path)
        if answer is None:
            end = self._child_end()
            fault = (f'no frame comes in {self.time_limit} seconds'
                     if end == 'SIGALRM' else f'the decoder ends with {end}')
            return self._refuse(report, fault, is_lasting=end in _CRASHES)
        if 'error' not in answer:
            return replace(report, **answer)
        try:
            kind = kind_of_file(path)
        except OSError:  # it has gone meanwhile
            kind = None
        if kind:
            return replace(report, reason=f'it is {kind}', note=None)
        return self._refuse(report, _plain(answer['error']))

    def close(self) -> None:
        """End the child process."""
        if self._child is not None:
            self._child.kill()
            self._child_end()

    def _refuse(self, report: VideoReport, fault: str,
                is_lasting: bool = True) -> VideoReport:
        """Add why the decoder cannot read a file."""
        decoder = self.decoder.split('_')[0]
        seen = f'{report.note}; ' if report.note else ''
        return replace(report, reason=f'{seen}{decoder}: {fault}', note=None,
                       is_lasting=is_lasting)

    def _ask(self, path: str) -> dict | None:
        """Return the answer of the child, None if it has ended."""
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, str(_PROGRAM), str(self.time_limit)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True)
        request = json.dumps(dict(path=path, decoder=self.decoder))
        with contextlib.suppress(OSError):  # it may have ended before
            print(request, file=self._child.stdin, flush=True)
        line = self._child.stdout.readline()
        return json.loads(line) if line.endswith('\n') else None

    def _child_end(self) -> str:
        """Wait for the end of the child, and name it."""
        child, self._child = self._child, None
        child.stdout.close()
        with contextlib.suppress(OSError):
            child.stdin.close()
        status = child.wait()
        with contextlib.suppress(ValueError):
            return signal.Signals(-status).name
        return f'exit status {status}'


def look_at_file(path: str) -> VideoReport:
    """Describe a file without a decoder."""
    signature = file_signature(path)
    reason = why_no_file(path)
    if reason is not None:
        return VideoReport(
            reason=reason, signature=signature, is_lasting=False)
    try:
        return VideoReport(note=what_is_wrong(path), signature=signature)
    except OSError as error:
        return VideoReport(
            reason=str(error), signature=signature, is_lasting=False)


def _plain(error: str) -> str:
    """Put the message of a decoder into plain words."""
    for part, words in _PLAIN_WORDS.items():
        if part in error:
            return words
    # The class, then of decord the time and the place in its source.
    return re.sub(r'^\w+: |\[[\d:]+\] \S+:\d+: ', '', error)
