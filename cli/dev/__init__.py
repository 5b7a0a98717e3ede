"""``trebuche dev``: a local AWS with the program deployed on it, kept in step with the sources."""
