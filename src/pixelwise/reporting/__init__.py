"""Tables and pages of results. Reads run folders; imports neither training nor models."""
