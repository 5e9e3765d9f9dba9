"""A company's own documents: what they hold, how they are searched, and how a question is answered from them.

Standard library only. The command line reads files (`finexpert.service.documents`) and writes one SQLite file;
search and answers work on that file alone, on a laptop and in a Lambda function alike.
"""
