# SPDX-License-Identifier: Apache-2.0
"""Other splits and other data sets differ in what they have to."""
from pathlib import Path

import pytest
from mmengine.config import Config

NAMES = ('uftsn_r18', 'tsn_r152', 'uftsn_fusion')
SPLITS = [
    f'{name}_{data_set}_split{split}' for name in NAMES
    for data_set in ('ucf101', 'hmdb51') for split in (2, 3)
]
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def flatten(value, key=''):
    """Settings of a config by dotted keys; items of lists by their number."""
    if isinstance(value, (list, tuple)) and value:
        value = dict(enumerate(value))
    if not isinstance(value, dict) or not value:
        return {key: value}
    return {
        name: item
        for part, inner in value.items()
        for name, item in flatten(inner, f'{key}.{part}'.lstrip('.')).items()
    }


def changes(path, base):
    """Settings that differ, ``{key: (in the base, here)}``."""
    old, new = (flatten(Config.fromfile(file).to_dict())
                for file in (base, path))
    return {
        key: (old.get(key), new.get(key))
        for key in {*old, *new} if old.get(key) != new.get(key)
    }


def test_every_split_is_listed(repo_root):
    shipped = (repo_root / 'configs' / 'splits').rglob('*.py')
    assert {path.stem for path in shipped} == set(SPLITS)


@pytest.mark.parametrize('name', SPLITS)
def test_a_split_differs_in_its_lists_alone(name, repo_root):
    folder = repo_root / 'configs'
    plain, _, split = name.partition('_split')
    found = changes(folder / 'splits' / f'{name}.py', folder / f'{plain}.py')
    assert found.pop('split') == (1, int(split))
    lists = {'ann_file_train', 'ann_file_test'}
    fusion = plain.startswith('uftsn_fusion')
    lists |= {
        f'{loader}.dataset.ann_file'
        for loader in (LOADERS[2:] if fusion else LOADERS)
    }
    for key in lists:
        old, new = found.pop(key)
        assert new == old.replace('_split_1_', f'_split_{split}_') != old
    if fusion:
        for stream in ('spatial', 'temporal'):
            old, new = map(Path, found.pop(f'model.streams.{stream}.model'))
            assert new == (
                folder / 'splits' / f'{old.stem}_split{split}.py') != old
            assert new.is_file()
            old, new = map(Path,
                           found.pop(f'model.streams.{stream}.checkpoint'))
            assert new == old.parent.with_name(
                f'{old.parent.name}_split{split}') / old.name
    assert not found


@pytest.mark.parametrize('name, classes',
                         [(f'{name}_hmdb51', 51) for name in NAMES] +
                         [('uftsn_r18_kinetics400', 400)])
def test_a_data_set_differs_in_videos_and_classes_alone(
        name, classes, repo_root):
    folder = repo_root / 'configs'
    data_set = name.rpartition('_')[2]
    found = changes(folder / f'{name}.py',
                    folder / f'{name.replace(data_set, "ucf101")}.py')
    loaders = LOADERS[2:] if 'fusion' in name else LOADERS
    # A stream of the fusion has its classes in its own config.
    heads = [] if 'fusion' in name else ['model.cls_head.num_classes']
    for key in [*heads, 'num_classes'
                ] + [f'{loader}.dataset.num_classes' for loader in loaders]:
        assert found.pop(key) == (101, classes)
    for key in list(found):
        if key == 'split' or key.startswith('data_root'):
            found.pop(key)
        elif key.endswith(('ann_file', 'prefix.video', 'model', 'checkpoint',
                           'file_train', 'file_test')):
            old, new = found.pop(key)
            assert 'ucf101' in old
            assert data_set in new and 'ucf101' not in Path(new).name
    assert not found


def test_kinetics_has_a_folder_for_each_list(repo_root):
    cfg = Config.fromfile(repo_root / 'configs' / 'uftsn_r18_kinetics400.py')
    root = 'data/kinetics400/'
    for loader, part in zip(LOADERS, ('train', 'val', 'val')):
        dataset = cfg[loader].dataset
        assert dataset.ann_file == (
            f'{root}kinetics400_{part}_list_videos.txt')
        assert dataset.data_prefix == dict(video=f'{root}videos_{part}')
