"""The actions that come with the product; each module names one `ACTION` for its entry point."""
