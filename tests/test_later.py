"""Modules that are imported late, or not at all."""

import gc
import json
import sys

import pytest

from socialsync import later


def test_a_module_that_is_left_out_is_not_found_and_then_found_again():
    with later.without("json", "graphlib"):
        with pytest.raises(ModuleNotFoundError):
            __import__("json")
        with pytest.raises(ModuleNotFoundError):
            __import__("graphlib")
    assert sys.modules["json"] is json
    assert __import__("graphlib").TopologicalSorter


def test_garbage_is_looked_for_again_after_an_import_that_fails():
    with pytest.raises(ModuleNotFoundError):
        later.imported("nowhere")
    assert gc.isenabled()
