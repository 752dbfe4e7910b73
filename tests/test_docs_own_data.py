# SPDX-License-Identifier: Apache-2.0
"""The page on videos of one's own, from the first line to the last.

All blocks are run in their order, on a few short videos and in few epochs.
"""
import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from mmaction.registry import MODELS
from mmengine.config import Config

from uftsn_mmaction.datasets.motion.video_writer import write_video
from uftsn_mmaction.engine.hooks.stage import stage_configs

ROOT = Path(__file__).resolve().parents[1]
CLASSES = ('nod', 'shake', 'wave')
# Of the trainings here, which are shorter than on the page.
EPOCHS = dict(my_mine_frames=1)
CHECKS = ('tools/check_videos.py', 'tools/prepare_annotations.py')
TINY = [
    f'{loader}_dataloader.{key}' for loader in ('train', 'val', 'test')
    for key in ('num_workers=0', 'dataset.pipeline.1.num_clips=1')
]


def blocks_of(text, language):
    return re.findall(rf'^```{language}\n(.*?)^```', text, re.M | re.S)


@pytest.fixture(scope='module')
def page():
    text = (ROOT / 'docs' / 'own_data.md').read_text(encoding='utf-8')
    assert len(blocks_of(text, 'python') + blocks_of(text, 'bash')) == (
        text.count('```') // 2)
    text = text.replace('motion/epoch_17', 'motion/epoch_2')
    return text


@pytest.fixture(scope='module')
def checkout(page, tmp_path_factory):
    """A checkout with the files of the page, and videos of three classes."""
    root = tmp_path_factory.mktemp('checkout')
    # A copy, since the page writes into it.
    shutil.copytree(ROOT / 'configs', root / 'configs')
    (root / 'tools').symlink_to(ROOT / 'tools')
    random = np.random.default_rng(0)
    for name in CLASSES:
        folder = root / 'data' / 'mine' / 'videos' / name
        folder.mkdir(parents=True)
        for number in range(5):
            write_video(
                str(folder / f'{number}.avi'),
                random.integers(256, size=(12, 48, 64, 3), dtype=np.uint8))
    for block in blocks_of(page, 'python'):
        if name := re.match(r'# (configs/\w+\.py)\n', block):
            with open(root / name[1], 'x') as file:
                file.write(block)
    return root


@pytest.fixture(scope='module')
def commands(page):
    return [
        shlex.split(line) for block in blocks_of(page, 'bash')
        for line in block.replace('\\\n', ' ').splitlines()
    ]


@pytest.fixture(scope='module')
def run(checkout, run_command):
    """Function that runs a command of the page on tiny settings."""

    def run(command):
        program, *arguments = command
        if arguments[0] in CHECKS:
            program = sys.executable
        elif program in ('mim', 'python'):
            config, = (Path(word).stem for word in command
                       if word.endswith('.py') and 'configs/' in word)
            options = [*TINY]
            if 'fusion' in config:
                options = TINY[-2:]
            elif 'train' in command:
                epochs = EPOCHS.get(config, 2)
                options += [
                    f'train_cfg.max_epochs={epochs}',
                    f'train_cfg.val_begin={epochs}'
                ]
            if '--cfg-options' not in arguments:
                arguments.append('--cfg-options')
            arguments += options
            program = Path(sys.executable).with_name(program)
        return run_command(
            [program, *arguments], cwd=checkout, fork=True,
            env=dict(PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'))

    return run


@pytest.fixture(scope='module')
def lists(checkout, commands, run):
    """The lists and configs that the first command writes."""
    command, = (command for command in commands
                if 'tools/prepare_annotations.py' in command)
    run(command)
    folder = checkout / 'data' / 'mine'
    fusion = folder / 'configs' / 'my_mine_fusion.py'
    fusion.write_text(
        fusion.read_text().replace('epoch_17', 'epoch_2').replace(
            'epoch_20', 'epoch_1'))
    return folder


def test_lists(lists):
    rows = {
        split: (lists / f'{split}.txt').read_text().splitlines()
        for split in ('train', 'test', 'classes')
    }
    # One of the five videos of each class, which are all that there are.
    assert [row.split('\t')[1] for row in rows['test']] == ['0', '1', '2']
    assert len({*rows['train'], *rows['test']}) == 15
    assert rows['classes'] == list(CLASSES)


def test_check(lists, commands, run):
    command, = (command for command in commands
                if 'tools/check_videos.py' in command)
    run(command)
    clean = (lists / 'train_clean.txt').read_text()
    assert clean == (lists / 'train.txt').read_text()
    assert len((lists / 'train.csv').read_text().splitlines()) == 13


@pytest.mark.slow
def test_train_test_and_fuse(lists, checkout, commands, run):
    """Every command, the change of a stage by one option among them."""
    outputs = {}
    for command in commands:
        if command[0] in ('mim', 'python') and command[1] not in CHECKS:
            done = run(command)
            outputs[' '.join(command[:4])] = done.stdout + done.stderr
    for name, epochs in (('my_mine_motion', 2), ('my_mine_frames', 1)):
        assert (checkout / f'work_dirs/{name}/epoch_{epochs}.pth').exists()
    fused, = (text for command, text in outputs.items()
              if command.startswith('python tools/test.py'))
    for row in ('spatial', 'temporal', 'fusion', 'fusion_prob'):
        assert f'acc/{row}_top1' in fused
    log, = (checkout / 'work_dirs/my_early_motion').glob('*/*.log')
    assert re.search(r"Stage 'classifier' .* from epoch 1:", log.read_text())


@pytest.mark.slow
def test_two_lines_change_a_stage(lists, checkout, run):
    path = checkout / 'configs' / 'my_early_motion.py'
    assert len(path.read_text().splitlines()) == 3  # with the name of the file
    folder = 'work_dirs/two_lines'
    run(['mim', 'train', 'mmaction', 'configs/my_early_motion.py', '--gpus',
         '0', '--work-dir', folder])
    log, = (checkout / folder).glob('*/*.log')
    assert re.search(r"Stage 'classifier' .* from epoch 1:", log.read_text())
    # All the rest is that of the config that it derives from.
    derived, base = (
        Config.fromfile(checkout / file)
        for file in ('configs/my_early_motion.py',
                     'data/mine/configs/my_mine_motion.py'))
    assert [stage.begin for stage in stage_configs(derived)] == [0, 1, 14]
    derived.default_hooks.stages.stages.classifier.begin = 2
    assert derived.to_dict() == base.to_dict()


def test_classes_and_clips_stand_once(lists, checkout, commands, run):
    for command in commands:
        if command[0] in ('cp', 'sed'):
            run(command)
    own = 'data/mine/configs/my_mine'
    for name, clip_len in ((f'{own}_motion', 6), (f'{own}_frames', None),
                           ('configs/my_long_motion', 8)):
        cfg = Config.fromfile(checkout / f'{name}.py')
        for loader in ('train', 'val', 'test'):
            dataset = cfg[f'{loader}_dataloader'].dataset
            part = 'train' if loader == 'train' else 'test'
            assert checkout / dataset.ann_file == lists / f'{part}.txt'
            videos = dataset.data_prefix.video
            assert checkout / videos == lists / 'videos'
            assert dataset.num_classes == 3
            if clip_len is not None:
                assert dataset.pipeline[1].clip_len == clip_len
        assert cfg.model.cls_head.num_classes == 3
        if clip_len is not None:
            model = MODELS.build(cfg.model)
            assert model.clip_len == clip_len
            channels = model.backbone.conv1.conv.in_channels
            assert channels == 2 * (clip_len - 1)
