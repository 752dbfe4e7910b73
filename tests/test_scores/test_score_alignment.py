# SPDX-License-Identifier: Apache-2.0
"""Score files of the same videos, and of others."""
import pytest
import torch

from uftsn_mmaction.scores.score_alignment import align_score_files
from uftsn_mmaction.scores.score_file import ScoreFile


def table(name, labels, filenames=None, num_classes=3):
    """A file whose scores tell the row."""
    labels = torch.tensor(labels)
    scores = torch.arange(len(labels)).float()[:, None].expand(
        -1, num_classes)
    return ScoreFile(name, name, scores, labels, filenames)


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
    (table('two', [0, 1]), '3 .*2 videos'),
    (table('two', [0, 1, 1], num_classes=4), '3 .*4 classes'),
    (table('two', [0, 2, 1]), "labels 1 .*2 .*'b'"),
    (table('two', [0, 1, 1], ('a', 'b', 'z')), "'c' .*'z'"),
    (table('two', [0, 1, 2], ('a', 'b', 'c')), "labels 1 .*2 .* 'c'"),
    (table('two', [0, 1, 1], ('a', 'b', 'b')), "'c' .*'b'"),
])
def test_the_first_difference_of_two_files_is_named(other, words):
    one = table('one', [0, 1, 1], ('a', 'b', 'c'))
    with pytest.raises(ValueError, match=words) as caught:
        align_score_files([one, other])
    assert "'one' and 'two'" in str(caught.value)


def test_another_order_of_equal_names_is_refused():
    one = table('one', [0, 0, 1], ('x/1.avi', 'y/1.avi', 'x/2.avi'))
    two = table('two', [1, 0, 0], ('x/2.avi', 'x/1.avi', 'y/1.avi'))
    with pytest.raises(ValueError, match="order.* '1' .*2"):
        align_score_files([one, two])


def test_files_without_names_are_compared_by_number_and_labels():
    one, two = table('one', [0, 1]), table('two', [1, 1])
    assert align_score_files([one, one])[1] is one
    with pytest.raises(ValueError, match='labels 0 .*1 .*video 1'):
        align_score_files([one, two])
