# SPDX-License-Identifier: Apache-2.0
"""Metrics of a run: their meaning, their best values and their curves."""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite, nan
from typing import NamedTuple

from ...visualization.curves import Panel
from ..history import History, Record


class Kind(NamedTuple):
    """A kind of metric: its names, its label and what is better."""
    pattern: str
    label: str
    spec: str = '.3f'
    higher: bool = False


#: The most important first.
KINDS = (
    Kind(r'acc/(?:(?P<of>.+)_)?top1', 'accuracy', higher=True),
    Kind(r'motion/top1', 'accuracy of the motion', higher=True),
    Kind(r'flow/AEPE', 'AEPE in pixels'),
    Kind(r'flow/photometric', 'photometric error in grey levels'),
    Kind(r'flow/forward_backward', 'forward-backward error in pixels'),
)
# Values of a metric that doing nothing would have.
_ZERO = {'flow/AEPE': 'flow/AEPE_zero',
         'flow/photometric': 'flow/photometric_zero'}
_CARDS = 6


class Headline(NamedTuple):
    """A number that tells how good a run is."""
    label: str
    value: str
    note: str


def kind_of(name: str) -> tuple[Kind, str] | None:
    """Return the kind of a metric, and its label with the stream."""
    for kind in KINDS:
        match = re.fullmatch(kind.pattern, name)
        if match:
            stream = match.groupdict().get('of')
            return kind, kind.label + (f', {stream}' if stream else '')
    return None


def headlines(history: History) -> list[Headline]:
    """Return the last value of the main metrics, and the best one.

    Those of a test stand before those of the last validation.
    """
    cards = []
    for record, source in ((history.test, 'test'),
                           (_last(history.validations), 'validation')):
        for kind in KINDS:
            for name, value in record.items():
                found = kind_of(name)
                if not found or found[0] is not kind:
                    continue
                label = found[1] + ('' if source == 'validation' else
                                    ' in the test')
                cards.append(Headline(
                    label, format(value, kind.spec),
                    '; '.join(_notes(name, record, history, source, kind))))
    return cards[:_CARDS]


def _notes(name: str, record: Record, history: History, source: str,
           kind: Kind) -> Iterator[str]:
    zero = record.get(_ZERO.get(name, ''))
    if zero is not None:
        yield f'zero flow has {zero:{kind.spec}}'
    if source == 'validation':
        values = {number: values[name] for number, values
                  in history.validations.items() if name in values}
        best = (max if kind.higher else min)(values, key=values.get)
        last = max(values)
        yield (f'after {history.unit} {last}' if best == last else
               f'after {history.unit} {last}; best {values[best]:{kind.spec}}'
               f' after {best}')


def metric_rows(history: History) -> tuple[list[str], list[list[str]]]:
    """Return a table of all metrics: heads and rows."""
    last = _last(history.validations)
    columns = [('last validation', last), ('test', history.test)]
    columns = [(head, record) for head, record in columns if record]
    names = [name for name in dict.fromkeys(
        name for _, record in columns for name in record)
        if name not in ('time', 'data_time', 'step')]
    return (['metric', *(head for head, _ in columns)],
            [[name, *(format(record[name], '.4g') if name in record else '-'
                      for _, record in columns)] for name in names])


def panels(history: History) -> list[Panel]:
    """Return the curves of a training, the most important first."""
    measured = dict(sorted(history.validations.items()))
    found = []
    for name, pattern, highest in (
            ('accuracy', r'(acc/.*top1|motion/top1)', 1.02),
            ('AEPE in pixels', 'flow/AEPE', None),
            ('photometric, grey levels', 'flow/photometric', None),
            ('forward-backward, px', 'flow/forward_backward', None)):
        lines = _lines(measured, pattern)
        last = _last(measured)
        references = dict(
            ('zero flow', last[_ZERO[key]]) for key in lines
            if _ZERO.get(key) in last)
        found.append(Panel(name, lines, references, highest=highest))
    steps = {history.progress(step): record
             for step, record in history.steps.items()}
    for name, pattern in (('losses', '(.*/)?loss.*'),
                          ('flow, pixels', '(.*/)?flow_(norm|std)'),
                          ('learning rate', '(.*/)?((?!base_).*_)?lr')):
        lines = _lines(steps, pattern)
        values = [y for points in lines.values() for _, y in points
                  if isfinite(y)]
        log = bool(values) and min(values) > 0 and (
            max(values) > 20 * min(values))
        found.append(Panel(name, lines, log=log))
    return [panel for panel in found if panel.lines]


def _lines(records: Mapping[float, Record],
           pattern: str) -> dict[str, Sequence[tuple[float, float]]]:
    names = dict.fromkeys(name for record in records.values()
                          for name in record if re.fullmatch(pattern, name))
    # A part that rests in a stage leaves a gap in its curve.
    return {name: [(x, record.get(name, nan)) for x, record in
                   records.items()] for name in names}


def _last(records: Mapping[int, Record]) -> Record:
    return records[max(records)] if records else {}
