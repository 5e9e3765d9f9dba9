"""A company's documents: read from files, kept in an index, searched, asked and evaluated."""
