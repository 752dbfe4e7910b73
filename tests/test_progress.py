# SPDX-License-Identifier: Apache-2.0
"""Progress on a terminal and in a file."""
import io

import pytest

from uftsn_mmaction import progress
from uftsn_mmaction.progress import Progress, track


class Terminal(io.StringIO):

    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """List whose only item is the time in seconds."""
    now = [100.]
    monkeypatch.setattr(progress.time, 'monotonic', lambda: now[0])
    return now


def test_a_file_gets_a_line_now_and_then(clock):
    file = io.StringIO()
    with Progress(1000, 'pairs', file) as bar:
        for _ in range(560):
            clock[0] += 0.125
            bar.update()
    assert file.getvalue().splitlines() == [
        '240 of 1000 pairs, 8.0 a second, 0:01:35 left',
        '480 of 1000 pairs, 8.0 a second, 0:01:05 left',
        '560 of 1000 pairs, 8.0 a second, 0:00:55 left']
    assert '\r' not in file.getvalue()


def test_a_terminal_gets_one_line_that_changes(clock):
    file = Terminal()
    with Progress(None, 'frames', file) as bar:
        for _ in range(4):
            clock[0] += 0.5
            bar.update(10)
    states = file.getvalue().split('\r')
    assert [state.split(',')[0] for state in states] == [
        '10 frames', '20 frames', '30 frames', '40 frames', '40 frames']
    assert file.getvalue().count('\n') == 1
    assert '\x1b' not in file.getvalue()


def test_nothing_done_says_nothing():
    file = io.StringIO()
    with Progress(0, 'pairs', file):
        pass
    assert file.getvalue() == ''


def test_what_is_tracked_ends_with_a_state_also_by_an_error(capsys):
    with pytest.raises(ZeroDivisionError):
        for number in track([1, 0], 2, 'numbers'):
            1 / number
    assert capsys.readouterr().err.startswith('1 of 2 numbers')
