"""The notifiers that come with Civiscope, each loaded by its entry point like a stranger's."""
