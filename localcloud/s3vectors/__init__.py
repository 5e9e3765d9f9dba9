"""Amazon S3 Vectors: vector buckets, indexes and nearest vectors, with the limits of its documentation."""
