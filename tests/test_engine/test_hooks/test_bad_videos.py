# SPDX-License-Identifier: Apache-2.0
"""The number of bad videos is told at the end."""
from types import SimpleNamespace

import pytest
from mmengine.dataset import ConcatDataset

from uftsn_mmaction.datasets.bad_videos import BadVideos
from uftsn_mmaction.engine.hooks import BadVideosHook


class Videos(list):
    """A data set of three videos, some of them bad."""

    metainfo = {}

    def __init__(self, source, *bad):
        super().__init__('abc')
        self.bad_videos = BadVideos(source, 3, 1.)
        self.bad_videos.leave_out(
            dict(enumerate('abc')), {index: 'torn' for index in bad})

    def full_init(self):
        pass


@pytest.fixture
def say():
    """Function that tells what the hook logs at the end of a training."""

    def say(*datasets):
        said = []
        train, *val = (SimpleNamespace(dataset=each) for each in datasets)
        BadVideosHook().after_train(
            SimpleNamespace(
                train_dataloader=train,
                val_loop=val or None,
                val_dataloader=val[0] if val else None,
                logger=SimpleNamespace(warning=said.append)))
        return said

    return say


def test_each_list_with_bad_videos_is_named(say):
    assert say(Videos('list one', 1)) == [
        '1 of 3 videos in list one cannot be used'
    ]
    assert len(say(Videos('list one', 1), Videos('list two', 0, 2))) == 2


def test_nothing_is_said_of_sound_lists(say):
    assert say(Videos('list one')) == []
    assert say([1, 2, 3]) == []


def test_wrapped_data_sets_are_found(say):
    parts = [Videos('list one', 1), Videos('list two', 0, 2)]
    both = ConcatDataset.__new__(ConcatDataset)
    both.datasets = parts
    assert len(say(SimpleNamespace(dataset=both))) == 2
