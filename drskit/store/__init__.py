"""The tables: a codec, DynamoDB, and a memory store under the same contract tests."""
