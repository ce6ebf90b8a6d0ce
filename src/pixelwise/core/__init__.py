"""Foundation of the package: specs, errors, label spaces, tensor types, random seeds, atomic files, progress."""
