"""Figures from arrays: overlays, error maps, contact sheets, learning curves, charts. Only viz imports matplotlib."""
