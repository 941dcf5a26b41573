"""What is served over HTTP beside the API: files, health, metrics, the GraphiQL page, and the middleware."""
