"""All metadata lives in pyproject.toml; this file lets `python setup.py` style tools find it."""

from setuptools import setup

setup()
