"""Tests of the simulator, through boto3 only."""
