"""What looks like a secret. Knows no templates: texts and names go in, places come out."""
