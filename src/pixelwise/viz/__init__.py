"""Arrays in, figures out: overlays, error maps, contact sheets and learning curves. The only room with matplotlib."""
