"""The Hosting stack: the endpoint that exists only while its parameter names an artifact."""
