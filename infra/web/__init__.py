"""The analyst's page on AWS: who may sign in, the API, and the one function behind it."""
