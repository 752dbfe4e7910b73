# SPDX-License-Identifier: Apache-2.0
"""Score files against dumps that MMEngine writes."""
import pickle

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.evaluator import DumpResults, Evaluator

from uftsn_mmaction.scores.score_file import (
    ScoreFile,
    align_score_files,
    read_score_file,
    write_score_file,
)

SCORES = torch.tensor([[1., 2., -3.], [0., 4., 1.]])


def dump(path, scores, labels, **metainfo):
    """The dump of a test run; ``metainfo`` has a list for each key."""
    evaluator = Evaluator(DumpResults(str(path)))
    for index, (score, label) in enumerate(zip(scores, labels)):
        sample = ActionDataSample(metainfo=dict(
            img_shape=(64, 64),
            **{key: values[index]
               for key, values in metainfo.items()}))
        sample.set_gt_label(label)
        sample.set_field(score, 'pred_score')
        evaluator.process([sample])
    evaluator.evaluate(len(labels))
    return str(path)


def pickled(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return str(path)


def entry(**kwargs):
    return dict(dict(pred_score=SCORES[0], gt_label=torch.tensor([1])),
                **kwargs)


def table(name, labels, filenames=None, num_classes=3):
    """A file whose scores tell the row."""
    labels = torch.tensor(labels)
    scores = torch.arange(len(labels)).float()[:, None].expand(
        -1, num_classes)
    return ScoreFile(name, name, scores, labels, filenames)


@pytest.mark.parametrize('dtype', [
    torch.float16, torch.bfloat16, torch.float32, torch.float64
])
def test_a_dump_of_a_test_run_is_read(tmp_path, dtype):
    path = dump(
        tmp_path / 'a.pkl',
        SCORES.to(dtype), [1, 2],
        filename=['x/one.avi', 'x/two.avi'])
    file = read_score_file(path)
    assert torch.equal(file.scores, SCORES)
    assert file.scores.dtype == torch.float32
    assert file.labels.tolist() == [1, 2]
    assert file.filenames == ('x/one.avi', 'x/two.avi')
    assert file.stems == ['one', 'two']


def test_tensors_of_a_gpu_come_to_the_cpu(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr('torch.serialization.location_tag', lambda _: 'cuda:0')
        path = dump(tmp_path / 'a.pkl', SCORES, [1, 2])
    assert b'cuda:0' in (tmp_path / 'a.pkl').read_bytes()
    file = read_score_file(path)
    assert torch.equal(file.scores, SCORES)


def test_a_stream_of_a_fusion_is_chosen_after_the_last_colon(tmp_path):
    folder = tmp_path / 'run:1'
    folder.mkdir()
    streams = [
        dict(spatial=score, fusion=score + 1, fusion_prob=score.softmax(0))
        for score in SCORES
    ]
    path = dump(folder / 'a.pkl', streams, [1, 2])
    assert torch.equal(read_score_file(f'{path}:fusion').scores, SCORES + 1)
    assert torch.equal(read_score_file(f'{path}:spatial').scores, SCORES)
    with pytest.raises(ValueError) as caught:
        read_score_file(path)
    assert f'{path}:spatial, {path}:fusion, {path}:fusion_prob' in str(
        caught.value)
    with pytest.raises(ValueError, match="no pred_score 'motion'; choose"):
        read_score_file(f'{path}:motion')


def test_a_file_whose_name_has_a_colon_is_that_file(tmp_path):
    dump(tmp_path / 'a.pkl', SCORES, [1, 2])
    (tmp_path / 'a.pkl').rename(tmp_path / 'b')
    dump(tmp_path / 'a.pkl', SCORES + 1, [1, 2])
    (tmp_path / 'a.pkl').rename(tmp_path / 'b:spatial')
    file = read_score_file(str(tmp_path / 'b:spatial'))
    assert torch.equal(file.scores, SCORES + 1)


def test_a_stream_of_a_file_without_streams_is_refused(tmp_path):
    path = dump(tmp_path / 'a.pkl', SCORES, [1, 2])
    with pytest.raises(ValueError, match="no 'spatial'; leave out"):
        read_score_file(f'{path}:spatial')


@pytest.mark.parametrize('content, words', [
    ([], 'no list of predictions'),
    (dict(a=1), 'no list of predictions'),
    ([SCORES], 'no list of predictions'),
    ([entry(), dict(gt_label=torch.tensor([0]))],
     r"video 2 .* no pred_score, only \['gt_label'\]"),
    ([dict(pred_score=SCORES[0])], 'video 1 .* no gt_label'),
    ([entry(gt_label=torch.tensor([0, 1, 1]))],
     r'gt_label \[0, 1, 1\], .*single-label'),
    ([entry(gt_label=torch.tensor([0.5]))], 'gt_label .*single-label'),
    ([entry(gt_label=3)], 'gt_label 3, .*single-label'),
    ([entry(gt_label=torch.tensor([3]))], 'label 3, but scores of 3 classes'),
    ([entry(gt_label=torch.tensor([-1]))], 'label -1'),
    ([entry(), entry(pred_score=torch.ones(4))],
     'video 2 .* scores of 4 classes, the first one of 3'),
    ([entry(pred_score=torch.tensor([1., np.nan]))], 'not finite'),
    ([entry(), entry(pred_score=torch.tensor([1., 0., np.inf]))],
     'video 2 .* not finite'),
    ([entry(pred_score=SCORES)], "average_clips='score'"),
    ([entry(pred_score=[1., 2.])], 'list as pred_score'),
    ([entry(pred_score=np.ones(3))], 'as pred_score'),
    ([entry(pred_score=torch.ones(0))], 'as pred_score'),
    ([entry(filename='a.avi'), entry()], 'for some videos only'),
])
def test_what_is_no_dump_is_named(tmp_path, content, words):
    path = pickled(tmp_path / 'a.pkl', content)
    with pytest.raises(ValueError, match=words) as caught:
        read_score_file(path)
    assert path in str(caught.value) and '\n' not in str(caught.value)


def test_a_missing_file_is_named_as_given_and_absolute(tmp_cwd):
    with pytest.raises(FileNotFoundError) as caught:
        read_score_file('runs/a.pkl:spatial')
    assert "'runs/a.pkl:spatial' does not exist" in str(caught.value)
    assert str(tmp_cwd / 'runs') in str(caught.value)
    with pytest.raises(ValueError, match='cannot be read'):
        read_score_file(str(tmp_cwd))


@pytest.mark.parametrize('scores, kind', [
    (SCORES, 'score'),
    (SCORES.softmax(1), 'prob'),
    (SCORES.softmax(1).half().float(), 'prob'),
    (SCORES.softmax(1) * 1.01, 'score'),
    (torch.tensor([[2., -1., 0.]]), 'score'),
    (torch.tensor([[0.5, 0.5], [0.5, 0.6]]), 'score'),
])
def test_distributions_are_told_from_scores(scores, kind):
    labels = torch.zeros(len(scores), dtype=torch.long)
    assert ScoreFile('a', 'a', scores, labels).kind == kind


def test_videos_are_matched_by_name_wherever_they_lie():
    one = table('one', [0, 1, 2], ('x/a.avi', 'x/b.avi', 'x/c.avi'))
    two = table('two', [2, 0, 1], ('y/c.mp4', 'y/a.mp4', 'y/b.mp4'))
    first, second = align_score_files([one, two])
    assert first is one
    assert second.labels.tolist() == [0, 1, 2]
    assert second.scores[:, 0].tolist() == [1, 2, 0]
    assert second.filenames == ('y/a.mp4', 'y/b.mp4', 'y/c.mp4')


def test_names_are_compared_although_the_first_file_has_none():
    unnamed = table('none', [0, 1])
    one = table('one', [0, 1], ('a', 'b'))
    two = table('two', [1, 0], ('b', 'a'))
    aligned = align_score_files([unnamed, one, two])
    assert aligned[2].scores[:, 0].tolist() == [1, 0]
    with pytest.raises(ValueError, match="'one' and 'other'"):
        align_score_files([unnamed, one, table('other', [0, 1], ('a', 'z'))])


def test_equal_names_in_one_order_belong_together():
    names = ('x/1.avi', 'y/1.avi')
    files = [table('one', [0, 1], names), table('two', [0, 1], names)]
    assert align_score_files(files) == files


@pytest.mark.parametrize('other, words', [
    (table('two', [0, 1]), '3 and 2 videos'),
    (table('two', [0, 1, 1], num_classes=4), '3 and 4 classes'),
    (table('two', [0, 2, 1]), "labels 1 and 2 for video 'b'"),
    (table('two', [0, 1, 1], ('a', 'b', 'z')), "videos 'c' and 'z'"),
    (table('two', [0, 1, 2], ('a', 'b', 'c')), "labels 1 and 2 .* 'c'"),
    (table('two', [0, 1, 1], ('a', 'b', 'b')), "videos 'c' and 'b'"),
])
def test_the_first_difference_of_two_files_is_named(other, words):
    one = table('one', [0, 1, 1], ('a', 'b', 'c'))
    with pytest.raises(ValueError, match=words) as caught:
        align_score_files([one, other])
    assert "'one' and 'two'" in str(caught.value)


def test_another_order_of_equal_names_is_refused():
    one = table('one', [0, 0, 1], ('x/1.avi', 'y/1.avi', 'x/2.avi'))
    two = table('two', [1, 0, 0], ('x/2.avi', 'x/1.avi', 'y/1.avi'))
    with pytest.raises(ValueError, match="because '1' is the name of 2"):
        align_score_files([one, two])


def test_files_without_names_are_compared_by_number_and_labels():
    one, two = table('one', [0, 1]), table('two', [1, 1])
    assert align_score_files([one, one])[1] is one
    with pytest.raises(ValueError, match='labels 0 and 1 for video 1'):
        align_score_files([one, two])


def test_what_is_written_is_a_dump(tmp_path):
    path = str(tmp_path / 'new' / 'fused.pkl')
    write_score_file(path, SCORES, torch.tensor([1, 2]), ['a.avi', 'b.avi'])
    file = read_score_file(path)
    assert torch.equal(file.scores, SCORES)
    assert file.labels.tolist() == [1, 2]
    assert file.filenames == ('a.avi', 'b.avi')
    stock = pickle.loads(
        open(dump(tmp_path / 'stock.pkl', SCORES, [1, 2]), 'rb').read())
    ours = pickle.loads(open(path, 'rb').read())
    for one, two in zip(ours, stock):
        for key in ('pred_score', 'gt_label'):
            assert torch.equal(one[key], two[key])
            assert one[key].dtype == two[key].dtype
    assert [one['pred_label'].tolist() for one in ours] == [[1], [1]]


def test_a_written_row_does_not_bring_the_whole_matrix(tmp_path):
    scores = torch.rand(100, 1000)
    path = tmp_path / 'a.pkl'
    write_score_file(str(path), scores, torch.zeros(100, dtype=torch.long))
    assert path.stat().st_size < 3 * scores.nbytes
    with pytest.raises(ValueError, match='.pkl or .pickle'):
        write_score_file(str(tmp_path / 'a.txt'), SCORES, torch.zeros(2))
