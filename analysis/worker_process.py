"""What every worker process of ours does first: one thread, no ear for Ctrl-C, and an end with its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def become_worker() -> None:
    """Set this process up as a worker; call it before anything is computed.

    One thread is what runs on these models are fastest with, and what makes them repeatable.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)


def _end_with_parent() -> None:
    """End this process when its parent is gone, whatever killed it."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
