"""One verb a module: arguments, then a call into `finexpert.service`, then output.

Modules are imported for `--help` too, so what is heavy is imported within the functions.
"""
