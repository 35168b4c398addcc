"""`python -m civiscope` is `civiscope`."""

from civiscope.cli import main

if __name__ == "__main__":
    main()
