"""A benchmark: the same questions to several contestants, graded alike, compared in pairs."""
