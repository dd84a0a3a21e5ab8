"""Torch on one thread for a while."""

import threading

import pytest
import torch

from mmhand.utils.threads import one_thread


@pytest.fixture
def three():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_the_number_comes_back_after_errors_and_from_within(three):
    @one_thread()
    def work(fail):
        assert torch.get_num_threads() == 1
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
        if fail:
            raise KeyError('x')

    for fail in (False, True, False):
        if fail:
            with pytest.raises(KeyError):
                work(fail)
        else:
            work(fail)
        assert torch.get_num_threads() == 3


def test_other_threads_go_on_as_they_were(three):
    numbers, inside, done = [], threading.Event(), threading.Event()

    def other():
        torch.set_num_threads(2)
        numbers.append(torch.get_num_threads())
        with one_thread():
            inside.set()
            done.wait(20)
            numbers.append(torch.get_num_threads())
        numbers.append(torch.get_num_threads())

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(20)
    assert torch.get_num_threads() == 3
    with one_thread():
        done.set()
        thread.join(20)
    assert numbers == [2, 1, 2]
    assert torch.get_num_threads() == 3
