"""HTTP server for a run or an export: images in; label maps, overlays or polygons out."""
