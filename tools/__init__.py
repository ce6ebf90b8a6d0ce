"""Scripts that generate pages and records from run folders. Not part of the package."""
