"""What all figures share: one style, colours for light and dark pages, and SVG that a page can include."""
