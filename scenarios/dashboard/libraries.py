"""What every world needs, loaded before the first one is built."""

# ruff: noqa: F401

import networkit
import sklearn.linear_model
import threadpoolctl
import torch

import abm.model
import scenarios.dashboard.world
import scenarios.runs
