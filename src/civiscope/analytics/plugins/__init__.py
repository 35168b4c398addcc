"""The analytics that come with the product; found by entry point like anybody's."""
