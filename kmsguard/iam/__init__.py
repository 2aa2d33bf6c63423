"""Who may do what with a key: policy documents, their matching, single decisions, and the widest audience of a document."""
