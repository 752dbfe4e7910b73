# SPDX-License-Identifier: Apache-2.0
"""Work of other threads: in order, bounded, and its errors are seen."""
import threading

import pytest

from uftsn_mmaction.apis.background import Background, ahead


def test_the_next_item_is_made_meanwhile():
    second = threading.Event()

    def items():
        yield 1
        second.set()
        yield 2

    made = ahead(items())
    assert next(made) == 1
    assert second.wait(60)
    assert list(made) == [2]


def test_an_error_comes_at_its_place():

    def items():
        yield 1
        raise KeyError

    made = ahead(items())
    assert next(made) == 1
    with pytest.raises(KeyError):
        next(made)


def test_things_are_done_in_order():
    done = []
    with Background(room=2) as background:
        for number in range(10):
            background.do(done.append, number)
        background.wait()
    assert done == list(range(10))


def test_an_error_is_raised_by_what_comes_later():
    with Background(room=1) as background:
        background.do(lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            background.do(int)
        background.wait()


def test_an_interruption_drops_what_waits():
    go, done = threading.Event(), []
    with pytest.raises(KeyError), Background() as background:
        background.do(go.wait)
        background.do(done.append, 1)
        threading.Timer(0.2, go.set).start()
        raise KeyError
    assert not done
