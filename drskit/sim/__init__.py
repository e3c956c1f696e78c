"""A simulator of AWS DRS on moto, reached through boto3 only."""
