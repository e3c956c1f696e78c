"""Tests of the notebooks under the runners that people schedule them with."""
