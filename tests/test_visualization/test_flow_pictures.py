# SPDX-License-Identifier: Apache-2.0
"""Pictures of the flow at each validation, in every kind of log."""
import random
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmaction.registry import VISUALIZERS
from mmaction.structures import ActionDataSample
from mmengine.hooks import EMAHook
from torch import nn

from uftsn_mmaction.models.flow_zoo import build_estimator
from uftsn_mmaction.visualization import FlowPicturesHook


class Clips(torch.utils.data.Dataset):
    """Seven clips of four frames that draw random numbers; number 3 is 3."""

    channels = 3

    def __len__(self):
        return 7

    def __getitem__(self, index):
        torch.rand(()), np.random.rand(), random.random()
        clip = torch.full((2, self.channels, 4, 32, 40), 40 * index,
                          dtype=torch.uint8)
        clip[0, :, 2] += 2  # the frame after the middle one
        return dict(inputs=clip, data_samples=ActionDataSample())

    def get_data_info(self, index):
        return dict(filename=f'/<b> {index}/a"{index}.mp4')


class Model(nn.Module):

    def __init__(self, name='dis_fast'):
        super().__init__()
        self.flow_estimator = build_estimator(name)


class Pictures:
    """A visualizer that keeps what it is given."""

    def __init__(self):
        self.seen = []

    def add_image(self, name, image, step):
        self.seen.append((name, image, step))


@pytest.fixture
def runner():
    return SimpleNamespace(
        model=Model(), visualizer=Pictures(), _train_loop=object(), epoch=4,
        val_dataloader=SimpleNamespace(dataset=Clips()))


def names(runner):
    return [name for name, _, _ in runner.visualizer.seen]


def test_the_same_clips_spread_over_the_set_each_time(runner):
    hook = FlowPicturesHook(number=3, interval=2)
    for runner.epoch in (1, 2, 3):
        hook.before_val_epoch(runner)
    clips = ['flow_1_a_1', 'flow_2_a_3', 'flow_3_a_5']
    assert names(runner) == clips * 2
    assert [step for _, _, step in runner.visualizer.seen] == [1] * 3 + [3] * 3
    name, image, _ = runner.visualizer.seen[1]
    assert image.dtype == np.uint8 and image.ndim == 3
    # Four columns of 40 pixels, enlarged, in two rows; the frames first.
    assert image.shape[1] > 4 * 240
    assert image[40, 40].tolist() == [120] * 3
    assert image[40, 40 + 240 + 8].tolist() == [122] * 3


def test_a_set_of_fewer_clips_is_drawn_once(runner):
    runner.val_dataloader.dataset = torch.utils.data.Subset(Clips(), [0, 1])
    FlowPicturesHook(number=5).before_val_epoch(runner)
    assert names(runner) == ['flow_1_clip', 'flow_2_clip']


def test_nothing_of_the_training_changes(runner):
    runner.model = Model('uftsn_small').train()
    before = [torch.get_rng_state(), np.random.get_state()[1],
              random.getstate()]
    FlowPicturesHook().before_val_epoch(runner)
    after = [torch.get_rng_state(), np.random.get_state()[1],
             random.getstate()]
    assert torch.equal(before[0], after[0]) and before[2] == after[2]
    assert (before[1] == after[1]).all()
    assert all(module.training for module in runner.model.modules())
    assert all(p.grad is None for p in runner.model.parameters())


@pytest.mark.parametrize('change', ['no flow', 'cached flow'])
def test_nothing_is_drawn_where_there_is_no_flow_or_frame(runner, change):
    if change == 'no flow':
        runner.model = nn.Linear(1, 1)
    else:
        runner.val_dataloader.dataset.channels = 2
    FlowPicturesHook().before_val_epoch(runner)
    assert not runner.visualizer.seen


def test_the_mean_weights_are_in_place_before(tiny_runner, tmp_path):
    runner = tiny_runner(tmp_path, 1, default_hooks=dict(
        pictures=dict(type='FlowPicturesHook'), ema=dict(type='EMAHook')))
    order = [type(hook) for hook in runner.hooks]
    assert order.index(EMAHook) < order.index(FlowPicturesHook)


def visualizer(folder, kind):
    return VISUALIZERS.build(dict(
        type='ActionVisualizer', name=str(folder), save_dir=str(folder),
        vis_backends=[dict(type=kind)]))


def test_files_of_the_local_backend(runner, tmp_path):
    runner.visualizer = visualizer(tmp_path, 'LocalVisBackend')
    FlowPicturesHook(number=1).before_val_epoch(runner)
    runner.visualizer.close()
    path, = tmp_path.rglob('*.png')
    assert path.parts[-2:] == ('vis_image', 'flow_1_a_3_4.png')
    assert cv2.imread(str(path))[40, 40].tolist() == [120] * 3


def test_images_of_tensorboard(runner, tmp_path):
    pytest.importorskip('tensorboard', reason='the extra tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator,
    )
    runner.visualizer = visualizer(tmp_path, 'TensorboardVisBackend')
    FlowPicturesHook(number=2).before_val_epoch(runner)
    runner.visualizer.close()
    event, = tmp_path.rglob('events.out*')
    events = EventAccumulator(str(event)).Reload()
    assert events.Tags()['images'] == ['flow_1_a_1', 'flow_2_a_5']
    image, = events.Images('flow_2_a_5')
    assert image.step == 4
    png = np.frombuffer(image.encoded_image_string, np.uint8)
    assert cv2.imdecode(png, cv2.IMREAD_COLOR)[40, 40].tolist() == [200] * 3


def test_none_is_drawn_where_none_is_wanted(runner):
    FlowPicturesHook(number=0).before_val_epoch(runner)
    assert names(runner) == []


@pytest.mark.parametrize('name, value', [('interval', 0), ('number', -1)])
def test_refuses_what_is_no_number_of_times(name, value):
    with pytest.raises(ValueError,
                       match=f'{name} of FlowPicturesHook is {value}'):
        FlowPicturesHook(**{name: value})
