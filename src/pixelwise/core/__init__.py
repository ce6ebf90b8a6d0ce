"""What every room stands on: specs, errors, label spaces, chance, safe files. It knows none of the others."""
