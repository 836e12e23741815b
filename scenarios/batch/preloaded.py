"""What every worker of a study imports: the process that workers are forked from imports this module once.

Nothing else may happen here but to note which code it is: above all no word with a GPU, which a fork would
not survive.
"""

from __future__ import annotations

import importlib

import networkit
import torch

import abm.model
import scenarios.batch.jobs
from learners.usecase import REGISTRY
from scenarios.code_version import loaded_code

loaded_code()
for _entry in REGISTRY.values():
    importlib.import_module(_entry.builder.partition(":")[0])

__all__ = ["abm", "networkit", "scenarios", "torch"]
