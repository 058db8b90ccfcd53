"""Labelled structures that come with the package."""
