"""The numbers that drskit is held to: `python -m tests.bench` measures and prints them.

Times are ratios of two things measured side by side in one run, because
machines differ; the seconds beside them are for the reader.
"""
