"""A trained network behind HTTP: images in, label maps, overlays or polygons out."""
