# SPDX-License-Identifier: Apache-2.0
import logging

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmaction.registry import DATASETS, TRANSFORMS
from torch.utils.data import DataLoader

from uftsn_mmaction.datasets import CheckedVideoDataset
from uftsn_mmaction.datasets.motion.video_writer import write_video

PIPELINE = [
    dict(type='DecordPathInit'),
    dict(type='SampleFrames', clip_len=2),
    dict(type='DecordDecode'),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs')
]


@pytest.fixture
def build(tmp_path):
    """Builds a data set of good videos a, b and a broken one, by a list."""
    for name in 'ab':
        frames = np.full((3, 32, 32, 3), 50 * ord(name) % 256, np.uint8)
        write_video(str(tmp_path / f'{name}.avi'), frames)
    (tmp_path / 'broken.avi').write_bytes(b'RIFF not a video')

    def build(lines, pipeline=PIPELINE, encoding='utf-8', **kwargs):
        (tmp_path / 'list.txt').write_text(lines, encoding=encoding)
        return CheckedVideoDataset(
            ann_file='list.txt',
            pipeline=pipeline,
            data_root=str(tmp_path),
            data_prefix=dict(video=''),
            **kwargs)

    return build


@pytest.fixture
def warnings(monkeypatch):
    """Warnings that the data set logs."""
    said = []
    monkeypatch.setattr(
        'uftsn_mmaction.datasets.bad_videos.print_log',
        lambda text, logger, level: said.append(text)
        if level == logging.WARNING else None)
    return said


def test_names_may_have_blanks_and_brackets(build, tmp_path):
    name = 'my clip (31) [a].avi'
    build('a.avi 0')
    (tmp_path / 'a.avi').rename(tmp_path / name)
    dataset = build(f'{name}\t1\n', num_classes=3, delimiter='\t')
    info = dataset.get_data_info(0)
    assert info['label'] == 1 and info['filename'].endswith(name)
    assert dataset[0]['inputs'].shape == (1, 3, 2, 32, 32)


def test_a_sound_list_gives_what_the_stock_data_set_gives(build):
    lines = 'a.avi 0\nb.avi 2\n'
    checked = build(lines, num_classes=3, test_mode=True)
    stock = DATASETS.build(
        dict(
            type='VideoDataset',
            ann_file='list.txt',
            pipeline=PIPELINE,
            data_root=checked.data_root,
            test_mode=True))
    assert len(checked) == len(stock) == 2
    for index in range(2):
        one, two = checked[index], stock[index]
        assert torch.equal(one['inputs'], two['inputs'])
        assert torch.equal(one['data_samples'].gt_label,
                           two['data_samples'].gt_label)
    # Blank lines are no videos; several labels are one-hot.
    multi = build(
        'a.avi 0 2\n\nb.avi 1\n', multi_class=True, num_classes=3)
    assert len(multi) == 2
    assert multi.get_data_info(0)['label'].tolist() == [1, 0, 1]
    assert build('a.avi\n').get_data_info(0)['label'] == -1


@pytest.mark.parametrize('blanks', ['  ', '\t', ' \t ', '\t\t'])
def test_any_blanks_separate_the_columns(build, blanks):
    dataset = build(f'a.avi{blanks}0\nb.avi{blanks}2 \t\n', num_classes=3)
    assert [dataset.get_data_info(i)['label'] for i in (0, 1)] == [0, 2]
    dataset = build(
        f'a.avi{blanks}0 2\nb.avi 1{blanks}0\n',
        num_classes=3,
        multi_class=True)
    assert [dataset.get_data_info(i)['label'].tolist()
            for i in (0, 1)] == [[1, 0, 1], [1, 1, 0]]


def test_another_delimiter_is_taken_literally(build, tmp_path):
    (tmp_path / 'a.avi').rename(tmp_path / 'a  clip (1).avi')
    dataset = build('a  clip (1).avi\t1\nb.avi\t0\n', delimiter='\t')
    info = dataset.get_data_info(0)
    assert info['filename'] == str(tmp_path / 'a  clip (1).avi')
    assert info['label'] == 1


@pytest.mark.parametrize('encoding', ['utf-16', 'gbk'])
def test_a_list_in_another_encoding_is_named(build, encoding):
    with pytest.raises(ValueError, match='ann_file .*list.txt.*UTF-8'):
        build('走.avi 0\n', encoding=encoding)


def test_missing_list_is_named_as_given_and_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        CheckedVideoDataset(ann_file='lists/none.txt', pipeline=[])
    for part in ("ann_file 'lists/none.txt'",
                 str(tmp_path / 'lists' / 'none.txt')):
        assert part in str(caught.value)


def test_missing_videos_are_counted(build):
    with pytest.raises(FileNotFoundError) as caught:
        build('a.avi 0\ngone.avi 1\nlost.avi 1\n')
    assert '2 of 3 videos' in str(caught.value)
    assert 'gone.avi' in str(caught.value)
    assert 'lost.avi' not in str(caught.value)


