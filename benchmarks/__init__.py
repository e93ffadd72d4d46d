"""Benchmarks of speed and memory: `python -m benchmarks.bm_NAME --help`."""
