"""Tests of what AWS runs."""
