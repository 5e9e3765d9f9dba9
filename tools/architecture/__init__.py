"""Draws docs/architecture.svg from the synthesized app, so that the picture cannot lie about it."""
