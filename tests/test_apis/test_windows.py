# SPDX-License-Identifier: Apache-2.0
"""Windows cover every pair once, and never many frames."""
import numpy as np
import pytest

from uftsn_mmaction.apis import windows
from uftsn_mmaction.apis.source import Source
from uftsn_mmaction.apis.windows import split_windows
from uftsn_mmaction.fileio.video_reader import Frame


def split(number, batch_size, first=0, shape=(4, 4, 3)):
    frames = (Frame(np.zeros(shape, np.uint8), float(time))
              for time in range(first, first + number))
    return [(window.first, [frame.time for frame in window.frames])
            for window in split_windows(
                0, Source(0, 'a'), frames, first, batch_size)]


def test_pairs_are_covered_once():
    assert split(6, 2) == [(0, [0, 1, 2]), (2, [2, 3, 4]), (4, [4, 5])]
    assert split(5, 2) == [(0, [0, 1, 2]), (2, [2, 3, 4])]
    assert split(3, 8, first=4) == [(4, [4, 5, 6])]
    # All was done before.
    assert split(1, 8, first=4) == []


def test_large_frames_come_a_pair_at_a_time(monkeypatch):
    monkeypatch.setattr(windows, '_PIXELS_AT_A_TIME', 40)
    assert [len(times) for _, times in split(9, 8, shape=(4, 4, 3))] == [
        3, 3, 3, 3]
    assert [len(times) for _, times in split(3, 8, shape=(9, 9, 3))] == [2, 2]


def test_one_frame_has_no_flow():
    with pytest.raises(ValueError, match='has 1 frames'):
        split(1, 8)


def test_a_change_of_size_is_refused():
    frames = [Frame(np.zeros((side, side, 3), np.uint8), 0.)
              for side in (8, 9)]
    with pytest.raises(ValueError, match=r'change from \(8, 8, 3\) to'):
        list(split_windows(0, Source(0, 'a'), frames, 0, 8))
