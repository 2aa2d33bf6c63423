"""Questions about the graph: which keys there are, and who can do what with them."""
