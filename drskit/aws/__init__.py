"""The adapters to AWS; only here are botocore's errors seen."""
