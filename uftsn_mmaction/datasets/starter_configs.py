# SPDX-License-Identifier: Apache-2.0
"""Configs that train both streams on videos of one's own, and fuse them."""
from __future__ import annotations

import os.path as osp
import re
import shlex
from pathlib import Path

from mmengine.config import Config

from ..fileio import AtomicLocalBackend

_DATA = """\
# The videos, their lists and the number of classes: nothing else states them.
{name}_classes = {num_classes}
{name}_videos = dict(
    num_classes={name}_classes,
    data_prefix=dict(video={videos!r}))
{name}_train = dict(dataset=dict(
    {name}_videos, ann_file={train!r}))
{name}_test = dict(dataset=dict(
    {name}_videos, ann_file={test!r}))
"""
_STREAM = """\
# {title}: mim train mmaction {file}
_base_ = [
    {base!r},
    '{name}_data.py'
]

model = dict(cls_head=dict(num_classes={{{{_base_.{name}_classes}}}}))
train_dataloader = {{{{_base_.{name}_train}}}}
val_dataloader = {{{{_base_.{name}_test}}}}
test_dataloader = {{{{_base_.{name}_test}}}}
"""
# In three quotes, since a folder may have an apostrophe in its name.
_FUSION = '''\
# Test of both streams and their fusion: python tools/test.py {file}
_base_ = [
    {base!r},
    '{name}_data.py'
]

model = dict(
    streams=dict(
        spatial=dict(
            model="""{{{{ fileDirname }}}}/{name}_frames.py""",
            checkpoint='work_dirs/{name}_frames/epoch_{frames_epochs}.pth'),
        temporal=dict(
            model="""{{{{ fileDirname }}}}/{name}_motion.py""",
            checkpoint='work_dirs/{name}_motion/epoch_{motion_epochs}.pth')))
test_dataloader = {{{{_base_.{name}_test}}}}
'''
_BASES = dict(
    motion='uftsn_plus_r18_ucf101_subset.py',
    frames='tsn_r18_ucf101_subset.py',
    fusion='uftsn_fusion_ucf101_subset.py')
_TITLES = dict(
    motion='Motion stream, from the flow in the box', frames='Spatial stream')


def write_starter_configs(out: str, configs: str, videos: str,
                          num_classes: int) -> list[Path]:
    """Write a config for the data, for each stream and for their fusion.

    They derive from those of the five classes of UCF101: small frames, hours
    at most on a CPU. Paths are absolute, so that they work from any folder.

    Args:
        out: Folder with ``train.txt`` and ``test.txt``; the configs go to
            its folder ``configs`` and are named after it.
        configs: Folder of the shipped configs.
        videos: Folder that the paths in the lists begin from.
        num_classes: Number of classes.

    Returns:
        The files: data, motion, frames, fusion.

    Raises:
        ValueError: If a path holds ``{{``, which configs replace.
    """
    name = re.sub(r'\W+', '_', Path(osp.abspath(out)).name, flags=re.ASCII)
    name = f'my_{name}'.rstrip('_')
    paths = dict(
        videos=osp.abspath(videos),
        train=osp.abspath(osp.join(out, 'train.txt')),
        test=osp.abspath(osp.join(out, 'test.txt')))
    bases = {part: osp.abspath(osp.join(configs, file))
             for part, file in _BASES.items()}
    for path in (*paths.values(), *bases.values()):
        if '{{' in path:
            raise ValueError(f'path {path!r} holds "{{{{", which a config '
                             'replaces; rename the folder')
    epochs = {
        f'{part}_epochs': Config.fromfile(bases[part]).train_cfg.max_epochs
        for part in _TITLES
    }
    texts = dict(data=_DATA, motion=_STREAM, frames=_STREAM, fusion=_FUSION)
    files = []
    for part, text in texts.items():
        file = Path(out, 'configs', f'{name}_{part}.py')
        content = text.format(
            name=name, num_classes=num_classes, file=shlex.quote(str(file)),
            base=bases.get(part), title=_TITLES.get(part), **paths, **epochs)
        AtomicLocalBackend().put_text(content, file)
        files.append(file)
    return files
