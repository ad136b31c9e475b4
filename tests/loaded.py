"""Imports the whole application, for a process that others are forked from (tests/processes.py)."""

import importlib
import pkgutil

import pytest  # noqa: F401 - what is forked is often a function of a test

import app
import jobs
import run  # noqa: F401 - it is the command line's module

for package in (app, jobs):
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if "migrations" not in found.name:
            importlib.import_module(found.name)
