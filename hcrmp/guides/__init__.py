"""Short guides, as Markdown."""
