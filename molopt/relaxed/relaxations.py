"""The folder of many relaxed molecules, and the files that it gets."""
