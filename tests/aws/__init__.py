"""The adapters to AWS, asked through real boto3 clients."""
