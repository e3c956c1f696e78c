"""Tests of the reports, and the sample executions that the views are tested with, too."""
