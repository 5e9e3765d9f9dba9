"""A company's own documents: what they hold, how they are searched, how a question is answered from them.

Standard library only. The command line (`finexpert.service.documents`) reads files and writes one SQLite
file.
Search and answers work on that file alone, on a laptop and in a Lambda function alike.
"""