def test_name_without_extension_stands_for_mp4(build, tmp_path):
    write_video(
        str(tmp_path / 'c.avi'), np.full((3, 32, 32, 3), 9, np.uint8))
    (tmp_path / 'c.avi').rename(tmp_path / 'c.mp4')
    assert build('c 0\n')[0]['inputs'].float().mean() == 9


@pytest.mark.parametrize('lines, kwargs, word', [
    ('\n\n', dict(), 'ann_file .*list.txt'),
    ('a.avi 0\nb.avi 7\n', dict(num_classes=5), 'line 2 .* 7,.* 0 to 4 .* 5'),
    ('a.avi -3\n', dict(num_classes=5), 'line 1 .* -3'),
    ('a.avi 0\nb.avi\n', dict(num_classes=5), 'line 2 .* num_classes is 5'),
    ('a.avi x\n', dict(), "line 1 .* 'a.avi x'"),
    ('a b.avi 0\n', dict(), 'line 1 .* delimiter'),
    ('a.avi 0 9\n', dict(num_classes=5, multi_class=True), ' 9,.* 0 to 4'),
])
def test_bad_lists_are_named(build, lines, kwargs, word):
    with pytest.raises(ValueError, match=word):
        build(lines, **kwargs)


def test_bad_videos_are_left_out_of_a_training(build, warnings):
    dataset = build('a.avi 3\nbroken.avi 0\nb.avi 1\n')
    assert [dataset[i]['data_samples'].gt_label.item()
            for i in range(len(dataset))] == [3, 1]
    assert len(warnings) == 1
    assert 'broken.avi' in warnings[0] and '\n' not in warnings[0]
    assert dataset.bad_videos.summary.startswith('1 of 3 videos')
    assert build('a.avi 3\n').bad_videos.summary is None


def test_a_file_that_breaks_later_is_replaced_and_logged_once(
        build, warnings, tmp_path):
    dataset = build('a.avi 0\nb.avi 1\n')
    (tmp_path / 'a.avi').write_bytes(b'RIFF not a video any more')
    for _ in range(3):
        assert dataset[0]['data_samples'].gt_label.item() == 1
    assert len(warnings) == 1 and 'a.avi' in warnings[0]
    (tmp_path / 'b.avi').unlink()
    with pytest.raises(ValueError, match='2 of 2 videos'):
        dataset[0]


def test_a_file_that_changes_is_read_where_it_does_no_harm(build, tmp_path,
                                                           kinds_of_video):
    dataset = build('a.avi 0\nb.avi 1\n')
    # This one would end the process.
    hostile = kinds_of_video[0] / 'huge_count.avi'
    (tmp_path / 'a.avi').write_bytes(hostile.read_bytes())
    assert dataset[0]['data_samples'].gt_label.item() == 1


def test_workers_share_what_was_logged(build, tmp_path):
    dataset = build('a.avi 0\nb.avi 1\n')
    (tmp_path / 'a.avi').write_bytes(b'RIFF not a video any more')
    loader = DataLoader(
        dataset, num_workers=1, batch_size=None, shuffle=False)
    samples = list(loader)
    assert [s['data_samples'].gt_label.item() for s in samples] == [1, 1]
    # The worker has ended; its next incarnation must know.
    assert dataset.bad_videos.summary.startswith('1 of 2 videos')


def test_a_test_names_all_bad_videos_at_once(build, kinds_of_video, tmp_path):
    (tmp_path / 'kinds').symlink_to(kinds_of_video[0])
    names = {name for name in kinds_of_video[1] if '\n' not in name}
    bad = {name for name in names if not kinds_of_video[1][name]}
    lines = ''.join(f'kinds/{name}\t0\n' for name in sorted(names))
    with pytest.raises(ValueError) as caught:
        build(lines, test_mode=True, delimiter='\t')
    said = str(caught.value)
    assert all(f'/{name}\'' in said for name in bad)
    assert not any(f'/{name}\'' in said for name in names - bad)
    # Unless the test may do without them.
    dataset = build(
        lines, test_mode=True, delimiter='\t', max_bad_share=0.9)
    assert len(dataset) == len(names - bad)
    for index in range(len(dataset)):
        assert dataset[index]['inputs'].shape[1:3] == (3, 2)


def test_a_share_above_the_limit_stops_the_run(build, warnings):
    lines = 'broken.avi 0\na.avi 1\nb.avi 1\n'
    with pytest.raises(ValueError, match='1 of 3 videos .* 0.3;') as caught:
        build(lines, max_bad_share=0.3)
    assert 'broken.avi' in str(caught.value)
    assert len(build(lines, max_bad_share=0.34)) == 2
    with pytest.raises(ValueError, match='1 of 1 videos'):
        build('broken.avi 0\n', max_bad_share=1)
    with pytest.raises(ValueError, match='max_bad_share .* 2'):
        build(lines, max_bad_share=2)


