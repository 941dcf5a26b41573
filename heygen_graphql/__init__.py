"""A self-hosted GraphQL server that turns a script into a video of a presenter speaking it."""

__version__ = "0.1.0"
