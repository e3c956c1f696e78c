"""Tests of `drskit.store`."""
