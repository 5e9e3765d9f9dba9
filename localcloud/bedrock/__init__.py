"""Amazon Bedrock: Converse, InvokeModel, CountTokens and data retention, through local models."""
