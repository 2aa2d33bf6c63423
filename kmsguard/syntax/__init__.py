"""Text to trees with places. The only package that knows a parser."""
