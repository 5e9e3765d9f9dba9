"""Finds and reports resources besides endpoints that bill without being used. It never stops them.

Why never: AWS publishes no metric from which their use could be known. A notebook or an app holds unsaved
work in memory, and a job past its time limit is one that AWS itself is stopping. What cannot be proven idle
is not touched; the spend guard still stops the project's jobs at the budget's limit.
"""
