import os
import signal
from dataclasses import dataclass

import pytest
import torch
from threadpoolctl import threadpool_info

from analysis.run_pool import measure
from learners.errors import InputError


@dataclass(frozen=True)
class Squares:
    """Squares of numbers, and which process they come from; ``fault`` happens at the number 2."""

    numbers: tuple[int, ...]
    fault: str = ""

    def __len__(self):
        return len(self.numbers)

    def measure(self):
        for number in self.numbers:
            if number == 2 and self.fault == "input":
                raise InputError("numbers: 2 is not allowed")
            if number == 2 and self.fault == "bug":
                raise ZeroDivisionError("two")
            if number == 2 and self.fault == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            result = {"square": number**2, "pid": os.getpid(), "threads": torch.get_num_threads()}
            yield {"number": number}, result


BATCHES = [Squares((0, 1)), Squares((2, 3, 4)), Squares((5,))]


def collected(batches, workers):
    found = []
    measure(batches, workers, lambda key, result: found.append((key["number"], result)))
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_every_run_is_measured_once_with_one_thread(workers):
    found = collected(BATCHES, workers)
    assert sorted((number, result["square"]) for number, result in found) == [(n, n**2) for n in range(6)]
    assert {result["threads"] for _, result in found} == {1}
    here = {result["pid"] == os.getpid() for _, result in found}
    assert here == {workers == 1}


def test_one_process_measures_in_order_and_restores_threads():
    threads, pools = torch.get_num_threads(), [pool["num_threads"] for pool in threadpool_info()]
    torch.set_num_threads(2)
    try:
        assert [number for number, _ in collected(BATCHES, 1)] == list(range(6))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert [pool["num_threads"] for pool in threadpool_info()] == pools


def test_nothing_to_measure_starts_no_process():
    assert collected([], 4) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_bad_input_is_told_as_it_is(workers):
    with pytest.raises(InputError, match="numbers: 2 is not allowed"):
        collected([Squares((1, 2), "input"), Squares((7,))], workers)


@pytest.mark.parametrize(
    ("fault", "said"),
    [("bug", r"in a worker process:(.|\n)*ZeroDivisionError: two"), ("killed", "exit code -9")],
)
def test_fault_of_a_worker_is_told(fault, said):
    with pytest.raises(RuntimeError, match=said):
        collected([Squares((1, 2), fault), Squares((7,))], 2)
