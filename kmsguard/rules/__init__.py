"""The graph is judged by rules: `load` reads them, `judge` applies them, `checks` answers what needs an algorithm."""