def test_broken_video_is_an_error_in_testing(build, tmp_path):
    dataset = build('a.avi 1\nb.avi 0\n', test_mode=True)
    (tmp_path / 'b.avi').write_bytes(b'RIFF not a video any more')
    assert dataset[0]['inputs'].shape[2] == 2
    with pytest.raises(ValueError) as caught:
        dataset[1]
    assert 'b.avi' in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('degrees, turns', [(90, -1), (180, 2), (270, 1)])
def test_rotated_videos_are_shown_upright(kinds_of_video, degrees, turns):
    """A header may ask for a turn clockwise."""
    folder = kinds_of_video[0]

    def frames(name):
        results = dict(filename=str(folder / name), start_index=0,
                       modality='RGB')
        for step in PIPELINE[:3]:
            results = TRANSFORMS.build(dict(
                step, **({'test_mode': True} if 'clip_len' in step else {})
            ))(results)
        return np.stack(results['imgs']).astype(int)

    upright = np.rot90(frames('mpeg4.mp4'), turns, (1, 2))
    turned = frames(f'rotated_{degrees}.mp4')
    assert turned.shape == upright.shape
    assert np.abs(turned - upright).mean() < 2
    assert np.abs(turned - np.rot90(upright, 2, (1, 2))).mean() > 10


@pytest.mark.parametrize('error, where', [
    (KeyError, 'FormatShape'),
    (ImportError, 'DecordPathInit'),
])
def test_other_errors_are_not_taken_for_broken_videos(build, monkeypatch,
                                                      error, where):
    dataset = build('a.avi 0\nb.avi 0\n')

    def fail(self, results):
        raise error('a mistake in the pipeline')

    for transform in dataset.pipeline.transforms:
        if type(transform).__name__ == where:
            monkeypatch.setattr(type(transform), 'transform', fail)
    with pytest.raises(error, match='a mistake'):
        dataset[0]


def in_samplings(where, error, monkeypatch):
    """A pipeline with two samplings whose transform of a type fails."""
    *steps, pack = PIPELINE[1:]
    pipelines = dict(clips=steps, dense=steps)
    monkeypatch.setattr(TRANSFORMS.get(where), 'transform', error)
    return [
        PIPELINE[0],
        dict(type='Samplings', pipelines=pipelines),
        dict(pack, collect_keys=('clips', 'dense'))
    ]


def test_a_decoder_in_a_sampling_fails_as_one_outside(build, monkeypatch):

    def fail(self, results):
        raise RuntimeError('lost the stream')

    pipeline = in_samplings('DecordDecode', fail, monkeypatch)
    with pytest.raises(ValueError) as caught:
        build('a.avi 0\n', pipeline, test_mode=True)[0]
    assert 'a.avi' in str(caught.value)
    assert 'lost the stream' in str(caught.value)


def test_a_mistake_in_a_sampling_stays_one(build, monkeypatch):

    def fail(self, results):
        raise KeyError('a mistake')

    pipeline = in_samplings('FormatShape', fail, monkeypatch)
    with pytest.raises(KeyError, match='a mistake'):
        build('a.avi 0\n', pipeline)[0]


# No line of a list can hold these, and blanks around it are cut off.
NAMES = st.text(
    st.characters(exclude_characters='\0\n\r\t/', codec='utf-8'),
    min_size=1, max_size=8).filter(
        lambda name: name == name.strip() and not name.startswith('\ufeff'))


@given(st.lists(st.tuples(NAMES, st.integers(0, 5)), min_size=1, max_size=4))
def test_a_list_of_any_names_is_read_as_written(build, tmp_path, monkeypatch,
                                                items):
    monkeypatch.setattr(CheckedVideoDataset, '_check_files', lambda *a: None)
    lines = ''.join(f'{name}\t{label}\r\n' for name, label in items)
    (tmp_path / 'list.txt').write_text(lines, encoding='utf-8', newline='')
    dataset = CheckedVideoDataset(
        ann_file=str(tmp_path / 'list.txt'), pipeline=[], delimiter='\t',
        num_classes=6, lazy_init=True, data_prefix=dict(video=''))
    found = [(item['filename'], item['label'])
             for item in dataset.list_videos()]
    assert found == items


@given(st.one_of(
    st.binary(max_size=40),
    st.lists(st.sampled_from(['a.avi', ' ', '\t', '0', '7', '-1', '\n', 'x',
                              ',', '\0', '1.5', '٣', '10' * 99])).map(
                                  lambda parts: ''.join(parts).encode())),
       st.sampled_from([' ', ',', '\t']), st.booleans(),
       st.sampled_from([None, 6]))
def test_any_list_is_read_or_refused(tmp_path, content, delimiter, several,
                                     num_classes):
    path = tmp_path / 'list.txt'
    path.write_bytes(content)
    dataset = CheckedVideoDataset(
        ann_file=str(path), pipeline=[], delimiter=delimiter,
        multi_class=several, num_classes=num_classes, lazy_init=True,
        data_prefix=dict(video=''))
    try:
        items = dataset.list_videos()
    except ValueError as error:
        assert 'list.txt' in str(error)
    else:
        assert items
        for item in items:
            labels = item['label'] if several else [item['label']]
            assert all(type(label) is int for label in labels)
