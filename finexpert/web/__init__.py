"""The page for the analyst: one set of handlers, served by `finexpert web` here and by a Lambda on AWS.

`http` says what a request and an answer are, `routes` which function answers which path, `local` and `aws`
translate. The page itself is in `static/`. README.md has its paths and documents.
"""
