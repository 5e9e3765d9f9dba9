"""The Billing stack: what AWS itself measures of the bill, always in us-east-1."""
