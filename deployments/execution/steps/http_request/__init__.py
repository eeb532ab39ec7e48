"""Send an HTTP request and check its answer."""
