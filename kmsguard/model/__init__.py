"""The nouns: what goes in and comes out of each stage of a scan. Knows nothing of any language, service or rule."""
