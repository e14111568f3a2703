"""Measures the queue engine beside its rivals, on one machine, in one run. See bench/README.md."""
