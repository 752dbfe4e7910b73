# SPDX-License-Identifier: Apache-2.0
"""The report: whole, self-contained, and nothing in it is code."""
import base64
import os
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from uftsn_mmaction.visualization import (
    ReportFigure,
    ReportSection,
    ReportTable,
    write_report,
)

EVIL = '<script>alert("x")</script> & \'quotes"'


class Page(HTMLParser):
    """Tags with their attributes, and the text outside of tags."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def find(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


@pytest.fixture(scope='module')
def png():
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    return cv2.imencode('.png', picture)[1].tobytes()


def test_all_parts_in_reading_order(tmp_path, png):
    path = write_report(
        tmp_path / 'new' / 'report.html', 'Run 1', [
            ReportSection('First', [
                'One.',
                ReportTable(('method', 'AEPE'), [('TV-L1', 0.63)], 'Pixels.'),
                'Two.'
            ]),
            ReportSection('Second', [ReportFigure(png, 'A flow', 'Below.')])
        ])
    page = Page(path)
    words = [word for word in map(str.strip, page.words) if word]
    body = words[words.index('First') - 1:]
    assert body == [
        'Run 1', 'First', 'One.', 'Pixels.', 'method', 'AEPE', 'TV-L1',
        '0.630', 'Two.', 'Second', 'Below.'
    ]
    image, = page.find('img')
    kind, data = image['src'].split(',')
    assert kind == 'data:image/png;base64'
    assert base64.b64decode(data) == png
    assert image['alt'] == 'A flow'


def test_text_stays_text(tmp_path, png):
    path = write_report(
        tmp_path / 'report.html', EVIL, [
            ReportSection(EVIL, [
                EVIL,
                ReportTable((EVIL, ), [(EVIL, )], EVIL),
                ReportFigure(png, EVIL, EVIL)
            ])
        ])
    page = Page(path)
    assert not page.find('script')
    assert page.find('img')[0]['alt'] == EVIL
    # title, h1, h2, paragraph, column, cell and two captions
    assert page.words.count(EVIL) == 8


def test_nothing_is_loaded_from_elsewhere(tmp_path, png):
    path = write_report(tmp_path / 'report.html', 'Run',
                        [ReportSection('A', [ReportFigure(png, 'a')])])
    page = Page(path)
    assert not page.find('link') and not page.find('script')
    for _, attrs in page.tags:
        assert 'href' not in attrs and 'style' not in attrs
        assert attrs.get('src', 'data:').startswith('data:')
    text = path.read_text(encoding='utf-8')
    assert 'url(' not in text and '@import' not in text
    assert "default-src 'none'" in text


def test_cells(tmp_path):
    table = ReportTable(
        ('name', 'value', 'mixed'),
        [('a', np.float32(0.12345), 1), ('b', None, 'many'),
         ('c', float('nan'), True), ('d', 12, None)])
    page = Page(
        write_report(tmp_path / 'r.html', 'Run',
                     [ReportSection('A', [table])]))
    words = [word for word in map(str.strip, page.words) if word]
    assert words[-12:] == [
        'a', '0.123', '1', 'b', '–', 'many', 'c', '–', 'True', 'd', '12', '–'
    ]
    # Only a column of nothing but numbers is set like one.
    assert [cell.get('class') for cell in page.find('th')
            ] == [None, 'number', None]


def test_a_failure_leaves_the_old_report(tmp_path, png, monkeypatch):
    path = write_report(tmp_path / 'report.html', 'Old', [])

    def fail(*args):
        raise OSError('disk full')

    with monkeypatch.context() as patch:
        patch.setattr(os, 'replace', fail)
        with pytest.raises(OSError, match='disk full'):
            write_report(path, 'New', [])
    assert os.listdir(tmp_path) == ['report.html']
    assert 'Old' in Page(path).words
    write_report(path, 'New', [])
    assert os.listdir(tmp_path) == ['report.html']
    assert 'New' in Page(path).words


@pytest.mark.parametrize('item, error, words', [
    (3, TypeError, "'Flow' of the report holds int"),
    (ReportFigure(b'\xff\xd8\xff', 'a'), ValueError, 'no PNG file'),
    (ReportFigure(b'\x89PNG\r\n\x1a\n', ' '), ValueError, 'no alternative'),
    (ReportTable(('a', 'b'), [(1, )]), ValueError, 'must have 2 cells'),
    (ReportTable(('a', 'b'), ['xy']), ValueError, 'must have 2 cells'),
])
def test_what_is_no_part_of_a_report(tmp_path, item, error, words):
    with pytest.raises(error, match=words):
        write_report(tmp_path / 'report.html', 'Run',
                     [ReportSection('Flow', [item])])
    assert not list(tmp_path.iterdir())
