"""Runbooks for disaster-recovery drills on AWS Elastic Disaster Recovery (DRS).

Importing the package loads nothing heavy: every module is imported by the one that needs it.
"""

__version__ = "0.1.0"
